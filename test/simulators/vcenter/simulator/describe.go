package simulator

import (
	"fmt"
	"os"
	"path"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

func (m *machine) addNetworks(networks []networkSpec) {
	if networks == nil {
		networks = []networkSpec{{Name: "VM Network"}}
	}
	for i, n := range networks {
		if n.Mac == "" {
			n.Mac = fmt.Sprintf("00:50:56:80:%02x:%02x", len(machines)%256, i)
		}
		unit := int32(7 + i)
		backing := &types.VirtualEthernetCardNetworkBackingInfo{
			VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: n.Name},
		}
		if e := Map.FindByName(n.Name, theDatacenter().Network); e != nil {
			ref := e.Reference()
			backing.Network = &ref
		}
		m.fixed = append(m.fixed, &types.VirtualVmxnet3{VirtualVmxnet: types.VirtualVmxnet{
			VirtualEthernetCard: types.VirtualEthernetCard{
				VirtualDevice: types.VirtualDevice{
					Key: 4000 + int32(i), ControllerKey: 100, UnitNumber: &unit, Backing: backing,
					DeviceInfo:  &types.Description{Label: fmt.Sprintf("Network adapter %d", i+1), Summary: n.Name},
					Connectable: &types.VirtualDeviceConnectInfo{StartConnected: true, Connected: true, AllowGuestControl: true},
				},
				AddressType: "assigned", MacAddress: n.Mac, WakeOnLanEnabled: types.NewBool(true),
			},
		}})
	}
}

// describe sets what vcsim leaves out: guest, tools, firmware memory, what may be asked of the machine.
func (m *machine) describe(spec machineSpec, dir string) {
	vm := m.vm
	tools := spec.Tools == nil || *spec.Tools
	on := spec.PoweredOn == nil || *spec.PoweredOn
	nvram := spec.Nvram
	if nvram == nil {
		nvram = []byte("MRVN" + vm.Config.Uuid)
	}
	name := vm.Name + ".nvram"
	if !m.hollow {
		_ = os.WriteFile(path.Join(theDatastore().Info.GetDatastoreInfo().Url, dir, name), nvram, 0o644)
	}
	vm.addFileLayoutEx(object.DatastorePath{Datastore: datastoreName, Path: dir + "/" + name}, int64(len(nvram)))
	for i := range vm.LayoutEx.File {
		if vm.LayoutEx.File[i].Type == "nvram" {
			vm.LayoutEx.File[i].Size = int64(len(nvram))
		}
	}
	vm.Config.ExtraConfig = append(vm.Config.ExtraConfig, &types.OptionValue{Key: "nvram", Value: name})
	if spec.KeyID != "" {
		vm.Config.KeyId = &types.CryptoKeyId{KeyId: spec.KeyID, ProviderId: &types.KeyProviderId{Id: "provider"}}
	}
	vm.Config.GuestFullName = "Debian GNU/Linux 10 (64-bit)"
	vm.Capability.ChangeTrackingSupported = types.NewBool(spec.HardwareVersion >= 7)
	vm.Capability.SnapshotOperationsSupported = true
	vm.Capability.QuiescedSnapshotsSupported = true
	vm.Runtime.ConsolidationNeeded = types.NewBool(false)
	vm.Guest.GuestId = vm.Config.GuestId
	vm.Guest.GuestFullName = vm.Config.GuestFullName
	vm.Guest.GuestState = "notRunning"
	if on {
		now := time.Now()
		vm.Runtime.PowerState = types.VirtualMachinePowerStatePoweredOn
		vm.Runtime.BootTime = &now
		vm.Guest.GuestState = "running"
		vm.Guest.HostName = vm.Name + ".example.com"
		vm.Guest.IpAddress = "192.0.2.10"
	}
	if tools {
		vm.Guest.ToolsStatus = types.VirtualMachineToolsStatusToolsOk
		vm.Guest.ToolsVersion = "12352"
		vm.Guest.ToolsVersionStatus2 = "guestToolsCurrent"
		if on {
			vm.Guest.ToolsRunningStatus = "guestToolsRunning"
		}
	} else {
		vm.Guest.ToolsVersionStatus2 = "guestToolsNotInstalled"
	}
	vm.Summary.Runtime = vm.Runtime
	vm.Summary.Guest.ToolsStatus = vm.Guest.ToolsStatus
	vm.Summary.Guest.ToolsRunningStatus = vm.Guest.ToolsRunningStatus
}
