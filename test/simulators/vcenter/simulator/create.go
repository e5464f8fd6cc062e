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

type networkSpec struct{ Name, Mac string }

type machineSpec struct {
	Name, Folder, GuestID, Annotation, Firmware, UUID, InstanceUUID string
	Disks                                                           []diskSpec
	Networks                                                        []networkSpec
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
func freeDirectory(name string) string {
	dir := name
	for i := 1; ; i++ {
		if _, err := os.Stat(path.Join(theDatastore().Info.GetDatastoreInfo().Url, dir)); err != nil {
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
	dir := freeDirectory(spec.Name)
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
		uuid: spec.UUID, sharing: spec.Sharing, keyID: spec.KeyID,
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
	for i := 0; ; i++ {
		name := m.vm.Name
		if m.hollow {
			i = len(m.disks)
		}
		if i > 0 {
			name = fmt.Sprintf("%s_%d", m.vm.Name, i)
		}
		d.flat = path.Join(theDatastore().Info.GetDatastoreInfo().Url, dir, name+"-flat.vmdk")
		d.base = fmt.Sprintf("[%s] %s/%s", datastoreName, dir, name)
		if _, err := os.Stat(strings.TrimSuffix(d.flat, "-flat.vmdk") + ".vmdk"); err != nil {
			break
		}
	}
	d.private = path.Join(Root, "private", m.vm.Self.Value, d.uuid)
	m.disks = append(m.disks, d)
	if m.hollow {
		return d, nil
	}
	return d, d.create()
}

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
