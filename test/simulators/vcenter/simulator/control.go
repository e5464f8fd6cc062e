package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"

	"github.com/vmware/govmomi/vim25/types"
)

// Control is the handler of the control endpoint; see README.md for each of its paths.
func Control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request) (interface{}, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			answer, err := f(r)
			w.Header().Set("Content-Type", "application/json")
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				answer = map[string]string{"error": err.Error()}
			}
			if answer == nil {
				answer = map[string]bool{"ok": true}
			}
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	handle("/vm/add", func(r *http.Request) (interface{}, error) {
		var spec machineSpec
		if err := json.NewDecoder(r.Body).Decode(&spec); err != nil {
			return nil, err
		}
		m, err := addMachine(spec)
		if err != nil {
			return nil, err
		}
		return m.describeJSON(), nil
	})
	handle("/vm/find", func(r *http.Request) (interface{}, error) { return findMachine(r.FormValue("name")) })
	handle("/datastore/add", func(r *http.Request) (interface{}, error) {
		ds, err := addDatastore(r.FormValue("name"))
		if err != nil {
			return nil, err
		}
		setDatastore(ds, r)
		return describeDatastore(ds), nil
	})
	handle("/datastore/set", func(r *http.Request) (interface{}, error) {
		ds := datastoreNamed(r.FormValue("name"))
		if ds == nil {
			return nil, fmt.Errorf("no datastore %q", r.FormValue("name"))
		}
		setDatastore(ds, r)
		return describeDatastore(ds), nil
	})
	handle("/vm/many", func(r *http.Request) (interface{}, error) { return nil, AddMany(intOf(r, "vms")) })
	handle("/vm", onMachine(func(m *machine, _ *http.Request) (interface{}, error) { return nil, nil }))
	handle("/vm/power", onMachine(func(m *machine, r *http.Request) (interface{}, error) { return nil, m.power(r.FormValue("state")) }))
	handle("/vm/reset", onMachine(func(m *machine, _ *http.Request) (interface{}, error) {
		m.resetTracking()
		m.publish()
		return nil, nil
	}))
	handle("/vm/set", onMachine(func(m *machine, r *http.Request) (interface{}, error) { return nil, m.set(r) }))
	handle("/vm/snapshot", onMachine(func(m *machine, r *http.Request) (interface{}, error) {
		m.recordTask("VirtualMachine.createSnapshot")
		result, fault := m.snapshot(r.FormValue("name"), r.FormValue("description"), false)
		if fault != nil {
			return nil, fmt.Errorf("%s", faultText(fault))
		}
		return map[string]string{"moref": result.(types.ManagedObjectReference).Value}, nil
	}))
	handle("/vm/snapshot/remove", onMachine(func(m *machine, r *http.Request) (interface{}, error) {
		if fault := m.remove([]types.ManagedObjectReference{{Type: "VirtualMachineSnapshot", Value: r.FormValue("snapshot")}}); fault != nil {
			return nil, fmt.Errorf("%s", faultText(fault))
		}
		return nil, nil
	}))
	handle("/vm/revert", onMachine(func(m *machine, r *http.Request) (interface{}, error) {
		m.recordTask("vm.Snapshot.revert")
		if fault := m.revert(types.ManagedObjectReference{Type: "VirtualMachineSnapshot", Value: r.FormValue("snapshot")}); fault != nil {
			return nil, fmt.Errorf("%s", faultText(fault))
		}
		return nil, nil
	}))
	handle("/events/forget", func(*http.Request) (interface{}, error) { forgetEvents(); return nil, nil })
	handle("/vm/consolidating", onMachine(func(m *machine, r *http.Request) (interface{}, error) {
		return nil, m.consolidating(r.FormValue("state") != "off")
	}))
	handle("/disk/add", onMachine(func(m *machine, r *http.Request) (interface{}, error) {
		var spec diskSpec
		if err := json.NewDecoder(r.Body).Decode(&spec); err != nil {
			return nil, err
		}
		d, err := m.addDisk(spec, m.directory())
		if err == nil && isTrue(m.vm.Config.ChangeTrackingEnabled) && d.inSnapshots() && m.layers() == 0 {
			d.tracking.start()
		}
		m.publish()
		return nil, err
	}))
	handle("/disk/remove", onDisk(func(m *machine, i int, _ *http.Request) error {
		m.disks = append(append([]*simDisk{}, m.disks[:i]...), m.disks[i+1:]...)
		return nil
	}))
	handle("/disk/resize", onDisk(func(m *machine, i int, r *http.Request) error {
		if m.layers() > 0 {
			return fmt.Errorf("a disk with snapshots cannot be resized")
		}
		return m.disks[i].resize(int64(intOf(r, "capacity")))
	}))
	handle("/disk/swap", onDisk(func(m *machine, i int, r *http.Request) error { return m.swap(i, intOf(r, "with")) }))
	handle("/disk/write", onDisk(func(m *machine, i int, r *http.Request) error {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		offset, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
		if err != nil {
			return err
		}
		return m.disks[i].write(offset, data)
	}))
	handle("/fault", func(r *http.Request) (interface{}, error) {
		f := &mishap{Count: -1, Options: map[string]string{}}
		for name, values := range r.URL.Query() {
			switch name {
			case "name":
				f.Name = values[0]
			case "count":
				f.Count = intOf(r, "count")
			default:
				f.Options[name] = values[0]
			}
		}
		if !knownFaults[f.Name] {
			return nil, fmt.Errorf("no fault %q", f.Name)
		}
		switchFault(f)
		return nil, nil
	})
	handle("/fault/clear", func(r *http.Request) (interface{}, error) {
		clearFaults(r.FormValue("name"))
		release()
		return nil, nil
	})
	handle("/fault/list", func(*http.Request) (interface{}, error) {
		faultsMu.Lock()
		defer faultsMu.Unlock()
		return append([]*mishap{}, faults...), nil
	})
	handle("/expire", func(*http.Request) (interface{}, error) { expireSessions(); return nil, nil })
	handle("/sessions", func(*http.Request) (interface{}, error) { return map[string]int{"sessions": countSessions()}, nil })
	handle("/calls", func(*http.Request) (interface{}, error) {
		callsMu.Lock()
		defer callsMu.Unlock()
		return append([]*call{}, calls...), nil
	})
	handle("/calls/clear", func(*http.Request) (interface{}, error) {
		callsMu.Lock()
		defer callsMu.Unlock()
		calls = nil
		return nil, nil
	})
	handle("/vddk", func(r *http.Request) (interface{}, error) {
		text, err := io.ReadAll(r.Body)
		setLibrary(string(text))
		return nil, err
	})
	return mux
}

var knownFaults = map[string]bool{}

func init() {
	for _, name := range []string{
		"answer-lost", "away", "cbt-at-first-snapshot", "clock", "consolidate", "consolidation-needed", "create-snapshot", "create-vm", "deaf-guest", "drop", "file-fault",
		"folder-cut", "folder-status", "garble", "guest-ends", "hang", "hardware", "hide-independent", "lease-lost", "lease-timeout", "login", "many-areas", "max-objects", "method", "nfc-cut", "nfc-short", "nfc-status", "no-permission", "no-traces", "open-disks-lock",
		"page-beyond-end", "page-duplicate", "page-falling", "page-length", "page-no-progress", "page-outside", "page-overlap", "page-too-long", "page-wrong-start",
		"power-on", "privileges", "question", "quiesce", "reconfigure", "refuse-cbt-with-snapshots", "relocate", "remove-snapshot", "revert-keeps-tracking",
		"empty-notes-stay", "session-expiry", "slow", "slow-task", "star", "tools-come", "writes-untracked",
	} {
		knownFaults[name] = true
	}
}

func intOf(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

// onMachine runs f with the machine of ?vm= locked, and answers what it looks like afterwards unless f answers itself.
func onMachine(f func(*machine, *http.Request) (interface{}, error)) func(*http.Request) (interface{}, error) {
	return func(r *http.Request) (interface{}, error) {
		m := machineOf(types.ManagedObjectReference{Type: "VirtualMachine", Value: r.URL.Query().Get("vm")})
		if m == nil {
			return nil, fmt.Errorf("no machine %q", r.URL.Query().Get("vm"))
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		answer, err := f(m, r)
		if err == nil && answer == nil {
			answer = m.describeJSON()
		}
		return answer, err
	}
}

func onDisk(f func(*machine, int, *http.Request) error) func(*http.Request) (interface{}, error) {
	return onMachine(func(m *machine, r *http.Request) (interface{}, error) {
		i := intOf(r, "disk")
		if i < 0 || i >= len(m.disks) {
			return nil, fmt.Errorf("no disk %d", i)
		}
		if err := f(m, i, r); err != nil {
			return nil, err
		}
		if path.Base(r.URL.Path) != "write" {
			m.publish()
		}
		return nil, nil
	})
}
