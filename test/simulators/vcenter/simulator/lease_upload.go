package simulator

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"

	"github.com/vmware/govmomi/vim25/types"
)

// serveNFC takes the disks of an import: stream-optimized VMDKs. The URL holds the right to do so, no session is asked for.
func (s *Service) serveNFC(w http.ResponseWriter, r *http.Request) {
	if trouble(w, r, "nfc") {
		return
	}
	l := leaseOf(path.Base(path.Dir(r.URL.Path)))
	if l == nil || l.state() != types.HttpNfcLeaseStateReady {
		http.Error(w, "no such lease", http.StatusNotFound)
		return
	}
	d := l.disks[path.Base(r.URL.Path)]
	if d == nil {
		http.Error(w, "no such device", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if f := takeFault("nfc-status", nil); f != nil {
		http.Error(w, "switched on by the control endpoint", int(f.number("status", 500)))
		return
	}
	err := l.fill(d, r.Body)
	switch {
	case errors.Is(err, errCut):
		dropConnection(w)
	case err != nil:
		_, _ = io.Copy(io.Discard, r.Body) // else the connection ends before the answer is read
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

var errCut = errors.New("cut")

// fill writes an upload into a disk's flat file.
func (l *importLease) fill(d *simDisk, body io.Reader) error {
	out, err := os.OpenFile(d.flat, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer out.Close()
	// All that was there before is of an earlier try.
	if err := out.Truncate(0); err != nil {
		return err
	}
	if err := out.Truncate(d.capacity); err != nil {
		return err
	}
	in := &upload{lease: l, disk: d, body: body, cut: -1, lose: -1}
	if f := takeFault("nfc-cut", nil); f != nil {
		in.cut = f.number("bytes", 1000)
	}
	if f := takeFault("lease-lost", nil); f != nil {
		in.lose = f.number("bytes", 1000)
	}
	if err := unpackStream(in, out, d.capacity); err != nil {
		return fmt.Errorf("disk %s: %w", d.base, err)
	}
	if f := takeFault("nfc-short", nil); f != nil { // it says 200, and the end of the disk is not there
		at := d.capacity - f.number("bytes", 1<<20)
		if at < 0 {
			at = 0
		}
		if err := out.Truncate(at); err != nil {
			return err
		}
		if err := out.Truncate(d.capacity); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// upload is the body of a request, as far as it comes.
type upload struct {
	lease     *importLease
	disk      *simDisk
	body      io.Reader
	seen      int64
	cut, lose int64 // after so many bytes; -1 is never
}

func (u *upload) Read(data []byte) (int, error) {
	if u.cut >= 0 && u.seen >= u.cut {
		return 0, errCut
	}
	if u.lose >= 0 && u.seen >= u.lose {
		u.lease.fail(&types.HostCommunication{})
	}
	if u.lease.state() != types.HttpNfcLeaseStateReady {
		return 0, errCut
	}
	n, err := u.body.Read(data)
	u.seen += int64(n)
	if !u.disk.thick && n > 0 && !u.disk.store.spend(int64(n)) {
		return 0, fmt.Errorf("Insufficient disk space on datastore '%s'.", u.disk.store.Name) // a server's words
	}
	return n, err
}
