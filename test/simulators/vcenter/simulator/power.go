package simulator

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// blocked is what a machine answers while a lease fills its disks: "operations that alter the state of the virtual machines covered
// by the lease are blocked. Examples of blocked operations are PowerOn, Destroy, Migrate" (vSphere API reference, HttpNfcLease).
func (m *machine) blocked() types.BaseMethodFault {
	if m.lease == nil {
		return nil
	}
	return withMessages(&types.InvalidState{}, "vim.fault.InvalidState", "The operation is not allowed in the current state.")
}

func powerOn(_ *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil {
		return nil
	}
	body := &methods.PowerOnVM_TaskBody{}
	if fault := denied(m.vm.Self, "VirtualMachine.Interact.PowerOn"); fault != nil {
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	task, fault := m.exclusiveAfter("PowerOnVM_Task", "VirtualMachine.powerOn", m.asks(), func() (types.AnyType, types.BaseMethodFault) {
		if f := takeFault("power-on", func(f *mishap) bool { return f.matches("vm", m.vm.Self.Value) }); f != nil {
			return nil, f.build("InsufficientMemoryResourcesAvailable")
		}
		fault := m.start()
		if fault == nil {
			m.boot()
		}
		return nil, fault
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.PowerOnVM_TaskResponse{Returnval: task}
	return body
}

func (m *machine) wrongPower(wanted types.VirtualMachinePowerState) types.BaseMethodFault {
	return &types.InvalidPowerState{RequestedState: wanted, ExistingState: m.vm.Runtime.PowerState}
}

func (m *machine) start() types.BaseMethodFault {
	if m.isOn() {
		return m.wrongPower(types.VirtualMachinePowerStatePoweredOff)
	}
	if fault := m.blocked(); fault != nil {
		return fault
	}
	if mac := m.reservedMac(); mac != "" {
		return withMessages(&types.GenericVmConfigFault{Reason: "mac"}, "msg.mac.vmwareReserved", fmt.Sprintf(
			"Invalid MAC address specified. %s is not an allowed static Ethernet address. It conflicts with VMware reserved MACs for other usage.", mac))
	}
	for _, d := range m.disks {
		name := d.fileName(d.level(len(d.snapshots)))
		if _, err := os.Stat(d.live); err != nil {
			return &types.FileNotFound{FileFault: types.FileFault{File: name}}
		}
		for _, other := range d.users() {
			if other != m && other.isOn() && d.sharing != "sharingMultiWriter" {
				return &types.FileLocked{FileFault: types.FileFault{File: name}}
			}
		}
		if openForWriting(d.live) {
			return &types.FileLocked{FileFault: types.FileFault{File: name}}
		}
	}
	nvram := path.Join(m.home().folder(), m.directory(), m.extra("nvram"))
	if _, err := os.Stat(nvram); err != nil {
		_ = os.WriteFile(nvram, []byte("MRVN"+m.vm.Config.Uuid), 0o644)
	}
	m.connectCards(true)
	if err := m.power("on"); err != nil {
		return failed(err)
	}
	now := time.Now()
	Map.WithLock(m.vm, func() {
		Map.Update(m.vm, []types.PropertyChange{{Name: "runtime.bootTime", Val: &now}, {Name: "guest.guestState", Val: "running"}})
	})
	return nil
}

func (m *machine) connectCards(on bool) {
	for _, device := range m.fixed {
		if card, ok := device.(types.BaseVirtualEthernetCard); ok {
			if c := card.GetVirtualEthernetCard().Connectable; c != nil {
				c.Connected = on && c.StartConnected
			}
		}
	}
}

// openForWriting tells whether a process, such as the disk library's, writes to a disk; its lock is on the file then.
func openForWriting(name string) bool {
	wanted, err := os.Stat(name)
	if err != nil {
		return false
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || !os.SameFile(info, wanted) {
			continue
		}
		if mode, err := os.Lstat(file); err == nil && mode.Mode()&fs.FileMode(syscall.S_IWUSR) != 0 {
			return true
		}
	}
	return false
}

func powerOff(_ *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil {
		return nil
	}
	body := &methods.PowerOffVM_TaskBody{}
	if fault := denied(m.vm.Self, "VirtualMachine.Interact.PowerOff"); fault != nil {
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	task, fault := m.exclusive("PowerOffVM_Task", "VirtualMachine.powerOff", func() (types.AnyType, types.BaseMethodFault) {
		if !m.isOn() {
			return nil, m.wrongPower(types.VirtualMachinePowerStatePoweredOn)
		}
		return nil, m.stop()
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.PowerOffVM_TaskResponse{Returnval: task}
	return body
}

func (m *machine) stop() types.BaseMethodFault {
	m.boots++
	m.connectCards(false)
	if err := m.power("off"); err != nil {
		return failed(err)
	}
	Map.WithLock(m.vm, func() { Map.Update(m.vm, []types.PropertyChange{{Name: "guest.guestState", Val: "notRunning"}}) })
	m.question("")
	return nil
}

// shutdownGuest asks the guest, which may take its time ("slow-task" with this method) or not listen (fault "deaf-guest").
func shutdownGuest(_ *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil {
		return nil
	}
	body := &methods.ShutdownGuestBody{}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.isOn():
		fault := m.wrongPower(types.VirtualMachinePowerStatePoweredOn)
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	case m.vm.Guest.ToolsRunningStatus != "guestToolsRunning":
		body.Fault_ = Fault("Cannot complete operation because VMware Tools is not running in this virtual machine.", &types.ToolsUnavailable{})
		return body
	}
	body.Res = &types.ShutdownGuestResponse{}
	if takeFault("deaf-guest", func(f *mishap) bool { return f.matches("vm", m.vm.Self.Value) }) != nil {
		return body
	}
	wait := time.Duration(0)
	if f := takeFault("slow-task", func(f *mishap) bool { return f.matches("method", "ShutdownGuest") }); f != nil {
		wait = f.ms("ms", 1000)
	}
	go func() {
		time.Sleep(wait)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.isOn() {
			_ = m.stop()
		}
	}()
	return body
}

func destroyVM(_ *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil {
		return nil
	}
	body := &methods.Destroy_TaskBody{}
	if fault := denied(m.vm.Self, "VirtualMachine.Inventory.Delete"); fault != nil {
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	task, fault := m.exclusive("Destroy_Task", "VirtualMachine.destroy", func() (types.AnyType, types.BaseMethodFault) {
		if m.isOn() {
			return nil, m.wrongPower(types.VirtualMachinePowerStatePoweredOff)
		}
		if fault := m.blocked(); fault != nil {
			return nil, fault
		}
		m.destroy()
		return nil, nil
	})
	if fault != nil {
		body.Fault_ = fault
		return body
	}
	body.Res = &types.Destroy_TaskResponse{Returnval: task}
	return body
}

// destroy removes a machine with its disks, wherever they are, and its folder if nothing else is in it. Needs m.mu.
func (m *machine) destroy() {
	m.forget()
	for _, d := range m.disks {
		d.removeFiles()
		_ = os.Remove(path.Dir(d.flat))
	}
	home := path.Join(m.home().folder(), m.directory())
	base := strings.TrimSuffix(path.Base(m.vm.Config.Files.VmPathName), ".vmx")
	for _, name := range []string{base + ".vmx", base + ".nvram", m.extra("nvram"), "vmware.log"} {
		if name != "" {
			_ = os.Remove(path.Join(home, path.Base(name)))
		}
	}
	_ = os.Remove(home)
}

// forget takes a machine out of the inventory.
func (m *machine) forget() {
	machinesMu.Lock()
	delete(machines, m.vm.Self)
	machinesMu.Unlock()
	_ = os.Remove(path.Join(Root, "vddk", m.vm.Self.Value))
	m.vm.UnregisterVM(serverContext(), &types.UnregisterVM{This: m.vm.Self})
}

func unregisterVM(_ *Context, method *Method) soap.HasFault {
	m := machineOf(method.This)
	if m == nil {
		return nil
	}
	body := &methods.UnregisterVMBody{}
	m.mu.Lock()
	defer m.mu.Unlock()
	fault := denied(m.vm.Self, "VirtualMachine.Inventory.Unregister")
	if fault == nil {
		fault = m.blocked()
	}
	if fault == nil && m.isOn() {
		fault = m.wrongPower(types.VirtualMachinePowerStatePoweredOff)
	}
	if fault != nil {
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	m.forget()
	body.Res = &types.UnregisterVMResponse{}
	return body
}
