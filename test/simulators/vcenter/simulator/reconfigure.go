package simulator

import (
	"bytes"
	"regexp"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// emptyNotes stands for an annotation that is there and empty, which Go's decoder takes for one that is not there. vCenter empties the
// notes then (govmomi, pull request 1254); vcsim does not (issue 4089).
const emptyNotes = "an annotation that is there and empty"

var emptyAnnotation = regexp.MustCompile(`<annotation(?: [^>]*)?(?:/>|></annotation>)`)

func withEmptyNotes(body []byte) []byte {
	if !bytes.Contains(body, []byte("<ReconfigVM_Task")) {
		return body
	}
	return emptyAnnotation.ReplaceAll(body, []byte("<annotation>"+emptyNotes+"</annotation>"))
}

func reconfigure(ctx *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.ReconfigVM_Task)
	m := machineOf(req.This)
	if m == nil {
		return nil
	}
	body := &methods.ReconfigVM_TaskBody{}
	task, fault := m.exclusive("ReconfigVM_Task", "VirtualMachine.reconfigure", func() (types.AnyType, types.BaseMethodFault) {
		if f := takeFault("reconfigure", func(f *mishap) bool { return f.matches("vm", req.This.Value) }); f != nil {
			return nil, f.build("GenericVmConfigFault")
		}
		if wanted := req.Spec.ChangeVersion; wanted != "" && wanted != m.vm.Config.ChangeVersion {
			return nil, &types.ConcurrentAccess{}
		}
		if req.Spec.ChangeTrackingEnabled != nil {
			if m.layers() > 0 && hasFault("refuse-cbt-with-snapshots") {
				return nil, &types.InvalidSnapshotFormat{}
			}
			if *req.Spec.ChangeTrackingEnabled && !isTrue(m.vm.Capability.ChangeTrackingSupported) {
				return nil, &types.InvalidVmConfig{Property: "configSpec.changeTrackingEnabled"}
			}
		}
		if len(req.Spec.DeviceChange) > 0 {
			if fault := m.blocked(); fault != nil {
				return nil, fault
			}
			if fault := m.plug(req.Spec.DeviceChange, m.directory()); fault != nil {
				return nil, fault
			}
		}
		bare := req.Spec
		bare.DeviceChange = nil
		empties := bare.Annotation == emptyNotes
		if empties {
			bare.Annotation = ""
		}
		var err types.BaseMethodFault
		Map.WithLock(m.vm, func() {
			if err = m.vm.configure(&bare); len(bare.ExtraConfig) > 0 {
				m.vm.Config.ExtraConfig = merged(m.vm.Config.ExtraConfig)
			}
		})
		changes := []types.PropertyChange{nextVersion()}
		if empties && err == nil && takeFault("empty-notes-stay", nil) == nil {
			changes = append(changes, types.PropertyChange{Name: "config.annotation", Val: ""})
		}
		m.publish(changes...)
		return nil, err
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.ReconfigVM_TaskResponse{Returnval: task}
	return body
}

// merged keeps the last value of each key; one that is empty removes the key (vSphere API reference, VirtualMachineConfigSpec.extraConfig).
func merged(options []types.BaseOptionValue) (kept []types.BaseOptionValue) {
	for i, one := range options {
		option, last := one.GetOptionValue(), true
		for _, later := range options[i+1:] {
			last = last && later.GetOptionValue().Key != option.Key
		}
		if last && option.Value != "" {
			kept = append(kept, one)
		}
	}
	return kept
}

func revertToSnapshot(_ *Context, method *Method) soap.HasFault {
	s, ok := Map.Get(method.This).(*VirtualMachineSnapshot)
	if !ok || machineOf(s.Vm) == nil {
		return nil
	}
	body := &methods.RevertToSnapshot_TaskBody{}
	task, fault := machineOf(s.Vm).startRevert(s.Self)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.RevertToSnapshot_TaskResponse{Returnval: task}
	return body
}

func revertToCurrentSnapshot(_ *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil || m.vm.Snapshot == nil || m.vm.Snapshot.CurrentSnapshot == nil {
		return nil
	}
	body := &methods.RevertToCurrentSnapshot_TaskBody{}
	task, fault := m.startRevert(*m.vm.Snapshot.CurrentSnapshot)
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.RevertToCurrentSnapshot_TaskResponse{Returnval: task}
	return body
}

func (m *machine) startRevert(to types.ManagedObjectReference) (types.ManagedObjectReference, *soap.Fault) {
	return m.exclusive("RevertToSnapshot_Task", "vm.Snapshot.revert", func() (types.AnyType, types.BaseMethodFault) {
		return nil, m.revert(to)
	})
}

// revert needs m.mu.
func (m *machine) revert(to types.ManagedObjectReference) types.BaseMethodFault {
	for _, d := range m.disks {
		if err := d.revert(to.Value); err != nil {
			return failed(err)
		}
	}
	if !hasFault("revert-keeps-tracking") {
		m.resetTracking()
	}
	m.publish(types.PropertyChange{Name: "snapshot.currentSnapshot", Val: to})
	m.recordRevert()
	return nil
}
