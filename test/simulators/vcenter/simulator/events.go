package simulator

import (
	"reflect"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// mostEvents is what a server puts into one answer at most.
const mostEvents = 1000

var (
	historyMu sync.Mutex
	history   []types.BaseEvent // oldest first
	eventKey  int32
)

// record puts an event into the history, with the time of the server's clock.
func record(event types.BaseEvent) {
	historyMu.Lock()
	defer historyMu.Unlock()
	eventKey++
	e := event.GetEvent()
	e.Key, e.ChainId, e.CreatedTime = eventKey, eventKey, serverTime()
	if e.UserName == "" {
		e.UserName = "somebody"
	}
	history = append(history, event)
	if len(history) > 20000 {
		history = history[10000:]
	}
}

// recordTask notes that a task of a machine began. A bare ESXi host keeps no such events.
func (m *machine) recordTask(descriptionID string) {
	if Map.IsESX() {
		return
	}
	record(&types.TaskEvent{Event: m.vm.event().Event, Info: types.TaskInfo{
		Key: "task", DescriptionId: descriptionID, Entity: &m.vm.Self, EntityName: m.vm.Name,
		State: types.TaskInfoStateQueued, Reason: &types.TaskReasonUser{UserName: "somebody"}, QueueTime: time.Now(),
	}})
}

// recordRevert notes what vCenter and ESXi say of a machine that was reverted, whoever did it.
func (m *machine) recordRevert() {
	record(&types.EventEx{
		Event: m.vm.event().Event, EventTypeId: "com.vmware.vc.vm.VmStateRevertedToSnapshot", Severity: "info",
		ObjectId: m.vm.Self.Value, ObjectType: "VirtualMachine", ObjectName: m.vm.Name,
	})
}

// forgetEvents begins the history anew, as the start of an ESXi host does.
func forgetEvents() {
	historyMu.Lock()
	history = nil
	historyMu.Unlock()
	record(&types.EventEx{EventTypeId: "esx.audit.host.boot", Severity: "info"})
}

// queryEvents answers the oldest events that the filter lets through.
func queryEvents(_ *Context, method *Method) soap.HasFault {
	filter := method.Body.(*types.QueryEvents).Filter
	most := mostEvents
	if n := int(filter.MaxCount); n > 0 && n < most {
		most = n
	}
	res := &types.QueryEventsResponse{}
	historyMu.Lock()
	defer historyMu.Unlock()
	for _, event := range history {
		if len(res.Returnval) < most && wanted(event, &filter) {
			res.Returnval = append(res.Returnval, event)
		}
	}
	return &methods.QueryEventsBody{Res: res}
}

func wanted(event types.BaseEvent, filter *types.EventFilterSpec) bool {
	e := event.GetEvent()
	if t := filter.Time; t != nil && (t.BeginTime != nil && e.CreatedTime.Before(*t.BeginTime) || t.EndTime != nil && e.CreatedTime.After(*t.EndTime)) {
		return false
	}
	if of := filter.Entity; of != nil && of.Entity != Map.content().RootFolder && !eventFilterSelf(event, of.Entity) {
		return false
	}
	for _, id := range filter.EventTypeId {
		if id == eventType(event) || "vim.event."+id == eventType(event) {
			return true
		}
	}
	return len(filter.EventTypeId) == 0
}

func eventType(event types.BaseEvent) string {
	if e, ok := event.(*types.EventEx); ok {
		return e.EventTypeId
	}
	return "vim.event." + reflect.TypeOf(event).Elem().Name()
}

// serverTime is what the server's clock shows.
func serverTime() time.Time {
	now := time.Now()
	if f := peekFault("clock"); f != nil {
		now = now.Add(f.ms("ms", 0))
	}
	return now
}
