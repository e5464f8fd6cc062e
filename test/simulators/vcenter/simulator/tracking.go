package simulator

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// tracker is the change tracking of one disk.
type tracker struct {
	active bool
	epoch  string            // "52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63"
	seq    int               // of the last landmark
	saved  map[string]string // change id -> the disk at that moment
}

func newEpoch() string {
	u := uuid.New()
	h := make([]string, 16)
	for i, b := range u {
		h[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(h[:8], " ") + "-" + strings.Join(h[8:], " ")
}

func (t *tracker) start() { *t = tracker{active: true, epoch: newEpoch(), saved: map[string]string{}} }

func (t *tracker) stop() { *t = tracker{} }

// landmark makes the change id of this moment.
func (t *tracker) landmark(frozen string) string {
	t.seq++
	id := fmt.Sprintf("%s/%d", t.epoch, t.seq)
	t.saved[id] = frozen
	return id
}

// current is what the machine's own configuration shows: not the id of any snapshot.
func (t *tracker) current() string {
	if !t.active {
		return ""
	}
	return fmt.Sprintf("%s/%d", t.epoch, t.seq+1)
}
