package simulator

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/vmware/govmomi/vim25/types"
)

// machine is what vcsim does not know of a virtual machine: the files of its disks, snapshots of them, change tracking.
type machine struct {
	mu    sync.Mutex // guards all below, and the disk files
	vm    *VirtualMachine
	fixed []types.BaseVirtualDevice // devices that never change: keyboard, video card, network cards
	// controllers that CreateVM_Task or ReconfigVM_Task asked for; without any, those that disks need
	controllers []types.BaseVirtualDevice
	disks       []*simDisk
	lease       *importLease                   // while it is being filled
	snapshots   []types.ManagedObjectReference // oldest first
	busy        bool                           // a task of this machine is running
	hollow      bool                           // its disks have no files
	merging     *Task                          // the one that the control endpoint started
	boots       int                            // how often it was stopped: what a guest does ends with that
}

var (
	machinesMu sync.Mutex
	machines   = map[types.ManagedObjectReference]*machine{}
	// Root is the folder of all files.
	Root string
)

func machineOf(ref types.ManagedObjectReference) *machine {
	machinesMu.Lock()
	defer machinesMu.Unlock()
	return machines[ref]
}

// stun is what takes change tracking from wanted to active: not while there are snapshots.
func (m *machine) stun(hadSnapshots bool) {
	wanted := m.vm.Config.ChangeTrackingEnabled != nil && *m.vm.Config.ChangeTrackingEnabled
	for _, d := range m.disks {
		switch {
		case !wanted:
			d.tracking.stop()
		case !d.tracking.active && !hadSnapshots && d.inSnapshots():
			d.tracking.start()
		}
	}
}

// resetTracking is what a power loss or a revert does.
func (m *machine) resetTracking() {
	for _, d := range m.disks {
		if d.tracking.active {
			d.tracking.start()
		}
	}
}

func (m *machine) layers() int {
	most := 0
	for _, d := range m.disks {
		if len(d.snapshots) > most {
			most = len(d.snapshots)
		}
	}
	return most
}

// publish shows the disks as they are now in the machine's properties, and tells the disk library where they are.
func (m *machine) publish(more ...types.PropertyChange) {
	devices := m.devices(func(d *simDisk) types.BaseVirtualDeviceBackingInfo {
		return d.backingInfo(d.level(len(d.snapshots)), d.tracking.current())
	}, nil)
	changes := append([]types.PropertyChange{{Name: "config.hardware.device", Val: devices}}, more...)
	if !m.hollow {
		changes = append(changes, types.PropertyChange{Name: "layoutEx", Val: m.layout()})
	}
	Map.WithLock(m.vm, func() { Map.Update(m.vm, changes) })
	if !m.hollow {
		m.writeLibraryIndex()
	}
}

// writeLibraryIndex writes what fake-vddk.c reads: one line "<snapshot> US <disk name> US <file> US <rw or locked>" per disk, with the
// unit separator 0x1f. Only a disk that is in no snapshot, of a machine that is off, can be written to.
func (m *machine) writeLibraryIndex() {
	text := ""
	for _, d := range m.disks {
		lock := "rw"
		if m.isOn() || len(d.snapshots) > 0 || m.lease != nil {
			lock = "locked"
		}
		text += fmt.Sprintf("-\x1f%s\x1f%s\x1f%s\n", d.fileName(d.level(len(d.snapshots))), d.live, lock)
		if !d.inSnapshots() { // can be opened, but is not frozen
			for _, s := range m.snapshots {
				text += fmt.Sprintf("%s\x1f%s\x1f%s\x1flocked\n", s.Value, d.fileName(0), d.live)
			}
		}
		for i, s := range d.snapshots {
			if !s.orphan {
				text += fmt.Sprintf("%s\x1f%s\x1f%s\x1flocked\n", s.moref, d.fileName(d.level(i)), s.frozen)
			}
		}
	}
	name := path.Join(Root, "vddk", m.vm.Self.Value)
	_ = os.WriteFile(name+".next", []byte(text), 0o644)
	_ = os.Rename(name+".next", name)
}

// openSnapshot tells whether a process has a disk of these snapshots open; on a real host that keeps it from being merged.
func (m *machine) openSnapshot(names map[string]bool) bool {
	var frozen []os.FileInfo
	for _, d := range m.disks {
		for _, s := range d.snapshots {
			if info, err := os.Stat(s.frozen); err == nil && names[s.moref] {
				frozen = append(frozen, info)
			}
		}
	}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, name := range files {
		info, err := os.Stat(name)
		for i := 0; err == nil && i < len(frozen); i++ {
			if os.SameFile(info, frozen[i]) {
				return true
			}
		}
	}
	return false
}
