package simulator

import (
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func reconfigure(ctx *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.ReconfigVM_Task)
	m := machineOf(req.This)
	if m == nil || len(req.Spec.DeviceChange) > 0 {
		return nil
	}
	body := &methods.ReconfigVM_TaskBody{}
	task, fault := m.exclusive("ReconfigVM_Task", "VirtualMachine.reconfigure", func() (types.AnyType, types.BaseMethodFault) {
		if f := takeFault("reconfigure", func(f *mishap) bool { return f.matches("vm", req.This.Value) }); f != nil {
			return nil, f.build("GenericVmConfigFault")
		}
		if req.Spec.ChangeTrackingEnabled != nil {
			if m.layers() > 0 && hasFault("refuse-cbt-with-snapshots") {
				return nil, &types.InvalidSnapshotFormat{}
			}
			if *req.Spec.ChangeTrackingEnabled && !isTrue(m.vm.Capability.ChangeTrackingSupported) {
				return nil, &types.InvalidVmConfig{Property: "configSpec.changeTrackingEnabled"}
			}
		}
		var err types.BaseMethodFault
		Map.WithLock(m.vm, func() { err = m.vm.configure(&req.Spec) })
		m.publish()
		return nil, err
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.ReconfigVM_TaskResponse{Returnval: task}
	return body
}

func revertToSnapshot(ctx *Context, method *Method) soap.HasFault {
	s, ok := Map.Get(method.This).(*VirtualMachineSnapshot)
	if !ok || machineOf(s.Vm) == nil {
		return nil
	}
	body := &methods.RevertToSnapshot_TaskBody{}
	task, fault := machineOf(s.Vm).startRevert(ctx, s.Self)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.RevertToSnapshot_TaskResponse{Returnval: task}
	return body
}

func revertToCurrentSnapshot(ctx *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil || m.vm.Snapshot == nil || m.vm.Snapshot.CurrentSnapshot == nil {
		return nil
	}
	body := &methods.RevertToCurrentSnapshot_TaskBody{}
	task, fault := m.startRevert(ctx, *m.vm.Snapshot.CurrentSnapshot)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.RevertToCurrentSnapshot_TaskResponse{Returnval: task}
	return body
}

func (m *machine) startRevert(ctx *Context, to types.ManagedObjectReference) (types.ManagedObjectReference, *soap.Fault) {
	return m.exclusive("RevertToSnapshot_Task", "vm.Snapshot.revert", func() (types.AnyType, types.BaseMethodFault) {
		for _, d := range m.disks {
			if err := d.revert(to.Value); err != nil {
				return nil, failed(err)
			}
		}
		if !hasFault("revert-keeps-tracking") {
			m.resetTracking()
		}
		m.publish(types.PropertyChange{Name: "snapshot.currentSnapshot", Val: to})
		m.postTaskEvent("vm.Snapshot.revert")
		return nil, nil
	})
}

// postTaskEvent puts into the event history that a task of this machine ran.
func (m *machine) postTaskEvent(descriptionID string) {
	event := m.vm.event()
	info := types.TaskInfo{
		Key: "task", DescriptionId: descriptionID, Entity: &m.vm.Self, EntityName: m.vm.Name,
		State: types.TaskInfoStateSuccess, Reason: &types.TaskReasonUser{UserName: "somebody"},
	}
	serverContext().postEvent(&types.TaskEvent{Event: event.Event, Info: info})
}
