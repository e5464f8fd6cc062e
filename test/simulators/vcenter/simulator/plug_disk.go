package simulator

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

func diskBytes(disk *types.VirtualDisk) int64 {
	if disk.CapacityInBytes > 0 {
		return disk.CapacityInBytes
	}
	return disk.CapacityInKB * 1024
}

// addDisk makes a disk, or attaches one that is there (without a file operation).
func (p *plugging) addDisk(spec *types.VirtualDeviceConfigSpec, disk *types.VirtualDisk) types.BaseMethodFault {
	controller, fault := p.controllerKey(disk.ControllerKey)
	if fault != nil {
		return fault
	}
	kind, ok := slotOf(controller)
	if !ok || disk.UnitNumber == nil || *disk.UnitNumber < 0 || *disk.UnitNumber >= kind.units || kind.units == 16 && *disk.UnitNumber == 7 {
		return p.invalid("device.unitNumber")
	}
	d := &simDisk{controllerKey: controller, unit: *disk.UnitNumber, key: kind.firstDisk + *disk.UnitNumber, backing: "flat", sharing: "sharingNone"}
	for _, other := range p.m.disks {
		if other.key == d.key {
			return p.invalid("device.unitNumber")
		}
	}
	if p.hot && controller <= 201 { // IDE knows no hot plug
		return &types.InvalidPowerState{
			RequestedState: types.VirtualMachinePowerStatePoweredOff, ExistingState: types.VirtualMachinePowerStatePoweredOn,
		}
	}
	backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok {
		return p.invalid("device.backing")
	}
	d.mode = backing.DiskMode
	if d.mode == "" {
		return p.invalid("device.backing.diskMode")
	}
	d.thick = !isTrue(backing.ThinProvisioned)
	d.eager = d.thick && isTrue(backing.EagerlyScrub)
	// Whether a server keeps the UUID that a client gives is not documented: a new one is the harder case.
	d.uuid = "6000C29" + uuid.New().String()[7:]
	d.private = path.Join(Root, "private", p.m.vm.Self.Value, d.uuid)
	if spec.FileOperation == "" {
		fault = p.attach(d, backing.FileName)
	} else {
		fault = p.create(d, backing.FileName, diskBytes(disk), spec.FileOperation)
	}
	if fault == nil {
		p.m.disks = append(p.m.disks, d)
	}
	return fault
}

func (p *plugging) create(
	d *simDisk, name string, capacity int64, operation types.VirtualDeviceConfigSpecFileOperation,
) types.BaseMethodFault {
	if capacity <= 0 {
		return p.invalid("device.capacityInKB")
	}
	d.capacity = capacity
	if name == "" {
		name = "[" + p.m.home().Name + "]"
	}
	var wanted object.DatastorePath
	ds, _, fault := place(name)
	if fault != nil {
		return fault
	}
	wanted.FromString(name)
	d.store = ds
	if fault := denied(p.m.vm.Self, "VirtualMachine.Config.AddNewDisk"); fault != nil {
		return fault
	}
	if fault := denied(ds.Self, "Datastore.AllocateSpace"); fault != nil {
		return fault
	}
	if wanted.Path == "" || strings.HasSuffix(wanted.Path, "/") {
		if err := os.MkdirAll(path.Join(ds.folder(), p.dir), 0o755); err != nil {
			return failed(err)
		}
		p.m.nameDisk(d, p.dir)
	} else {
		d.place(strings.TrimSuffix(wanted.Path, ".vmdk"))
		if _, err := os.Stat(path.Dir(d.flat)); err != nil {
			return &types.FileNotFound{FileFault: types.FileFault{File: name}}
		}
		if _, err := os.Stat(d.descriptor()); err == nil && operation != types.VirtualDeviceConfigSpecFileOperationReplace {
			return &types.FileAlreadyExists{FileFault: types.FileFault{File: name}}
		}
	}
	if d.thick && (d.capacity > ds.Summary.FreeSpace || !ds.spend(d.capacity)) {
		return ds.noSpace()
	}
	p.made = append(p.made, d)
	if err := d.create(); err != nil {
		return failed(err)
	}
	return nil
}

// attach takes a disk that lies on a datastore. A machine that runs locks its disks against others; one that is off does not.
func (p *plugging) attach(d *simDisk, name string) types.BaseMethodFault {
	ds, file, fault := place(name)
	if fault != nil {
		return fault
	}
	if fault := denied(p.m.vm.Self, "VirtualMachine.Config.AddExistingDisk"); fault != nil {
		return fault
	}
	d.store = ds
	d.place(strings.TrimSuffix(strings.TrimPrefix(file, ds.folder()+"/"), ".vmdk"))
	info, err := os.Stat(d.flat)
	if _, other := os.Stat(d.descriptor()); err != nil || other != nil || !strings.HasSuffix(name, ".vmdk") {
		return &types.FileNotFound{FileFault: types.FileFault{File: name}}
	}
	for _, other := range d.users() {
		if other == p.m || other.isOn() {
			return &types.FileLocked{FileFault: types.FileFault{File: name}}
		}
	}
	d.capacity = info.Size()
	if known := d.storedUUID(); known != "" {
		d.uuid = known
		d.private = path.Join(Root, "private", p.m.vm.Self.Value, d.uuid)
	}
	if err := os.MkdirAll(d.private, 0o755); err != nil {
		return failed(err)
	}
	if err := d.setLive(d.flat); err != nil {
		return failed(err)
	}
	return nil
}

// storedUUID is what the disk's descriptor says: a disk keeps its UUID from machine to machine.
func (d *simDisk) storedUUID() string {
	text, err := os.ReadFile(d.descriptor())
	if err != nil {
		return ""
	}
	for _, line := range strings.Split(string(text), "\n") {
		if value := strings.TrimPrefix(line, "ddb.uuid="); value != line {
			return value
		}
	}
	return ""
}

// describe writes the disk's descriptor.
func (d *simDisk) describe() error {
	return os.WriteFile(d.descriptor(), []byte("# Disk DescriptorFile\nversion=1\nddb.uuid="+d.uuid+"\n"), 0o644)
}

// users are the machines that have a disk of this place.
func (d *simDisk) users() (found []*machine) {
	machinesMu.Lock()
	defer machinesMu.Unlock()
	for _, m := range machines {
		for _, other := range m.disks {
			if other.base == d.base {
				found = append(found, m)
				break
			}
		}
	}
	return found
}

// home is the datastore of the machine's own files.
func (m *machine) home() *Datastore {
	ds, _, fault := place(m.vm.Config.Files.VmPathName)
	if fault != nil {
		panic(fmt.Sprintf("%s has no datastore", m.vm.Config.Files.VmPathName))
	}
	return ds
}
