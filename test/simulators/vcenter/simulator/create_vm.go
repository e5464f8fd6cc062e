package simulator

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// newestHardware is what the host offers; the fault "hardware" lowers it.
const newestHardware = 21

// longestName of a machine, in characters.
const longestName = 80

func createMachine(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.CreateVM_Task)
	folder, ok := Map.Get(req.This).(*Folder)
	if !ok {
		return nil
	}
	body := &methods.CreateVM_TaskBody{}
	if fault := mayCreate(folder, &req.Config, req.Pool); fault != nil {
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	task := startTask(folder, "CreateVM_Task", "Folder.createVm", func() (types.AnyType, types.BaseMethodFault) {
		m, fault := makeMachine(folder, &req.Config, req.Pool, req.Host)
		if fault != nil {
			return nil, fault
		}
		return m.vm.Self, nil
	})
	body.Res = &types.CreateVM_TaskResponse{Returnval: task.Self}
	return body
}

// mayCreate asks for what CreateVM_Task asks for (vSphere API reference, Folder.CreateVM_Task, "Required Privileges").
func mayCreate(folder *Folder, spec *types.VirtualMachineConfigSpec, pool types.ManagedObjectReference) types.BaseMethodFault {
	if fault := denied(folder.Self, "VirtualMachine.Inventory.Create"); fault != nil {
		return fault
	}
	if fault := denied(pool, "Resource.AssignVMToPool"); fault != nil {
		return fault
	}
	for _, change := range spec.DeviceChange {
		one := change.GetVirtualDeviceConfigSpec()
		if _, ok := one.Device.(*types.VirtualDisk); !ok {
			continue
		}
		privilege := "VirtualMachine.Config.AddNewDisk"
		if one.FileOperation == "" {
			privilege = "VirtualMachine.Config.AddExistingDisk"
		}
		if fault := denied(folder.Self, privilege); fault != nil {
			return fault
		}
	}
	if len(spec.ExtraConfig) > 0 {
		if fault := denied(folder.Self, "VirtualMachine.Config.AdvancedConfig"); fault != nil {
			return fault
		}
	}
	if spec.ChangeTrackingEnabled != nil {
		if fault := denied(folder.Self, "VirtualMachine.Config.ChangeTracking"); fault != nil {
			return fault
		}
	}
	return nil
}

// makeMachine makes a machine as a client wants it, and nothing where that fails.
func makeMachine(
	folder *Folder, spec *types.VirtualMachineConfigSpec, pool types.ManagedObjectReference, host *types.ManagedObjectReference,
) (*machine, types.BaseMethodFault) {
	if f := takeFault("create-vm", nil); f != nil {
		return nil, f.build("InsufficientResourcesFault")
	}
	ds, dir, fault := judgeSpec(folder, spec)
	if fault != nil {
		return nil, fault
	}
	if host == nil {
		host = &oneHost.Self
	}
	bare := *spec
	bare.DeviceChange = nil
	if bare.InstanceUuid != "" && uuidTaken(bare.InstanceUuid) {
		bare.InstanceUuid = "" // "assign or change it when VirtualCenter detects an identifier conflict" (VirtualMachineConfigSpec)
	}
	task := folder.CreateVMTask(serverContext(), &types.CreateVM_Task{This: folder.Self, Config: bare, Pool: pool, Host: host})
	info := Map.Get(task.(*methods.CreateVM_TaskBody).Res.Returnval).(*Task).Info
	if info.Error != nil {
		_ = os.RemoveAll(path.Join(ds.folder(), dir))
		return nil, info.Error.Fault
	}
	vm := Map.Get(info.Result.(types.ManagedObjectReference)).(*VirtualMachine)
	m := &machine{vm: vm, controllers: []types.BaseVirtualDevice{}}
	m.fixed = append(m.fixed, vm.Config.Hardware.Device...)
	// A real one has a memory of the firmware from its first start on.
	_ = os.Remove(path.Join(ds.folder(), dir, vm.Name+".nvram"))
	m.capabilities()
	if fault := m.plug(spec.DeviceChange, dir); fault != nil {
		m.destroy()
		return nil, fault
	}
	machinesMu.Lock()
	machines[vm.Self] = m
	machinesMu.Unlock()
	m.publish(types.PropertyChange{Name: "config.files", Val: vm.Config.Files}, nextVersion())
	m.recordTask("Folder.createVm")
	return m, nil
}

// judgeSpec finds what speaks against a machine before anything is made, and where its files go.
func judgeSpec(folder *Folder, spec *types.VirtualMachineConfigSpec) (*Datastore, string, types.BaseMethodFault) {
	if spec.Name == "" || len(spec.Name) > longestName || strings.Contains(spec.Name, "/") {
		return nil, "", &types.InvalidName{Name: spec.Name}
	}
	for _, child := range folder.ChildEntity {
		if e := Map.FindByName(spec.Name, []types.ManagedObjectReference{child}); e != nil {
			return nil, "", withMessages(&types.DuplicateName{Name: spec.Name, Object: e.Reference()}, "vim.fault.DuplicateName",
				fmt.Sprintf("The name '%s' already exists.", spec.Name))
		}
	}
	if fault := judgeVersion(spec.Version); fault != nil {
		return nil, "", fault
	}
	if spec.GuestId != "" {
		if fault := validateGuestID(spec.GuestId); fault != nil {
			return nil, "", fault
		}
	}
	if spec.Files == nil {
		return nil, "", &types.InvalidVmConfig{Property: "configSpec.files"}
	}
	ds, _, fault := place(spec.Files.VmPathName)
	if fault != nil {
		return nil, "", fault
	}
	if !ds.Summary.Accessible {
		return nil, "", &types.InvalidDatastore{Datastore: &ds.Self, Name: ds.Name}
	}
	if fault := denied(ds.Self, "Datastore.AllocateSpace"); fault != nil {
		return nil, "", fault
	}
	var wanted object.DatastorePath
	wanted.FromString(spec.Files.VmPathName)
	dir := path.Dir(wanted.Path)
	if path.Ext(wanted.Path) != ".vmx" {
		// The server makes a folder of the machine's name, and of another where that is taken.
		dir = freeDirectory(ds, spec.Name)
		spec.Files.VmPathName = fmt.Sprintf("[%s] %s/%s.vmx", ds.Name, dir, spec.Name)
	} else if _, err := os.Stat(path.Join(ds.folder(), wanted.Path)); err == nil {
		return nil, "", &types.FileAlreadyExists{FileFault: types.FileFault{File: spec.Files.VmPathName}}
	}
	if err := os.MkdirAll(path.Join(ds.folder(), dir), 0o755); err != nil {
		return nil, "", failed(err)
	}
	return ds, dir, nil
}

func hardwareOffered() int {
	newest := newestHardware
	if f := peekFault("hardware"); f != nil {
		newest = int(f.number("newest", 13))
	}
	return newest
}

func judgeVersion(version string) types.BaseMethodFault {
	if version == "" {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(version, "vmx-"))
	if err != nil || n < 4 {
		return &types.InvalidArgument{InvalidProperty: "configSpec.version"}
	}
	if n > hardwareOffered() {
		return withMessages(&types.VirtualHardwareVersionNotSupported{HostName: oneHost.Name, Host: oneHost.Self},
			"vim.fault.VirtualHardwareVersionNotSupported",
			fmt.Sprintf("The virtual machine's hardware version %s is not supported by the host '%s'.", version, oneHost.Name))
	}
	return nil
}

// describeOptions says which hardware versions can be made (EnvironmentBrowser.QueryConfigOptionDescriptor).
func describeOptions(_ *Context, method *Method) soap.HasFault {
	res := &types.QueryConfigOptionDescriptorResponse{}
	newest := hardwareOffered()
	for n := 4; n <= newest; n++ {
		if n == 5 || n == 6 || n == 12 || n == 16 { // there are none of these numbers on ESXi
			continue
		}
		key := fmt.Sprintf("vmx-%02d", n)
		res.Returnval = append(res.Returnval, types.VirtualMachineConfigOptionDescriptor{
			Key: key, Description: key, Host: []types.ManagedObjectReference{oneHost.Self}, CreateSupported: types.NewBool(true),
			DefaultConfigOption: types.NewBool(n == newest), RunSupported: types.NewBool(true), UpgradeSupported: types.NewBool(true),
		})
	}
	return &methods.QueryConfigOptionDescriptorBody{Res: res}
}

func uuidTaken(instance string) bool {
	machinesMu.Lock()
	defer machinesMu.Unlock()
	for _, m := range machines {
		if strings.EqualFold(m.vm.Config.InstanceUuid, instance) {
			return true
		}
	}
	return false
}

// capabilities sets what vcsim leaves out of a machine that somebody made.
func (m *machine) capabilities() {
	vm := m.vm
	version, _ := strconv.Atoi(strings.TrimPrefix(vm.Config.Version, "vmx-"))
	if m.extra("nvram") == "" {
		vm.Config.ExtraConfig = append(vm.Config.ExtraConfig, &types.OptionValue{Key: "nvram", Value: vm.Name + ".nvram"})
	}
	vm.Capability.ChangeTrackingSupported = types.NewBool(version >= 7)
	vm.Capability.SnapshotOperationsSupported = true
	vm.Capability.QuiescedSnapshotsSupported = true
	vm.Runtime.ConsolidationNeeded = types.NewBool(false)
	vm.Guest.GuestId = vm.Config.GuestId
	vm.Guest.GuestState = "notRunning"
	vm.Guest.ToolsVersionStatus2 = "guestToolsNotInstalled"
	vm.Summary.Runtime = vm.Runtime
}
