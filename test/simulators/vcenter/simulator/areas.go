package simulator

import (
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var (
	// MaxAreas bounds one answer, as a real server does.
	MaxAreas = 2000
	// Grain is the block size in which changes are tracked, bytes.
	Grain int64 = 64 << 10

	areasMu    sync.Mutex
	knownAreas = map[string][]extent{}
)

func queryChangedDiskAreas(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.QueryChangedDiskAreas)
	m := machineOf(req.This)
	if m == nil {
		return nil
	}
	body := &methods.QueryChangedDiskAreasBody{}
	page, fault := m.changedAreas(req)
	if fault != nil {
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	body.Res = &types.QueryChangedDiskAreasResponse{Returnval: *page}
	return body
}

func invalid(property string) types.BaseMethodFault {
	return withMessages(&types.InvalidArgument{InvalidProperty: property}, "vim.fault.InvalidArgument",
		"A specified parameter was not correct: "+property)
}

// fileFault is what a server answers when its change tracking cannot tell; the key says why.
func (d *simDisk) fileFault(key string) types.BaseMethodFault {
	f := &types.FileFault{File: d.fileName(0)}
	if key == "" {
		return withMessages(f, "vim.hostd.vmsvc.file.busy", "Error caused by file "+f.File)
	}
	return withMessages(f, "vim.hostd.vmsvc.cbt."+key, "Error caused by file "+f.File)
}

func (m *machine) changedAreas(req *types.QueryChangedDiskAreas) (*types.DiskChangeInfo, types.BaseMethodFault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if req.Snapshot == nil {
		return nil, invalid("snapshot")
	}
	d, s, fault := m.snapshotDisk(*req.Snapshot, req.DeviceKey)
	if fault != nil {
		return nil, fault
	}
	if req.StartOffset < 0 || req.StartOffset >= s.capacity {
		return nil, invalid("startOffset")
	}
	if f := takeFault("file-fault", func(f *mishap) bool {
		return f.matches("vm", m.vm.Self.Value) && f.matches("disk", d.uuid) && (f.option("star") == "") == (req.ChangeId != "*")
	}); f != nil {
		return nil, d.fileFault(f.option("key"))
	}
	areas, fault := m.areasSince(d, s, req.ChangeId)
	if fault != nil {
		return nil, fault
	}
	if req.ChangeId != "*" && hasFault("writes-untracked") {
		areas = m.withoutLibraryWrites(d, areas)
	}
	return spoil(pageOf(areas, req.StartOffset, s.capacity), s.capacity), nil
}

func (m *machine) snapshotDisk(ref types.ManagedObjectReference, key int32) (*simDisk, *diskSnapshot, types.BaseMethodFault) {
	record, ok := Map.Get(ref).(*VirtualMachineSnapshot)
	if !ok || record.Vm != m.vm.Self {
		return nil, nil, &types.ManagedObjectNotFound{Obj: ref}
	}
	for _, device := range record.Config.Hardware.Device {
		disk, ok := device.(*types.VirtualDisk)
		if !ok || disk.Key != key {
			continue
		}
		for _, d := range m.disks {
			for _, s := range d.snapshots {
				if s.moref == ref.Value && d.uuid == backingUUID(disk) {
					return d, s, nil
				}
			}
		}
	}
	return nil, nil, invalid("deviceKey")
}

func backingUUID(disk *types.VirtualDisk) string {
	switch b := disk.Backing.(type) {
	case *types.VirtualDiskFlatVer2BackingInfo:
		return b.Uuid
	case *types.VirtualDiskSeSparseBackingInfo:
		return b.Uuid
	case *types.VirtualDiskRawDiskMappingVer1BackingInfo:
		return b.Uuid
	}
	return ""
}

func (m *machine) areasSince(d *simDisk, s *diskSnapshot, changeID string) ([]extent, types.BaseMethodFault) {
	if s.changeID == "" || !d.tracking.active {
		return nil, d.fileFault("noTrack")
	}
	since := ""
	if changeID == "*" {
		if f := peekFault("star"); f != nil {
			if f.option("answer") == "fault" {
				return nil, d.fileFault("cannotGetChanges")
			}
			return []extent{{0, s.capacity}}, nil
		}
	} else {
		slash := strings.LastIndex(changeID, "/")
		if slash < 0 {
			return nil, invalid("changeId")
		}
		if changeID[:slash] != d.tracking.epoch {
			return nil, d.fileFault("noEpoch")
		}
		if since = d.tracking.saved[changeID]; since == "" {
			return nil, d.fileFault("cannotGetChanges")
		}
	}
	if f := peekFault("many-areas"); f != nil {
		return manyAreas(f.number("areas", 20000), s.capacity), nil
	}
	areasMu.Lock()
	defer areasMu.Unlock()
	name := since + "\n" + s.frozen
	if known, ok := knownAreas[name]; ok {
		return known, nil
	}
	areas, err := differences(since, s.frozen, Grain)
	if err != nil {
		return nil, failed(err)
	}
	knownAreas[name] = areas
	return areas, nil
}

// manyAreas makes areas up: every second grain.
func manyAreas(count, capacity int64) []extent {
	var areas []extent
	for i := int64(0); i < count && (2*i+1)*Grain <= capacity; i++ {
		areas = append(areas, extent{2 * i * Grain, (2*i + 1) * Grain})
	}
	return areas
}

// pageOf answers one page: at most MaxAreas areas, at most "page-length" bytes of the disk, so that pages may be empty.
func pageOf(areas []extent, start, capacity int64) *types.DiskChangeInfo {
	end := capacity
	if f := peekFault("page-length"); f != nil {
		if limit := start + f.number("bytes", 1<<20); limit < end {
			end = limit
		}
	}
	page := &types.DiskChangeInfo{StartOffset: start}
	for _, a := range areas {
		if a.end <= start {
			continue
		}
		if a.start >= end {
			break
		}
		if len(page.ChangedArea) == MaxAreas {
			end = a.start
			break
		}
		if a.start < start {
			a.start = start
		}
		if a.end > end {
			a.end = end
		}
		page.ChangedArea = append(page.ChangedArea, types.DiskChangeExtent{Start: a.start, Length: a.end - a.start})
	}
	page.Length = end - start
	return page
}

// spoil makes the answers that no client may believe.
func spoil(page *types.DiskChangeInfo, capacity int64) *types.DiskChangeInfo {
	if takeFault("page-no-progress", nil) != nil {
		page.Length, page.ChangedArea = 0, nil
	}
	if takeFault("page-wrong-start", nil) != nil {
		page.StartOffset += Grain
	}
	if takeFault("page-beyond-end", nil) != nil {
		page.ChangedArea = append(page.ChangedArea, types.DiskChangeExtent{Start: capacity, Length: Grain})
	}
	if takeFault("page-too-long", nil) != nil {
		page.Length += Grain
	}
	if takeFault("page-outside", nil) != nil { // an area that the page does not cover
		page.ChangedArea = append([]types.DiskChangeExtent{{Start: page.StartOffset + page.Length, Length: Grain}}, page.ChangedArea...)
	}
	if areas := page.ChangedArea; len(areas) > 1 {
		last := len(areas) - 1
		if takeFault("page-overlap", nil) != nil { // the first reaches into the second
			areas[0].Length = areas[1].Start + areas[1].Length - areas[0].Start
		}
		if takeFault("page-falling", nil) != nil {
			areas[0], areas[last] = areas[last], areas[0]
		}
		if takeFault("page-duplicate", nil) != nil {
			page.ChangedArea = append(areas, areas[last])
		}
	}
	return page
}
