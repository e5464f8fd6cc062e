package simulator

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// withoutLibraryWrites leaves out what the disk library wrote (fault "writes-untracked"). Of a disk that is written to while its machine
// is off, "the change tracking mechanism will misreport" (VMware, Virtual Disk Programming Guide, "Restore Incremental Backup Data").
func (m *machine) withoutLibraryWrites(d *simDisk, areas []extent) (kept []extent) {
	written := m.libraryWrites(d)
	for _, area := range areas {
		for at := area.start; at < area.end; at += Grain {
			end := at + Grain
			if end > area.end {
				end = area.end
			}
			if written[at/Grain] {
				continue
			}
			if l := len(kept); l > 0 && kept[l-1].end == at {
				kept[l-1].end = end
			} else {
				kept = append(kept, extent{at, end})
			}
		}
	}
	return kept
}

// libraryWrites answers the grains of a disk that the library ever wrote to; fake-vddk.c notes them.
func (m *machine) libraryWrites(d *simDisk) map[int64]bool {
	grains := map[int64]bool{}
	text, _ := os.ReadFile(path.Join(Root, "vddk", "writes"))
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Split(line, "\x1f")
		if len(fields) < 4 || fields[0] != m.vm.Self.Value || fields[1] != d.fileName(0) {
			continue
		}
		start, _ := strconv.ParseInt(fields[2], 10, 64)
		length, _ := strconv.ParseInt(fields[3], 10, 64)
		for at := start / Grain; at*Grain < start+length; at++ {
			grains[at] = true
		}
	}
	return grains
}
