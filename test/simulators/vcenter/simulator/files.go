package simulator

import (
	"bytes"
	"io"
	"os"
	"syscall"
)

// lseek(2) on Linux.
const (
	seekData = 3
	seekHole = 4
	ficlone  = 0x40049409
)

// extent is a range of bytes.
type extent struct{ start, end int64 }

// copySparse copies a disk: by reference where the file system can, else only what is not a hole.
func copySparse(dst, src string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, out.Fd(), ficlone, in.Fd()); e == 0 {
		return nil
	}
	size, data, err := dataExtents(in)
	if err != nil {
		return err
	}
	if err := out.Truncate(size); err != nil {
		return err
	}
	for _, d := range data {
		if _, err := in.Seek(d.start, io.SeekStart); err != nil {
			return err
		}
		if _, err := out.Seek(d.start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(out, in, d.end-d.start); err != nil {
			return err
		}
	}
	return nil
}

// dataExtents answers a file's size and what in it is not a hole.
func dataExtents(f *os.File) (int64, []extent, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, nil, err
	}
	size := info.Size()
	var data []extent
	for at := int64(0); at < size; {
		start, err := f.Seek(at, seekData)
		if err != nil { // ENXIO: only a hole is left
			break
		}
		end, err := f.Seek(start, seekHole)
		if err != nil {
			end = size
		}
		data = append(data, extent{start, end})
		at = end
	}
	return size, data, nil
}

// differences answers the blocks in which two disks differ; without an old one, those that hold anything but zeros.
// Neighbours are joined.
func differences(oldName, curName string, block int64) ([]extent, error) {
	cur, err := os.Open(curName)
	if err != nil {
		return nil, err
	}
	defer cur.Close()
	size, data, err := dataExtents(cur)
	if err != nil {
		return nil, err
	}
	var old *os.File
	if oldName != "" {
		if old, err = os.Open(oldName); err != nil {
			return nil, err
		}
		defer old.Close()
		_, more, err := dataExtents(old)
		if err != nil {
			return nil, err
		}
		data = append(data, more...)
	}
	candidates := map[int64]bool{}
	for _, d := range data {
		for at := d.start / block; at*block < d.end && at*block < size; at++ {
			candidates[at] = true
		}
	}
	x, y := make([]byte, block), make([]byte, block)
	var areas []extent
	for at := int64(0); at*block < size; at++ {
		if !candidates[at] {
			continue
		}
		n := block
		if at*block+n > size {
			n = size - at*block
		}
		if _, err := cur.ReadAt(x[:n], at*block); err != nil && err != io.EOF {
			return nil, err
		}
		for i := range y {
			y[i] = 0
		}
		if old != nil {
			if _, err := old.ReadAt(y[:n], at*block); err != nil && err != io.EOF {
				return nil, err
			}
		}
		if bytes.Equal(x[:n], y[:n]) {
			continue
		}
		if l := len(areas); l > 0 && areas[l-1].end == at*block {
			areas[l-1].end += n
		} else {
			areas = append(areas, extent{at * block, at*block + n})
		}
	}
	return areas, nil
}

// relink makes name a link to target, in one step for who opens it by name.
func relink(target, name string, link func(string, string) error) error {
	next := name + ".next"
	_ = os.Remove(next)
	if err := link(target, next); err != nil {
		return err
	}
	return os.Rename(next, name)
}
