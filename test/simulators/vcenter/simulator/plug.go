package simulator

import (
	"fmt"
	"os"
	"reflect"

	"github.com/vmware/govmomi/vim25/types"
)

// slot is where disks of a controller have their keys, and how many there can be. Keys of controllers and their devices follow from
// bus and unit; what a client gives is temporary ("the server may assign a different value from the one passed during configuration",
// vSphere API reference, VirtualDevice.key).
type slot struct{ firstDisk, units int32 }

func slotOf(controller int32) (slot, bool) {
	switch {
	case controller >= 200 && controller <= 201:
		return slot{3000 + (controller-200)*2, 2}, true
	case controller >= 1000 && controller <= 1003:
		return slot{2000 + (controller-1000)*16, 16}, true
	case controller >= 15000 && controller <= 15003:
		return slot{16000 + (controller-15000)*30, 30}, true
	case controller >= 31000 && controller <= 31003:
		return slot{32000 + (controller-31000)*15, 15}, true
	}
	return slot{}, false
}

// controllerOfKind makes a controller by the name of its type.
func controllerOfKind(kind string, bus int32) (types.BaseVirtualDevice, bool) {
	known, ok := types.TypeFunc()(kind)
	if !ok {
		return nil, false
	}
	device, ok := reflect.New(known).Interface().(types.BaseVirtualDevice)
	if !ok {
		return nil, false
	}
	c, ok := device.(types.BaseVirtualController)
	if !ok {
		return nil, false
	}
	c.GetVirtualController().BusNumber = bus
	return device, finishController(device)
}

// finishController gives a controller the key of its bus, its label, and the unit that it takes for itself.
func finishController(device types.BaseVirtualDevice) bool {
	c := device.(types.BaseVirtualController).GetVirtualController()
	label := ""
	switch x := device.(type) {
	case types.BaseVirtualSCSIController:
		scsi := x.GetVirtualSCSIController()
		scsi.ScsiCtlrUnitNumber = 7
		if scsi.SharedBus == "" {
			scsi.SharedBus = types.VirtualSCSISharingNoSharing
		}
		c.Key, label = 1000+c.BusNumber, "SCSI"
	case types.BaseVirtualSATAController:
		c.Key, label = 15000+c.BusNumber, "SATA"
	case *types.VirtualNVMEController:
		c.Key, label = 31000+c.BusNumber, "NVME"
	default:
		return false
	}
	c.ControllerKey = 100
	label = fmt.Sprintf("%s controller %d", label, c.BusNumber)
	c.DeviceInfo = &types.Description{Label: label, Summary: label}
	return c.BusNumber >= 0 && c.BusNumber <= 3
}

// plugging is one change of a machine's devices: all of it, or nothing.
type plugging struct {
	m     *machine
	dir   string          // of new disks
	hot   bool            // the machine runs
	keys  map[int32]int32 // what the client called a controller -> its key
	made  []*simDisk
	index int
}

// plug changes devices as ReconfigVM_Task and CreateVM_Task do. Needs m.mu.
func (m *machine) plug(changes []types.BaseVirtualDeviceConfigSpec, dir string) types.BaseMethodFault {
	m.nameControllers()
	fixed, controllers, disks := m.fixed, m.controllers, m.disks
	m.fixed = append([]types.BaseVirtualDevice{}, fixed...)
	m.controllers = append([]types.BaseVirtualDevice{}, controllers...)
	m.disks = append([]*simDisk{}, disks...)
	p := &plugging{m: m, dir: dir, hot: m.isOn(), keys: map[int32]int32{}}
	var gone []*simDisk
	for i, change := range changes {
		p.index = i
		spec := change.GetVirtualDeviceConfigSpec()
		fault := p.one(spec, &gone)
		if fault == nil {
			continue
		}
		for _, d := range p.made {
			d.removeFiles()
		}
		m.fixed, m.controllers, m.disks = fixed, controllers, disks
		return fault
	}
	for _, d := range gone {
		d.removeFiles()
	}
	return nil
}

func (m *machine) isOn() bool {
	return m.vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
}

func (p *plugging) invalid(property string) types.BaseMethodFault {
	name := fmt.Sprintf("deviceChange[%d].%s", p.index, property)
	return withMessages(&types.InvalidDeviceSpec{
		InvalidVmConfig: types.InvalidVmConfig{Property: name}, DeviceIndex: int32(p.index),
	}, "vim.fault.InvalidDeviceSpec", fmt.Sprintf("Invalid configuration for device '%d'.", p.index))
}

func (p *plugging) one(spec *types.VirtualDeviceConfigSpec, gone *[]*simDisk) types.BaseMethodFault {
	switch spec.Operation {
	case types.VirtualDeviceConfigSpecOperationRemove:
		return p.remove(spec, gone)
	case types.VirtualDeviceConfigSpecOperationEdit:
		return p.edit(spec)
	case types.VirtualDeviceConfigSpecOperationAdd:
	default:
		return p.invalid("operation")
	}
	switch device := spec.Device.(type) {
	case *types.VirtualDisk:
		return p.addDisk(spec, device)
	case types.BaseVirtualEthernetCard:
		return p.addCard(spec.Device, device.GetVirtualEthernetCard())
	case types.BaseVirtualController:
		return p.addController(spec.Device, device.GetVirtualController())
	}
	return p.addOther(spec.Device)
}

func (p *plugging) addController(device types.BaseVirtualDevice, c *types.VirtualController) types.BaseMethodFault {
	given := c.Key
	if !finishController(device) {
		return p.addOther(device) // USB and the like; IDE and PCI controllers every machine has
	}
	if p.m.controllerAt(c.Key) != nil {
		return p.invalid("device.busNumber")
	}
	p.keys[given] = c.Key
	p.m.controllers = append(p.m.controllers, device)
	return nil
}

// controllerKey answers which controller a device is to have: one of this change, or one that is there.
func (p *plugging) controllerKey(given int32) (int32, types.BaseMethodFault) {
	if key, ok := p.keys[given]; ok {
		return key, nil
	}
	if given == 200 || given == 201 || p.m.controllerAt(given) != nil {
		return given, nil
	}
	return 0, withMessages(&types.InvalidController{
		InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(p.index)}, ControllerKey: given,
	}, "vim.fault.InvalidController", fmt.Sprintf("The device '%d' is referring to a nonexisting controller '%d'.", p.index, given))
}

// addOther adds a device that has no contents here.
func (p *plugging) addOther(device types.BaseVirtualDevice) types.BaseMethodFault {
	d := device.GetVirtualDevice()
	switch device.(type) {
	case *types.VirtualIDEController, *types.VirtualPCIController, *types.VirtualPS2Controller, *types.VirtualSIOController,
		*types.VirtualKeyboard, *types.VirtualPointingDevice, *types.VirtualMachineVideoCard, *types.VirtualMachineVMCIDevice:
		if p.m.fixedAt(d.Key) >= 0 {
			return nil // every machine has it
		}
	}
	given := d.Key
	d.Key = p.m.freeKey(firstKey(device))
	if _, ok := device.(types.BaseVirtualController); ok {
		p.keys[given] = d.Key
	} else if d.ControllerKey != 0 && d.ControllerKey != 100 {
		key, fault := p.controllerKey(d.ControllerKey)
		if fault != nil {
			return fault
		}
		d.ControllerKey = key
		if s, ok := slotOf(key); ok && d.UnitNumber != nil {
			d.Key = s.firstDisk + *d.UnitNumber
		}
	}
	if d.DeviceInfo == nil {
		name := reflect.TypeOf(device).Elem().Name()
		d.DeviceInfo = &types.Description{Label: name, Summary: name}
	}
	p.m.fixed = append(p.m.fixed, device)
	return nil
}

func firstKey(device types.BaseVirtualDevice) int32 {
	switch device.(type) {
	case types.BaseVirtualEthernetCard:
		return 4000
	case types.BaseVirtualSoundCard:
		return 5000
	case *types.VirtualUSBController:
		return 7000
	case *types.VirtualFloppy:
		return 8000
	case *types.VirtualSerialPort:
		return 9000
	case *types.VirtualParallelPort:
		return 10000
	case *types.VirtualTPM:
		return 11000
	case *types.VirtualPCIPassthrough:
		return 13000
	case *types.VirtualUSBXHCIController:
		return 14000
	}
	return 20000
}

func (m *machine) fixedAt(key int32) int {
	for i, device := range m.fixed {
		if device.GetVirtualDevice().Key == key {
			return i
		}
	}
	return -1
}

func (m *machine) freeKey(from int32) int32 {
	for ; m.fixedAt(from) >= 0; from++ {
	}
	return from
}

func (p *plugging) remove(spec *types.VirtualDeviceConfigSpec, gone *[]*simDisk) types.BaseMethodFault {
	key := spec.Device.GetVirtualDevice().Key
	for i, d := range p.m.disks {
		if d.key != key {
			continue
		}
		if fault := denied(p.m.vm.Self, "VirtualMachine.Config.RemoveDisk"); fault != nil {
			return fault
		}
		p.m.disks = append(append([]*simDisk{}, p.m.disks[:i]...), p.m.disks[i+1:]...)
		if spec.FileOperation == types.VirtualDeviceConfigSpecFileOperationDestroy {
			*gone = append(*gone, d)
		}
		return nil
	}
	if i := p.m.fixedAt(key); i >= 0 {
		p.m.fixed = append(append([]types.BaseVirtualDevice{}, p.m.fixed[:i]...), p.m.fixed[i+1:]...)
		return nil
	}
	for i, c := range p.m.controllers {
		if c.GetVirtualDevice().Key == key && len(p.m.disksOn(key)) == 0 {
			p.m.controllers = append(append([]types.BaseVirtualDevice{}, p.m.controllers[:i]...), p.m.controllers[i+1:]...)
			return nil
		}
	}
	return p.invalid("device.key")
}

// edit replaces a network card and the like; of a disk only its size grows.
func (p *plugging) edit(spec *types.VirtualDeviceConfigSpec) types.BaseMethodFault {
	d := spec.Device.GetVirtualDevice()
	if disk, ok := spec.Device.(*types.VirtualDisk); ok {
		for _, one := range p.m.disks {
			if one.key == d.Key && diskBytes(disk) >= one.capacity {
				if err := one.resize(diskBytes(disk)); err != nil {
					return failed(err)
				}
				return nil
			}
		}
		return p.invalid("device.capacityInKB")
	}
	i := p.m.fixedAt(d.Key)
	if i < 0 {
		return p.invalid("device.key")
	}
	if card, ok := spec.Device.(types.BaseVirtualEthernetCard); ok {
		if fault := p.network(card.GetVirtualEthernetCard()); fault != nil {
			return fault
		}
	}
	p.m.fixed[i] = spec.Device
	return nil
}

// removeFiles deletes what is of a disk on its datastore. Who has a file open goes on reading it.
func (d *simDisk) removeFiles() {
	for _, name := range []string{d.descriptor(), d.flat} {
		_ = os.Remove(name)
	}
}
