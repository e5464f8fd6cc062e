package simulator

import (
	"fmt"
	"os"
	"path"
	"strings"
)

// A disk's files, as ESXi has them:
//
//	<datastore>/vm/vm-flat.vmdk          what the guest writes to; frozen from the first snapshot on
//	<private>/vm-57/<uuid>/live-2.raw    what the guest writes to while there are snapshots (instead of a delta)
//	<private>/vm-57/<uuid>/snapshot-70.raw   the disk as of that snapshot, kept for ever (a hard link where it can be)
//	<private>/vm-57/<uuid>/guest         a symbolic link to what the guest writes to now
type simDisk struct {
	key, controllerKey, unit int32
	uuid                     string
	sharing, keyID           string // of the backing; a key means that the file is encrypted
	base                     string // "[LocalDS_0] vm/vm", to which -000001 and .vmdk are added
	flat                     string // path of the -flat.vmdk
	private                  string
	live                     string // path of what the guest writes to now
	capacity                 int64  // bytes
	store                    *Datastore
	thick, eager             bool
	mode                     string // persistent, independent_persistent, independent_nonpersistent
	backing                  string // flat, sesparse, rdm-physical, rdm-virtual, parent
	share                    bool   // freeze without a copy: the guest promises not to write
	snapshots                []*diskSnapshot
	tracking                 tracker
	copies                   int
}

// diskSnapshot is a disk as of a snapshot.
type diskSnapshot struct {
	moref    string
	frozen   string
	changeID string
	capacity int64
	orphan   bool // its snapshot was removed but the disk was not consolidated
}

func (d *simDisk) inSnapshots() bool {
	return d.mode == "persistent" && d.backing != "rdm-physical"
}

func (d *simDisk) guest() string { return path.Join(d.private, "guest") }

// fileName answers the name of an element of the disk's chain.
func (d *simDisk) fileName(level int) string {
	if level == 0 {
		return d.base + ".vmdk"
	}
	return fmt.Sprintf("%s-%06d.vmdk", d.base, level)
}

// level answers where in the chain the disk is after that many snapshots; a linked clone starts at 1.
func (d *simDisk) level(snapshots int) int {
	if d.backing == "parent" {
		return snapshots + 1
	}
	return snapshots
}

func (d *simDisk) create() error {
	if err := os.MkdirAll(d.private, 0o755); err != nil {
		return err
	}
	if err := d.describe(); err != nil {
		return err
	}
	d.live = d.flat
	if d.backing == "parent" || d.backing == "sesparse" || strings.HasPrefix(d.backing, "rdm") {
		d.live = path.Join(d.private, "live-0.raw")
	}
	for _, name := range []string{d.flat, d.live} {
		if name == d.flat && (d.backing == "sesparse" || strings.HasPrefix(d.backing, "rdm")) {
			continue
		}
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		err = f.Truncate(d.capacity)
		f.Close()
		if err != nil {
			return err
		}
	}
	return relink(d.live, d.guest(), os.Symlink)
}

// ownsFlat tells whether the -flat.vmdk is an element of this disk's history.
func (d *simDisk) ownsFlat() bool { return d.backing == "flat" }

// freeze keeps the disk as it is now for a snapshot; from now on the guest writes elsewhere.
func (d *simDisk) freeze(moref string) (*diskSnapshot, error) {
	s := &diskSnapshot{moref: moref, frozen: path.Join(d.private, moref+".raw"), capacity: d.capacity}
	if err := os.Link(d.live, s.frozen); err != nil {
		return nil, err
	}
	if err := d.writeElsewhere(s.frozen); err != nil {
		return nil, err
	}
	d.snapshots = append(d.snapshots, s)
	return s, relink(path.Base(s.frozen), path.Join(d.private, "newest"), os.Symlink)
}

// writeElsewhere makes a copy of a frozen disk the one that the guest writes to.
func (d *simDisk) writeElsewhere(frozen string) error {
	d.copies++
	next := path.Join(d.private, fmt.Sprintf("live-%d.raw", d.copies))
	copyDisk := copySparse
	if d.share {
		copyDisk = func(dst, src string) error { return os.Link(src, dst) }
	}
	if err := copyDisk(next, frozen); err != nil {
		return err
	}
	return d.setLive(next)
}

func (d *simDisk) setLive(next string) error {
	before := d.live
	d.live = next
	if err := relink(next, d.guest(), os.Symlink); err != nil {
		return err
	}
	if before != d.flat && before != next {
		_ = os.Remove(before)
	}
	return nil
}

// drop consolidates: removes the snapshots that are not wanted. Who has a file open goes on reading what it was.
func (d *simDisk) drop(unwanted func(*diskSnapshot) bool) error {
	var kept []*diskSnapshot
	for _, s := range d.snapshots {
		if !unwanted(s) {
			kept = append(kept, s)
		}
	}
	if len(kept) == len(d.snapshots) {
		return nil
	}
	d.snapshots = kept
	if !d.ownsFlat() {
		return nil
	}
	if len(kept) > 0 {
		return relink(kept[0].frozen, d.flat, os.Link)
	}
	if err := os.Rename(d.live, d.flat); err != nil {
		return err
	}
	d.live = d.flat
	return relink(d.flat, d.guest(), os.Symlink)
}

// revert makes the disk what it was at a snapshot.
func (d *simDisk) revert(moref string) error {
	for _, s := range d.snapshots {
		if s.moref == moref {
			d.capacity = s.capacity
			return d.writeElsewhere(s.frozen)
		}
	}
	return nil
}

func (d *simDisk) resize(capacity int64) error {
	d.capacity = capacity
	return os.Truncate(d.live, capacity)
}

func (d *simDisk) write(offset int64, data []byte) error {
	f, err := os.OpenFile(d.live, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if offset < 0 || offset+int64(len(data)) > d.capacity {
		return fmt.Errorf("write of %d bytes at %d is outside the disk of %d bytes", len(data), offset, d.capacity)
	}
	_, err = f.WriteAt(data, offset)
	return err
}
