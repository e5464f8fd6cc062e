package simulator

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// diskSpec and machineSpec are what the control endpoint takes as JSON.
type diskSpec struct {
	Capacity                        int64
	Controller, Mode, Backing, UUID string
	Sharing, KeyID                  string
	Unit, Key                       *int32
	Share                           bool
}

// controllerSpec is a controller that is not the one that a disk brings by itself: scsi0 as LSI Logic, say.
type controllerSpec struct {
	Kind string // a device type, such as VirtualLsiLogicController
	Bus  int32
}

type networkSpec struct{ Name, Mac string }

type machineSpec struct {
	Name, Folder, GuestID, Annotation, Firmware, UUID, InstanceUUID string
	Disks                                                           []diskSpec
	Networks                                                        []networkSpec
	Controllers                                                     []controllerSpec
	Cbt                                                             bool
	Tools                                                           *bool
	PoweredOn                                                       *bool
	HardwareVersion, Cpus                                           int
	KeyID                                                           string
	MemoryMb                                                        int64
	Nvram                                                           []byte
	hollow                                                          bool // for lists only: no files but vcsim's
}

// freeDirectory answers a folder name of the datastore that nobody has yet.
func freeDirectory(ds *Datastore, name string) string {
	dir := name
	for i := 1; ; i++ {
		if _, err := os.Stat(path.Join(ds.folder(), dir)); err != nil {
			return dir
		}
		dir = fmt.Sprintf("%s_%d", name, i)
	}
}

func addMachine(spec machineSpec) (*machine, error) {
	if spec.Name == "" || strings.Contains(spec.Name, "/") {
		return nil, fmt.Errorf("machine name %q: vSphere writes / as %%2f", spec.Name)
	}
	folder, err := machineFolder(spec.Folder)
	if err != nil {
		return nil, err
	}
	dir := freeDirectory(theDatastore(), spec.Name)
	if spec.HardwareVersion == 0 {
		spec.HardwareVersion = 19
	}
	if spec.GuestID == "" {
		spec.GuestID = string(types.VirtualMachineGuestOsIdentifierDebian10_64Guest)
	}
	host := oneHost
	config := types.VirtualMachineConfigSpec{
		Name: spec.Name, GuestId: spec.GuestID, Annotation: spec.Annotation, Firmware: spec.Firmware,
		Uuid: spec.UUID, InstanceUuid: spec.InstanceUUID, NumCPUs: int32(spec.Cpus), MemoryMB: spec.MemoryMb,
		Version:               fmt.Sprintf("vmx-%02d", spec.HardwareVersion),
		ChangeTrackingEnabled: types.NewBool(spec.Cbt),
		Files: &types.VirtualMachineFileInfo{
			VmPathName: fmt.Sprintf("[%s] %s/%s.vmx", datastoreName, dir, spec.Name),
		},
	}
	task := folder.CreateVMTask(serverContext(), &types.CreateVM_Task{
		This: folder.Self, Config: config, Pool: *hostParent(&host.HostSystem).ResourcePool, Host: &host.Self,
	}).(*methods.CreateVM_TaskBody).Res.Returnval
	info := Map.Get(task).(*Task).Info
	if info.Error != nil {
		return nil, fmt.Errorf("vcsim cannot make machine %s: %T", spec.Name, info.Error.Fault)
	}
	vm := Map.Get(info.Result.(types.ManagedObjectReference)).(*VirtualMachine)
	m := &machine{vm: vm, hollow: spec.hollow}
	m.fixed = append(m.fixed, vm.Config.Hardware.Device...)
	m.addNetworks(spec.Networks)
	m.describe(spec, dir)
	for _, c := range spec.Controllers {
		device, ok := controllerOfKind(c.Kind, c.Bus)
		if !ok {
			return nil, fmt.Errorf("controller %q", c.Kind)
		}
		m.controllers = append(m.controllers, device)
	}
	for _, d := range spec.Disks {
		if _, err := m.addDisk(d, dir); err != nil {
			return nil, err
		}
	}
	for _, d := range m.disks {
		if spec.Cbt && d.inSnapshots() {
			d.tracking.start()
		}
	}
	machinesMu.Lock()
	machines[vm.Self] = m
	machinesMu.Unlock()
	m.publish()
	return m, nil
}

func (m *machine) addDisk(spec diskSpec, dir string) (*simDisk, error) {
	if spec.Controller == "" {
		spec.Controller = "scsi0"
	}
	kind, ok := controllers[spec.Controller]
	if !ok || spec.Capacity <= 0 || spec.Capacity%1024 != 0 {
		return nil, fmt.Errorf("disk: controller %q, capacity %d (whole KiB wanted)", spec.Controller, spec.Capacity)
	}
	d := &simDisk{
		controllerKey: kind.key, capacity: spec.Capacity, mode: spec.Mode, backing: spec.Backing, share: spec.Share,
		uuid: spec.UUID, sharing: spec.Sharing, keyID: spec.KeyID, store: theDatastore(),
	}
	if d.sharing == "" {
		d.sharing = "sharingNone"
	}
	if d.mode == "" {
		d.mode = "persistent"
	}
	if d.backing == "" {
		d.backing = "flat"
	}
	if d.uuid == "" {
		d.uuid = "6000C29" + uuid.New().String()[7:]
	}
	d.unit = m.freeUnit(spec, kind)
	d.key = kind.firstDisk + d.unit
	if spec.Key != nil {
		d.key = *spec.Key
	}
	m.nameDisk(d, dir)
	d.private = path.Join(Root, "private", m.vm.Self.Value, d.uuid)
	m.disks = append(m.disks, d)
	if m.hollow {
		return d, nil
	}
	return d, d.create()
}

// nameDisk finds names for a disk's files in a folder of its datastore.
func (m *machine) nameDisk(d *simDisk, dir string) {
	for i := 0; ; i++ {
		name := m.vm.Name
		if m.hollow {
			i = len(m.disks)
		}
		if i > 0 {
			name = fmt.Sprintf("%s_%d", m.vm.Name, i)
		}
		d.place(dir + "/" + name)
		if _, err := os.Stat(d.descriptor()); err != nil {
			break
		}
	}
}

// place says where in its datastore a disk is: a path without .vmdk.
func (d *simDisk) place(base string) {
	d.flat = path.Join(d.store.folder(), base+"-flat.vmdk")
	d.base = fmt.Sprintf("[%s] %s", d.store.Name, base)
}

func (d *simDisk) descriptor() string { return strings.TrimSuffix(d.flat, "-flat.vmdk") + ".vmdk" }

func (m *machine) freeUnit(spec diskSpec, kind controllerKind) int32 {
	if spec.Unit != nil {
		return *spec.Unit
	}
	for unit := int32(0); ; unit++ {
		taken := unit == 7 && strings.HasPrefix(spec.Controller, "scsi")
		for _, d := range m.disks {
			taken = taken || d.controllerKey == kind.key && d.unit == unit
		}
		if !taken {
			return unit
		}
	}
}
