package simulator

import (
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func createSnapshot(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.CreateSnapshot_Task)
	m := machineOf(req.This)
	if m == nil {
		return nil
	}
	body := &methods.CreateSnapshot_TaskBody{}
	task, fault := m.exclusive("CreateSnapshot_Task", "VirtualMachine.createSnapshot", func() (types.AnyType, types.BaseMethodFault) {
		if f := takeFault("quiesce", func(f *mishap) bool { return req.Quiesce && f.matches("vm", req.This.Value) }); f != nil {
			return nil, quiesceFault(f)
		}
		if f := takeFault("create-snapshot", func(f *mishap) bool { return f.matches("vm", req.This.Value) }); f != nil {
			return nil, f.build("TaskInProgress")
		}
		return m.snapshot(req.Name, req.Description, req.Quiesce)
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.CreateSnapshot_TaskResponse{Returnval: task}
	return body
}

func quiesceFault(f *mishap) types.BaseMethodFault {
	const text = "An error occurred while saving the snapshot: Failed to quiesce the virtual machine."
	if f.option("kind") == "filesystem" {
		return withMessages(&types.FilesystemQuiesceFault{}, "msg.checkpoint.save.fail2.std3", text)
	}
	return withMessages(&types.ApplicationQuiesceFault{}, "msg.snapshot.error-QUIESCINGERROR", text)
}

// snapshot needs m.mu.
func (m *machine) snapshot(name, description string, quiesced bool) (types.AnyType, types.BaseMethodFault) {
	vm := m.vm
	s := &VirtualMachineSnapshot{}
	s.Vm = vm.Self
	s.Self = Map.newReference(s)
	had := m.layers() > 0
	if hasFault("cbt-at-first-snapshot") {
		m.stun(had)
	}
	current := map[*simDisk]*diskSnapshot{}
	for _, d := range m.disks {
		if !d.inSnapshots() {
			continue
		}
		f, err := d.freeze(s.Self.Value)
		if err != nil {
			return nil, failed(err)
		}
		if d.tracking.active {
			f.changeID = d.tracking.landmark(f.frozen)
		}
		current[d] = f
	}
	m.stun(had)
	s.Config = *vm.Config
	s.Config.Hardware.Device = m.devices(func(d *simDisk) types.BaseVirtualDeviceBackingInfo {
		if f := current[d]; f != nil {
			return d.backingInfo(d.level(len(d.snapshots)-1), f.changeID)
		}
		if hasFault("hide-independent") {
			return nil
		}
		return d.backingInfo(0, "")
	}, nil)
	Map.Put(s)
	m.snapshots = append(m.snapshots, s.Self)
	m.publish(types.PropertyChange{Name: "snapshot", Val: m.treeWith(types.VirtualMachineSnapshotTree{
		Snapshot: s.Self, Vm: vm.Self, Name: name, Description: description, Id: atomic.AddInt32(&vm.sid, 1),
		CreateTime: time.Now(), State: vm.Runtime.PowerState, Quiesced: quiesced, ReplaySupported: types.NewBool(false),
	})})
	return s.Self, nil
}

// treeWith answers the machine's tree of snapshots with one more below the current one.
func (m *machine) treeWith(item types.VirtualMachineSnapshotTree) types.VirtualMachineSnapshotInfo {
	tree := types.VirtualMachineSnapshotInfo{}
	if m.vm.Snapshot != nil {
		deepCopy(m.vm.Snapshot, &tree)
	}
	if tree.CurrentSnapshot == nil {
		tree.RootSnapshotList = append(tree.RootSnapshotList, item)
	} else {
		parent := findSnapshotInTree(tree.RootSnapshotList, *tree.CurrentSnapshot)
		parent.ChildSnapshotList = append(parent.ChildSnapshotList, item)
	}
	tree.CurrentSnapshot = &item.Snapshot
	return tree
}

func removeSnapshot(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.RemoveSnapshot_Task)
	s, ok := Map.Get(req.This).(*VirtualMachineSnapshot)
	if !ok {
		return nil
	}
	m := machineOf(s.Vm)
	if m == nil {
		return nil
	}
	body := &methods.RemoveSnapshot_TaskBody{}
	match := func(at string) func(*mishap) bool {
		return func(f *mishap) bool { return f.matches("vm", s.Vm.Value) && f.optionOr("at", "task") == at }
	}
	if f := takeFault("remove-snapshot", match("call")); f != nil {
		body.Fault_ = Fault("The snapshot cannot be removed.", f.build("TaskInProgress"))
		return body
	}
	task, fault := m.exclusive("RemoveSnapshot_Task", "vm.Snapshot.remove", func() (types.AnyType, types.BaseMethodFault) {
		if f := takeFault("remove-snapshot", match("task")); f != nil {
			return nil, f.build("TaskInProgress")
		}
		gone := []types.ManagedObjectReference{req.This}
		if req.RemoveChildren && m.vm.Snapshot != nil {
			if t := findSnapshotInTree(m.vm.Snapshot.RootSnapshotList, req.This); t != nil {
				gone = append(gone, allSnapshotsInTree(t.ChildSnapshotList)...)
			}
		}
		return nil, m.remove(gone)
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.RemoveSnapshot_TaskResponse{Returnval: task}
	return body
}

// remove takes snapshots out of the tree and consolidates their disks. Needs m.mu.
func (m *machine) remove(gone []types.ManagedObjectReference) types.BaseMethodFault {
	m.vm.removeFromTree(gone)
	names := map[string]bool{}
	for _, ref := range gone {
		names[ref.Value] = true
		Map.Remove(ref)
	}
	var kept []types.ManagedObjectReference
	for _, ref := range m.snapshots {
		if !names[ref.Value] {
			kept = append(kept, ref)
		}
	}
	m.snapshots = kept
	leave := takeFault("consolidation-needed", func(f *mishap) bool { return f.matches("vm", m.vm.Self.Value) }) != nil ||
		hasFault("open-disks-lock") && m.openSnapshot(names)
	for _, d := range m.disks {
		if leave {
			for _, s := range d.snapshots {
				s.orphan = s.orphan || names[s.moref]
			}
			continue
		}
		if err := d.drop(func(s *diskSnapshot) bool { return names[s.moref] }); err != nil {
			return failed(err)
		}
	}
	m.stun(m.layers() > 0)
	m.publish(m.consolidation())
	return nil
}

func (m *machine) consolidation() types.PropertyChange {
	needed := false
	for _, d := range m.disks {
		for _, s := range d.snapshots {
			needed = needed || s.orphan
		}
	}
	return types.PropertyChange{Name: "runtime.consolidationNeeded", Val: needed}
}

func (vm *VirtualMachine) removeFromTree(gone []types.ManagedObjectReference) {
	if vm.Snapshot == nil {
		return
	}
	tree := types.VirtualMachineSnapshotInfo{}
	deepCopy(vm.Snapshot, &tree)
	for _, ref := range gone {
		if tree.CurrentSnapshot != nil && *tree.CurrentSnapshot == ref {
			tree.CurrentSnapshot = findParentSnapshotInTree(tree.RootSnapshotList, ref)
		}
		tree.RootSnapshotList = removeSnapshotInTree(tree.RootSnapshotList, ref, false)
	}
	Map.WithLock(vm, func() {
		change := types.PropertyChange{Name: "snapshot", Val: tree}
		if len(tree.RootSnapshotList) == 0 {
			change.Val = nil
		}
		Map.Update(vm, []types.PropertyChange{change})
	})
}

func removeAllSnapshots(_ *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil {
		return nil
	}
	body := &methods.RemoveAllSnapshots_TaskBody{}
	task, fault := m.exclusive("RemoveAllSnapshots_Task", "VirtualMachine.removeAllSnapshots", func() (types.AnyType, types.BaseMethodFault) {
		return nil, m.remove(append([]types.ManagedObjectReference{}, m.snapshots...))
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.RemoveAllSnapshots_TaskResponse{Returnval: task}
	return body
}

func consolidateDisks(_ *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil {
		return nil
	}
	body := &methods.ConsolidateVMDisks_TaskBody{}
	task, fault := m.exclusive("ConsolidateVMDisks_Task", "VirtualMachine.consolidateDisks", func() (types.AnyType, types.BaseMethodFault) {
		if f := takeFault("consolidate", func(f *mishap) bool { return f.matches("vm", m.vm.Self.Value) }); f != nil {
			return nil, f.build("FileLocked")
		}
		for _, d := range m.disks {
			if err := d.drop(func(s *diskSnapshot) bool { return s.orphan }); err != nil {
				return nil, failed(err)
			}
		}
		m.stun(m.layers() > 0)
		m.publish(m.consolidation())
		return nil, nil
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.ConsolidateVMDisks_TaskResponse{Returnval: task}
	return body
}
