package simulator

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// changeSignal wakes who waits for any change of any object.
type changeSignal struct {
	mu   sync.Mutex
	next chan struct{}
}

var changes = &changeSignal{next: make(chan struct{})}

func (c *changeSignal) wait() chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next
}

func (c *changeSignal) fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.next)
	c.next = make(chan struct{})
}

// WatchChanges is to be registered once.
func WatchChanges() { Map.AddHandler(changes) }

func (*changeSignal) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "ChangeSignal", Value: "changes"}
}
func (c *changeSignal) PutObject(mo.Reference)                            { c.fire() }
func (c *changeSignal) UpdateObject(mo.Reference, []types.PropertyChange) { c.fire() }
func (c *changeSignal) RemoveObject(types.ManagedObjectReference)         { c.fire() }

// watcher is what a property collector told its client already.
type watcher struct {
	version int
	seen    map[types.ManagedObjectReference]map[types.ManagedObjectReference]map[string]types.AnyType
	cancel  chan struct{}
}

var (
	watchersMu sync.Mutex
	watchers   = map[*PropertyCollector]*watcher{}
)

func watcherOf(pc *PropertyCollector) *watcher {
	watchersMu.Lock()
	defer watchersMu.Unlock()
	w := watchers[pc]
	if w == nil {
		w = &watcher{cancel: make(chan struct{}, 1)}
		watchers[pc] = w
	}
	return w
}

func cancelWait(ctx *Context, method *Method) soap.HasFault {
	if pc, ok := ctx.Session.Get(method.This).(*PropertyCollector); ok {
		select {
		case watcherOf(pc).cancel <- struct{}{}:
		default:
		}
	}
	return &methods.CancelWaitForUpdatesBody{Res: &types.CancelWaitForUpdatesResponse{}}
}

// waitForUpdates answers as soon as something changed; vcsim looks four times a second.
func waitForUpdates(ctx *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.WaitForUpdatesEx)
	pc, ok := ctx.Session.Get(method.This).(*PropertyCollector)
	if !ok {
		return nil
	}
	w := watcherOf(pc)
	if req.Version == "" {
		w.seen = map[types.ManagedObjectReference]map[types.ManagedObjectReference]map[string]types.AnyType{}
	} else if req.Version != fmt.Sprint(w.version) {
		return &methods.WaitForUpdatesExBody{Fault_: Fault("", &types.InvalidCollectorVersion{})}
	}
	var timeout <-chan time.Time
	if req.Options != nil && req.Options.MaxWaitSeconds != nil {
		timeout = time.After(time.Duration(*req.Options.MaxWaitSeconds) * time.Second)
	}
	for {
		changed := changes.wait()
		set, fault := w.updates(ctx, pc)
		if fault != nil {
			return &methods.WaitForUpdatesExBody{Fault_: Fault(faultText(fault), fault)}
		}
		if set != nil {
			return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{Returnval: set}}
		}
		select {
		case <-changed:
		case <-timeout:
			return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{}}
		case <-ctx.Done():
			return serverFault("the client went away")
		case <-w.cancel:
			return &methods.WaitForUpdatesExBody{Fault_: Fault("", &types.RequestCanceled{})}
		}
	}
}

// updates answers what changed since the last time, nil for nothing.
func (w *watcher) updates(ctx *Context, pc *PropertyCollector) (*types.UpdateSet, types.BaseMethodFault) {
	set := &types.UpdateSet{}
	for _, ref := range pc.Filter {
		filter, ok := ctx.Session.Get(ref).(*PropertyFilter)
		if !ok {
			continue
		}
		spec := filter.Spec
		spec.ReportMissingObjectsInResults = types.NewBool(true)
		res, fault := pc.collect(ctx, &types.RetrievePropertiesEx{SpecSet: []types.PropertyFilterSpec{spec}})
		if fault != nil {
			return nil, fault
		}
		if objects := w.compare(ref, res.Objects); len(objects) > 0 {
			set.FilterSet = append(set.FilterSet, types.PropertyFilterUpdate{Filter: ref, ObjectSet: objects})
		}
	}
	if len(set.FilterSet) == 0 {
		return nil, nil
	}
	w.version++
	set.Version = fmt.Sprint(w.version)
	return set, nil
}

func (w *watcher) compare(filter types.ManagedObjectReference, now []types.ObjectContent) (all []types.ObjectUpdate) {
	before := w.seen[filter]
	after := map[types.ManagedObjectReference]map[string]types.AnyType{}
	for _, o := range now {
		known, old := before[o.Obj]
		update := types.ObjectUpdate{Obj: o.Obj, Kind: types.ObjectUpdateKindModify}
		if !old {
			update.Kind = types.ObjectUpdateKindEnter
		}
		values := map[string]types.AnyType{}
		for _, p := range o.PropSet {
			values[p.Name] = p.Val
			if old && reflect.DeepEqual(known[p.Name], p.Val) || !old && p.Val == nil {
				continue
			}
			update.ChangeSet = append(update.ChangeSet, types.PropertyChange{
				Op: types.PropertyChangeOpAssign, Name: p.Name, Val: p.Val,
			})
		}
		after[o.Obj] = values
		if !old || len(update.ChangeSet) > 0 {
			all = append(all, update)
		}
	}
	for ref := range before {
		if _, ok := after[ref]; !ok {
			all = append(all, types.ObjectUpdate{Obj: ref, Kind: types.ObjectUpdateKindLeave})
		}
	}
	w.seen[filter] = after
	return all
}
