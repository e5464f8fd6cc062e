package simulator

import (
	"fmt"

	"github.com/vmware/govmomi/vim25/types"
)

type controllerKind struct {
	key, firstDisk, units, bus int32
	label                      string
	make                       func(types.VirtualController) types.BaseVirtualDevice
}

// Keys as vSphere gives them.
var controllers = map[string]controllerKind{
	"ide0":  {200, 3000, 2, 0, "IDE 0", nil}, // every machine has it
	"scsi0": {1000, 2000, 16, 0, "SCSI controller 0", scsi},
	"scsi1": {1001, 2016, 16, 1, "SCSI controller 1", scsi},
	"sata0": {15000, 16000, 30, 0, "SATA controller 0", func(c types.VirtualController) types.BaseVirtualDevice {
		return &types.VirtualAHCIController{VirtualSATAController: types.VirtualSATAController{VirtualController: c}}
	}},
	"nvme0": {31000, 32000, 15, 0, "NVME controller 0", func(c types.VirtualController) types.BaseVirtualDevice {
		return &types.VirtualNVMEController{VirtualController: c}
	}},
}

func scsi(c types.VirtualController) types.BaseVirtualDevice {
	unit := int32(7)
	return &types.ParaVirtualSCSIController{VirtualSCSIController: types.VirtualSCSIController{
		VirtualController: c, SharedBus: types.VirtualSCSISharingNoSharing, ScsiCtlrUnitNumber: unit,
	}}
}

// devices lists all devices, the disks with the backing given; where that is nil the disk is left out.
func (m *machine) devices(
	backing func(*simDisk) types.BaseVirtualDeviceBackingInfo, capacity func(*simDisk) int64,
) []types.BaseVirtualDevice {
	all := append([]types.BaseVirtualDevice{}, m.fixed...)
	for _, c := range m.controllers {
		own := c.(types.BaseVirtualController).GetVirtualController()
		own.Device = m.disksOn(own.Key)
		all = append(all, c)
	}
	all = append(all, m.broughtControllers()...)
	for i, d := range m.disks {
		b := backing(d)
		if b == nil {
			continue
		}
		size := d.capacity
		if capacity != nil {
			size = capacity(d)
		}
		unit := d.unit
		all = append(all, &types.VirtualDisk{
			VirtualDevice: types.VirtualDevice{
				Key: d.key, ControllerKey: d.controllerKey, UnitNumber: &unit, Backing: b,
				DeviceInfo: &types.Description{
					Label:   fmt.Sprintf("Hard disk %d", i+1),
					Summary: numberToString(size/1024, ',') + " KB",
				},
			},
			CapacityInKB:    size / 1024,
			CapacityInBytes: size,
			DiskObjectId:    fmt.Sprintf("1-%d", d.key),
		})
	}
	return all
}

// broughtControllers are those that disks bring by themselves, and scsi0 where nobody asked for any.
func (m *machine) broughtControllers() (all []types.BaseVirtualDevice) {
	for _, name := range []string{"scsi0", "scsi1", "sata0", "nvme0"} {
		kind := controllers[name]
		keys := m.disksOn(kind.key)
		if m.controllerAt(kind.key) != nil || len(keys) == 0 && (name != "scsi0" || m.controllers != nil) {
			continue
		}
		all = append(all, kind.make(types.VirtualController{
			BusNumber: kind.bus,
			Device:    keys,
			VirtualDevice: types.VirtualDevice{
				Key: kind.key, ControllerKey: 100,
				DeviceInfo: &types.Description{Label: kind.label, Summary: kind.label},
			},
		}))
	}
	return all
}

// nameControllers makes those that disks brought by themselves stay when the disks go.
func (m *machine) nameControllers() { m.controllers = append(m.controllers, m.broughtControllers()...) }

// disksOn answers the keys of a controller's disks.
func (m *machine) disksOn(controller int32) (keys []int32) {
	for _, d := range m.disks {
		if d.controllerKey == controller {
			keys = append(keys, d.key)
		}
	}
	return keys
}

// controllerAt answers a controller that somebody asked for, by its key.
func (m *machine) controllerAt(key int32) types.BaseVirtualDevice {
	for _, c := range m.controllers {
		if c.GetVirtualDevice().Key == key {
			return c
		}
	}
	return nil
}

// cryptoKey is nil for a disk that is not encrypted.
func (d *simDisk) cryptoKey() *types.CryptoKeyId {
	if d.keyID == "" {
		return nil
	}
	return &types.CryptoKeyId{KeyId: d.keyID, ProviderId: &types.KeyProviderId{Id: "provider"}}
}

// backingInfo describes the element of the disk's chain at a level, with its parents.
func (d *simDisk) backingInfo(level int, changeID string) types.BaseVirtualDeviceBackingInfo {
	var flat *types.VirtualDiskFlatVer2BackingInfo
	var sesparse *types.VirtualDiskSeSparseBackingInfo
	var rdm *types.VirtualDiskRawDiskMappingVer1BackingInfo
	no := types.NewBool(false)
	store := d.store.Self
	for at := 0; at <= level; at++ {
		file := types.VirtualDeviceFileBackingInfo{FileName: d.fileName(at), Datastore: &store}
		id := ""
		if at == level {
			id = changeID
		}
		switch d.backing {
		case "sesparse":
			sesparse = &types.VirtualDiskSeSparseBackingInfo{
				VirtualDeviceFileBackingInfo: file, DiskMode: d.mode, Uuid: d.uuid, ChangeId: id, Parent: sesparse,
				WriteThrough: no, GrainSize: 512,
			}
		case "rdm-physical", "rdm-virtual":
			mode := "virtualMode"
			if d.backing == "rdm-physical" {
				mode = "physicalMode"
			}
			rdm = &types.VirtualDiskRawDiskMappingVer1BackingInfo{
				VirtualDeviceFileBackingInfo: file, CompatibilityMode: mode, DiskMode: d.mode, Uuid: d.uuid,
				ChangeId: id, Parent: rdm, LunUuid: "0200000000" + d.uuid[:8], DeviceName: "vml.0200000000" + d.uuid[:8],
			}
		default:
			flat = &types.VirtualDiskFlatVer2BackingInfo{
				VirtualDeviceFileBackingInfo: file, DiskMode: d.mode, Uuid: d.uuid, ChangeId: id, Parent: flat,
				ThinProvisioned: types.NewBool(!d.thick), Split: no, WriteThrough: no, EagerlyScrub: types.NewBool(d.eager),
				DigestEnabled: no,
				Sharing:       d.sharing, KeyId: d.cryptoKey(),
			}
			if at > 0 {
				flat.DeltaDiskFormat = "redoLogFormat"
			}
		}
	}
	switch {
	case sesparse != nil:
		return sesparse
	case rdm != nil:
		return rdm
	}
	return flat
}
