package simulator

import (
	"fmt"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// createImportSpec lets vcsim read the OVF. But vcsim calls the disks otherwise than the lease of their import does, and clients find
// the upload of a file by that name (vSphere API reference, OvfFileItem.deviceId: it is the importKey of HttpNfcLeaseDeviceUrl).
func createImportSpec(ctx *Context, method *Method) soap.HasFault {
	res := ctx.svc.call(ctx, method)
	body, ok := res.(*methods.CreateImportSpecBody)
	if !ok || body.Res == nil {
		return res
	}
	result := &body.Res.Returnval
	spec, ok := result.ImportSpec.(*types.VirtualMachineImportSpec)
	if !ok {
		return res
	}
	names := diskNames(&spec.ConfigSpec)
	for i := range result.FileItem {
		if i < len(names) { // both are in the order of the OVF
			result.FileItem[i].DeviceId = "/" + spec.ConfigSpec.Name + "/" + names[i]
		}
	}
	return res
}

// diskNames are those of a lease for the disks that a specification makes.
func diskNames(spec *types.VirtualMachineConfigSpec) []string {
	controllers := map[int32]types.BaseVirtualController{}
	var disks []*types.VirtualDisk
	for _, change := range spec.DeviceChange {
		device := change.GetVirtualDeviceConfigSpec().Device
		if c, ok := device.(types.BaseVirtualController); ok {
			controllers[device.GetVirtualDevice().Key] = c
		} else if d, ok := device.(*types.VirtualDisk); ok {
			disks = append(disks, d)
		}
	}
	names := make([]string, len(disks))
	for i, d := range disks {
		if c := controllers[d.ControllerKey]; c != nil && d.UnitNumber != nil {
			names[i] = fmt.Sprintf("%s:%d", leaseName(c), *d.UnitNumber)
		}
	}
	return names
}
