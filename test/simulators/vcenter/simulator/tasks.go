package simulator

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var (
	runningMu sync.Mutex
	running   = map[types.ManagedObjectReference]context.CancelFunc{}
)

// startTask runs a task as a server does: the caller of the method named gets its reference at once. "slow-task" delays it, and it can be
// cancelled until then.
func startTask(
	entity mo.Entity, name, descriptionID string, run func() (types.AnyType, types.BaseMethodFault),
) *Task {
	return startTaskAfter(entity, name, descriptionID, func(context.Context) {}, run)
}

// startTaskAfter waits before it runs, as long as hold does; hold gets told when the task is cancelled.
func startTaskAfter(
	entity mo.Entity, name, descriptionID string, hold func(context.Context), run func() (types.AnyType, types.BaseMethodFault),
) *Task {
	task := CreateTask(entity, name, nil)
	now := time.Now()
	Map.WithLock(task, func() {
		task.Info.Name = name
		task.Info.DescriptionId = descriptionID
		task.Info.EntityName = entity.Entity().Name
		task.Info.Cancelable = true
		Map.Update(task, []types.PropertyChange{
			{Name: "info.startTime", Val: now}, {Name: "info.state", Val: types.TaskInfoStateRunning},
		})
	})
	ctx, cancel := context.WithCancel(context.Background())
	runningMu.Lock()
	running[task.Self] = cancel
	runningMu.Unlock()
	noteRecent(entity, task.Self)
	go func() {
		defer cancel()
		if f := takeFault("slow-task", func(f *mishap) bool { return f.matches("method", name) }); f != nil {
			select {
			case <-ctx.Done():
			case <-time.After(f.ms("ms", 1000)):
			}
		}
		hold(ctx)
		if ctx.Err() == nil {
			result, fault := run()
			finishTask(task, result, fault, false)
			return
		}
		finishTask(task, nil, &types.RequestCanceled{}, true)
	}()
	return task
}

func finishTask(task *Task, result types.AnyType, fault types.BaseMethodFault, cancelled bool) {
	runningMu.Lock()
	delete(running, task.Self)
	runningMu.Unlock()
	changes := []types.PropertyChange{
		{Name: "info.completeTime", Val: time.Now()}, {Name: "info.cancelled", Val: cancelled},
		{Name: "info.cancelable", Val: false},
	}
	if fault == nil {
		changes = append(changes,
			types.PropertyChange{Name: "info.result", Val: result},
			types.PropertyChange{Name: "info.progress", Val: int32(100)},
			types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateSuccess})
	} else {
		changes = append(changes,
			types.PropertyChange{Name: "info.error", Val: types.LocalizedMethodFault{
				Fault: fault, LocalizedMessage: faultText(fault),
			}},
			types.PropertyChange{Name: "info.state", Val: types.TaskInfoStateError})
	}
	Map.WithLock(task, func() { Map.Update(task, changes) })
}

// noteRecent keeps the last tasks of an entity, as its property recentTask shows them.
func noteRecent(entity mo.Entity, task types.ManagedObjectReference) {
	Map.WithLock(entity, func() {
		recent := append([]types.ManagedObjectReference{}, entity.Entity().RecentTask...)
		recent = append(recent, task)
		if len(recent) > 5 {
			recent = recent[len(recent)-5:]
		}
		Map.Update(entity, []types.PropertyChange{{Name: "recentTask", Val: recent}})
	})
}

func cancelTask(_ *Context, method *Method) soap.HasFault {
	runningMu.Lock()
	cancel := running[method.This]
	runningMu.Unlock()
	body := &methods.CancelTaskBody{}
	if cancel == nil {
		body.Fault_ = Fault("The operation is not allowed in the current state.", &types.InvalidState{})
		return body
	}
	cancel()
	body.Res = &types.CancelTaskResponse{}
	return body
}

// exclusive runs one task of a machine; a second one at a time gets TaskInProgress, as on a server.
func (m *machine) exclusive(name, descriptionID string, run func() (types.AnyType, types.BaseMethodFault)) (types.ManagedObjectReference, *soap.Fault) {
	return m.exclusiveAfter(name, descriptionID, func(context.Context) {}, run)
}

func (m *machine) exclusiveAfter(
	name, descriptionID string, hold func(context.Context), run func() (types.AnyType, types.BaseMethodFault),
) (types.ManagedObjectReference, *soap.Fault) {
	m.mu.Lock()
	if m.busy {
		m.mu.Unlock()
		return types.ManagedObjectReference{}, Fault("Another task is already in progress.", m.inProgress())
	}
	m.busy = true
	m.mu.Unlock()
	m.recordTask(descriptionID)
	task := startTaskAfter(m.vm, name, descriptionID, hold, func() (types.AnyType, types.BaseMethodFault) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return run()
	})
	go func() {
		_ = waitTask(task)
		m.mu.Lock()
		m.busy = false
		m.mu.Unlock()
	}()
	return task.Self, nil
}

func (m *machine) inProgress() types.BaseMethodFault {
	fault := &types.TaskInProgress{}
	if recent := m.vm.RecentTask; len(recent) > 0 {
		fault.Task = recent[len(recent)-1]
	}
	return fault
}

// waitTask answers the fault of a task when it has ended.
func waitTask(task *Task) types.BaseMethodFault {
	for {
		changed := changes.wait()
		var info types.TaskInfo
		Map.WithLock(task, func() { info = task.Info })
		switch info.State {
		case types.TaskInfoStateSuccess:
			return nil
		case types.TaskInfoStateError:
			return info.Error.Fault
		}
		<-changed
	}
}

func failed(err error) types.BaseMethodFault {
	return withMessages(&types.SystemError{Reason: err.Error()}, "simulator", fmt.Sprintf("The simulator failed: %s", err))
}
