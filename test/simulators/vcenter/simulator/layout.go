package simulator

import (
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// layout says what the machine's files take on the datastore: of a thin disk what was ever written.
func (m *machine) layout() *types.VirtualMachineFileLayoutEx {
	layout := &types.VirtualMachineFileLayoutEx{Timestamp: time.Now()}
	key := int32(0)
	for _, f := range m.vm.LayoutEx.File {
		if !strings.HasPrefix(f.Type, "disk") {
			layout.File = append(layout.File, f)
		}
		if f.Key >= key {
			key = f.Key + 1
		}
	}
	add := func(name, kind string, size int64) int32 {
		layout.File = append(layout.File, types.VirtualMachineFileLayoutExFileInfo{
			Key: key, Name: name, Type: kind, Size: size, UniqueSize: size, Accessible: types.NewBool(true),
		})
		key++
		return key - 1
	}
	for _, d := range m.disks {
		disk := types.VirtualMachineFileLayoutExDiskLayout{Key: d.key}
		for level, files := range [][]string{{d.flat}, {d.live}} {
			if level > 0 && d.live == d.flat {
				break
			}
			name := d.fileName(level)
			disk.Chain = append(disk.Chain, types.VirtualMachineFileLayoutExDiskUnit{FileKey: []int32{
				add(name, "diskDescriptor", 512),
				add(strings.TrimSuffix(name, ".vmdk")+"-flat.vmdk", "diskExtent", allocated(files[0])),
			}})
		}
		layout.Disk = append(layout.Disk, disk)
	}
	return layout
}

func allocated(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}
