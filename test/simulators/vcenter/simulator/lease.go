package simulator

import (
	"fmt"
	"net/url"
	"path"
	"reflect"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// leaseSeconds without a call of HttpNfcLeaseProgress end a lease; the fault "lease-timeout" shortens it.
const leaseSeconds = 300

// importLease is an import in progress: the machine is there, its disks are being filled.
type importLease struct {
	mu      sync.Mutex
	shown   *HttpNfcLease // what clients see
	machine *machine
	disks   map[string]*simDisk // by the name in the URL
	percent int32
	timer   *time.Timer
	timeout time.Duration
}

var (
	leasesMu sync.Mutex
	leases   = map[string]*importLease{} // by moref
)

func leaseOf(moref string) *importLease {
	leasesMu.Lock()
	defer leasesMu.Unlock()
	return leases[moref]
}

func importVApp(ctx *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.ImportVApp)
	spec, ok := req.Spec.(*types.VirtualMachineImportSpec)
	if !ok {
		return nil
	}
	body := &methods.ImportVAppBody{}
	refuse := func(fault types.BaseMethodFault) soap.HasFault {
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	folder := Map.Get(theDatacenter().VmFolder).(*Folder)
	if req.Folder != nil {
		if folder, ok = Map.Get(*req.Folder).(*Folder); !ok {
			return refuse(&types.InvalidArgument{InvalidProperty: "folder"})
		}
	}
	// vSphere API reference, ResourcePool.ImportVApp: VApp.Import on the pool and the folder.
	for _, on := range []types.ManagedObjectReference{req.This, folder.Self} {
		if fault := denied(on, "VApp.Import"); fault != nil {
			return refuse(fault)
		}
	}
	if fault := mayCreate(folder, &spec.ConfigSpec, req.This); fault != nil {
		return refuse(fault)
	}
	m, fault := makeMachine(folder, &spec.ConfigSpec, req.This, req.Host)
	if fault != nil {
		if _, taken := fault.(*types.DuplicateName); taken {
			return refuse(fault)
		}
		body.Res = &types.ImportVAppResponse{Returnval: failedLease(ctx, fault)}
		return body
	}
	body.Res = &types.ImportVAppResponse{Returnval: openLease(ctx, m).shown.Self}
	return body
}

// failedLease is how a server tells what goes wrong while it prepares the objects.
func failedLease(ctx *Context, fault types.BaseMethodFault) types.ManagedObjectReference {
	lease := NewHttpNfcLease(ctx, types.ManagedObjectReference{})
	lease.Info = nil
	lease.State = types.HttpNfcLeaseStateError
	lease.Error = &types.LocalizedMethodFault{Fault: fault, LocalizedMessage: faultText(fault)}
	return lease.Self
}

func openLease(ctx *Context, m *machine) *importLease {
	l := &importLease{machine: m, disks: map[string]*simDisk{}, timeout: leaseSeconds * time.Second}
	l.shown = NewHttpNfcLease(ctx, m.vm.Self)
	nfcLease.Delete(l.shown.Self)
	info := l.shown.Info
	info.Lease = l.shown.Self
	info.LeaseTimeout = leaseSeconds
	if f := takeFault("lease-timeout", nil); f != nil {
		l.timeout = f.ms("ms", 1000)
		info.LeaseTimeout = int32(f.number("says", int64((l.timeout+time.Second-1)/time.Second)))
	}
	m.mu.Lock()
	m.lease = l
	for i, d := range m.disks {
		name := fmt.Sprintf("disk-%d.vmdk", i)
		l.disks[name] = d
		info.TotalDiskCapacityInKB += d.capacity / 1024
		key := fmt.Sprintf("%s:%d", m.controllerName(d), d.unit)
		info.DeviceUrl = append(info.DeviceUrl, types.HttpNfcLeaseDeviceUrl{
			Key: "/" + m.vm.Self.Value + "/" + key, ImportKey: "/" + m.vm.Name + "/" + key,
			// The host is the one that was asked (vSphere API reference, HttpNfcLeaseDeviceUrl.url).
			Url:  (&url.URL{Scheme: "https", Host: "*", Path: nfcPrefix + path.Join(l.shown.Self.Value, name)}).String(),
			Disk: types.NewBool(true), TargetId: name, DatastoreKey: "/" + d.store.Name, FileSize: 0,
		})
	}
	m.writeLibraryIndex()
	m.mu.Unlock()
	leasesMu.Lock()
	leases[l.shown.Self.Value] = l
	leasesMu.Unlock()
	l.timer = time.AfterFunc(l.timeout, func() {
		l.fail(withMessages(&types.Timedout{}, "vim.fault.Timedout", "The lease has timed out."))
	})
	changes.fire()
	return l
}

// controllerName is how devices are called in a lease: VirtualLsiLogicController0.
func (m *machine) controllerName(d *simDisk) string {
	for _, device := range append(append([]types.BaseVirtualDevice{}, m.controllers...), m.fixed...) {
		if c, ok := device.(types.BaseVirtualController); ok && device.GetVirtualDevice().Key == d.controllerKey {
			return leaseName(c)
		}
	}
	return "ParaVirtualSCSIController0"
}

func leaseName(c types.BaseVirtualController) string {
	return fmt.Sprintf("%s%d", reflect.TypeOf(c).Elem().Name(), c.GetVirtualController().BusNumber)
}

func (l *importLease) state() types.HttpNfcLeaseState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shown.State
}

// end closes a lease that is ready, and answers whether it was.
func (l *importLease) end(state types.HttpNfcLeaseState, fault types.BaseMethodFault) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown.State != types.HttpNfcLeaseStateReady {
		return false
	}
	l.timer.Stop()
	l.shown.State = state
	if fault != nil {
		l.shown.Error = &types.LocalizedMethodFault{Fault: fault, LocalizedMessage: faultText(fault)}
	}
	return true
}

// fail takes away what was made for the import.
func (l *importLease) fail(fault types.BaseMethodFault) {
	if !l.end(types.HttpNfcLeaseStateError, fault) {
		return
	}
	m := l.machine
	m.mu.Lock()
	m.lease = nil
	m.destroy()
	m.mu.Unlock()
	changes.fire()
}

func leaseProgress(_ *Context, method *Method) soap.HasFault {
	l := leaseOf(method.This.Value)
	if l == nil {
		return nil
	}
	body := &methods.HttpNfcLeaseProgressBody{}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown.State != types.HttpNfcLeaseStateReady {
		body.Fault_ = l.over()
		return body
	}
	l.timer.Reset(l.timeout)
	l.percent = method.Body.(*types.HttpNfcLeaseProgress).Percent
	l.shown.TransferProgress = l.percent
	body.Res = &types.HttpNfcLeaseProgressResponse{}
	return body
}

// over is what a lease answers that is not ready any more: Timedout or InvalidState (vSphere API reference, HttpNfcLeaseProgress).
func (l *importLease) over() *soap.Fault {
	if l.shown.Error != nil {
		if _, timed := l.shown.Error.Fault.(*types.Timedout); timed {
			return Fault("The lease has timed out.", &types.Timedout{})
		}
	}
	return Fault("The operation is not allowed in the current state.", &types.InvalidState{})
}

// leaseComplete does not look whether all disks came: who uploads must know.
func leaseComplete(_ *Context, method *Method) soap.HasFault {
	l := leaseOf(method.This.Value)
	if l == nil {
		return nil
	}
	body := &methods.HttpNfcLeaseCompleteBody{}
	if !l.end(types.HttpNfcLeaseStateDone, nil) {
		l.mu.Lock()
		defer l.mu.Unlock()
		body.Fault_ = l.over()
		return body
	}
	l.machine.mu.Lock()
	l.machine.lease = nil
	l.machine.publish()
	l.machine.mu.Unlock()
	changes.fire()
	body.Res = &types.HttpNfcLeaseCompleteResponse{}
	return body
}

func leaseAbort(_ *Context, method *Method) soap.HasFault {
	l := leaseOf(method.This.Value)
	if l == nil {
		return nil
	}
	body := &methods.HttpNfcLeaseAbortBody{}
	if l.state() != types.HttpNfcLeaseStateReady {
		l.mu.Lock()
		defer l.mu.Unlock()
		body.Fault_ = l.over()
		return body
	}
	var why types.BaseMethodFault = &types.RequestCanceled{}
	if given := method.Body.(*types.HttpNfcLeaseAbort).Fault; given != nil && given.Fault != nil {
		why = given.Fault
	}
	l.fail(why)
	body.Res = &types.HttpNfcLeaseAbortResponse{}
	return body
}
