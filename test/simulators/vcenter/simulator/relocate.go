package simulator

import (
	"fmt"
	"os"
	"path"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// relocateVM moves disks between datastores, with their bytes. The machine's own files go where `datastore` says.
func relocateVM(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.RelocateVM_Task)
	m := machineOf(req.This)
	if m == nil || req.Spec.Datastore == nil && len(req.Spec.Disk) == 0 {
		return nil
	}
	body := &methods.RelocateVM_TaskBody{}
	if fault := denied(m.vm.Self, "Resource.ColdMigrate"); fault != nil && !m.isOn() {
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	task, fault := m.exclusive("RelocateVM_Task", "VirtualMachine.relocate", func() (types.AnyType, types.BaseMethodFault) {
		if f := takeFault("relocate", func(f *mishap) bool { return f.matches("vm", req.This.Value) }); f != nil {
			return nil, f.build("InsufficientResourcesFault")
		}
		if fault := m.blocked(); fault != nil {
			return nil, fault
		}
		fault := m.relocate(&req.Spec)
		m.publish(types.PropertyChange{Name: "config.files", Val: m.vm.Config.Files})
		return nil, fault
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.RelocateVM_TaskResponse{Returnval: task}
	return body
}

func (m *machine) relocate(spec *types.VirtualMachineRelocateSpec) types.BaseMethodFault {
	to := map[*simDisk]*Datastore{}
	for _, d := range m.disks {
		ref := spec.Datastore
		for i := range spec.Disk {
			if spec.Disk[i].DiskId == d.key {
				ref = &spec.Disk[i].Datastore
			}
		}
		if ref == nil {
			continue
		}
		ds, ok := Map.Get(*ref).(*Datastore)
		if !ok {
			return &types.InvalidDatastore{Datastore: ref}
		}
		if fault := denied(ds.Self, "Datastore.AllocateSpace"); fault != nil {
			return fault
		}
		if ds == d.store {
			continue
		}
		needed := d.capacity
		if !d.thick {
			needed = allocated(d.live)
		}
		if needed > ds.Summary.FreeSpace || !ds.spend(needed) {
			return ds.noSpace()
		}
		to[d] = ds
	}
	for _, d := range m.disks {
		if ds := to[d]; ds != nil {
			if err := m.moveDisk(d, ds); err != nil {
				return failed(err)
			}
		}
	}
	if spec.Datastore != nil {
		if ds, ok := Map.Get(*spec.Datastore).(*Datastore); ok && ds != m.home() {
			return m.moveHome(ds)
		}
	}
	return nil
}

func (m *machine) moveDisk(d *simDisk, ds *Datastore) error {
	oldFlat, oldDescriptor, plain := d.flat, d.descriptor(), d.live == d.flat
	dir := path.Base(m.directory())
	if err := os.MkdirAll(path.Join(ds.folder(), dir), 0o755); err != nil {
		return err
	}
	d.store = ds
	m.nameDisk(d, dir)
	if err := d.describe(); err != nil {
		return err
	}
	if plain {
		if err := copySparse(d.flat, oldFlat); err != nil {
			return err
		}
		if err := d.setLive(d.flat); err != nil {
			return err
		}
	} else if err := os.Link(oldFlat, d.flat); err != nil && !os.IsNotExist(err) { // frozen: nobody writes to it
		return err
	}
	_ = os.Remove(oldFlat)
	_ = os.Remove(oldDescriptor)
	_ = os.Remove(path.Dir(oldFlat))
	return nil
}

// moveHome takes the machine's own files along.
func (m *machine) moveHome(ds *Datastore) types.BaseMethodFault {
	from, dir := path.Join(m.home().folder(), m.directory()), path.Base(m.directory())
	to := path.Join(ds.folder(), dir)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return failed(err)
	}
	vmx := path.Base(m.vm.Config.Files.VmPathName)
	for _, name := range []string{vmx, m.extra("nvram"), "vmware.log"} {
		if name != "" {
			_ = os.Rename(path.Join(from, name), path.Join(to, name))
		}
	}
	_ = os.Remove(from)
	home := fmt.Sprintf("[%s] %s", ds.Name, dir)
	m.vm.Config.Files = types.VirtualMachineFileInfo{
		VmPathName: home + "/" + vmx, SnapshotDirectory: home, SuspendDirectory: home, LogDirectory: home,
	}
	return nil
}
