package simulator

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The form of "Virtual Disk Format 5.0", section "Stream-Optimized Compressed Sparse Extents".
type vmdkHeader struct {
	Magic, Version, Flags                                 uint32
	Capacity, GrainSize, DescriptorOffset, DescriptorSize uint64
	TableEntries                                          uint32
	SpareDirectory, Directory, OverHead                   uint64
	Unclean                                               uint8
	NewLines                                              [4]uint8
	Compression                                           uint16
}

const (
	vmdkMagic   = 0x564d444b // "KDMV"
	vmdkMarkers = 0x30000    // grains are compressed, and there are markers
	sector      = 512
)

// unpackStream writes the grains of a stream-optimized VMDK to a disk of that many bytes.
func unpackStream(in io.Reader, out *os.File, capacity int64) error {
	first := make([]byte, sector)
	if _, err := io.ReadFull(in, first); err != nil {
		return fmt.Errorf("no header: %w", err)
	}
	var h vmdkHeader
	if err := binary.Read(bytes.NewReader(first), binary.LittleEndian, &h); err != nil {
		return err
	}
	switch {
	case h.Magic != vmdkMagic:
		return errors.New("not a VMDK")
	case h.Version != 3: // hosts refuse version 1 (glennmatthews/cot#65)
		return fmt.Errorf("VMDK of version %d", h.Version)
	case h.Flags&vmdkMarkers != vmdkMarkers || h.Compression != 1:
		return errors.New("not stream-optimized")
	case int64(h.Capacity)*sector != capacity:
		return fmt.Errorf("VMDK of %d bytes for a disk of %d", int64(h.Capacity)*sector, capacity)
	case h.GrainSize == 0 || h.GrainSize > 2048 || h.OverHead == 0:
		return errors.New("senseless header")
	}
	if _, err := io.CopyN(io.Discard, in, int64(h.OverHead-1)*sector); err != nil {
		return fmt.Errorf("cut off in its head: %w", err)
	}
	for {
		more, err := unpackMarker(in, out, capacity, int64(h.GrainSize)*sector)
		if err != nil || !more {
			return err
		}
	}
}

// unpackMarker takes one grain. The last marker is that of the end; the zeros with which qemu-img ends a stream are one.
func unpackMarker(in io.Reader, out *os.File, capacity, grain int64) (bool, error) {
	head := make([]byte, sector)
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return false, fmt.Errorf("cut off: %w", err)
		}
		at, size := binary.LittleEndian.Uint64(head), binary.LittleEndian.Uint32(head[8:])
		if size > 0 {
			return true, unpackGrain(in, out, head, int64(at)*sector, int64(size), capacity, grain)
		}
		if kind := binary.LittleEndian.Uint32(head[12:]); kind == 0 {
			return false, nil
		}
		if _, err := io.CopyN(io.Discard, in, int64(at)*sector); err != nil { // tables and the footer
			return false, fmt.Errorf("cut off in a table: %w", err)
		}
	}
}

func unpackGrain(in io.Reader, out *os.File, head []byte, at, size, capacity, grain int64) error {
	if at < 0 || at >= capacity || at%grain != 0 || size > 2*grain+sector {
		return fmt.Errorf("grain of %d bytes at %d is outside the disk of %d bytes", size, at, capacity)
	}
	packed := append([]byte{}, head[12:]...)
	if rest := 12 + size - sector; rest > 0 {
		more := make([]byte, (rest+sector-1)/sector*sector)
		if _, err := io.ReadFull(in, more); err != nil {
			return fmt.Errorf("cut off in a grain: %w", err)
		}
		packed = append(packed, more...)
	}
	z, err := zlib.NewReader(bytes.NewReader(packed[:size]))
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(z, grain+1))
	if err != nil {
		return err
	}
	if int64(len(data)) > grain {
		return fmt.Errorf("grain at %d is too long", at)
	}
	if at+int64(len(data)) > capacity {
		data = data[:capacity-at]
	}
	_, err = out.WriteAt(data, at)
	return err
}
