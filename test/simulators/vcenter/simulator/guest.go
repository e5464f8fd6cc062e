package simulator

import (
	"fmt"
	"net/http"
	"path"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// describeJSON is what the control endpoint answers about a machine. Needs m.mu, or nobody else knowing the machine.
func (m *machine) describeJSON() interface{} {
	disks := []interface{}{}
	for _, d := range m.disks {
		frozen := map[string]string{}
		for _, s := range d.snapshots {
			frozen[s.moref] = s.frozen
		}
		disks = append(disks, map[string]interface{}{
			"key": d.key, "uuid": d.uuid, "capacity": d.capacity, "guest_file": d.guest(), "flat_file": d.flat,
			"folder": d.private, "datastore": d.store.Name, "thin": !d.thick, "controller": d.controllerKey, "unit": d.unit, "frozen": frozen, "change_id": d.tracking.current(),
			"file_name": d.fileName(d.level(len(d.snapshots))),
		})
	}
	snapshots := []interface{}{}
	if m.vm.Snapshot != nil {
		var walk func([]types.VirtualMachineSnapshotTree)
		walk = func(tree []types.VirtualMachineSnapshotTree) {
			for _, t := range tree {
				snapshots = append(snapshots, map[string]interface{}{
					"name": t.Name, "description": t.Description, "moref": t.Snapshot.Value, "quiesced": t.Quiesced,
				})
				walk(t.ChildSnapshotList)
			}
		}
		walk(m.vm.Snapshot.RootSnapshotList)
	}
	return map[string]interface{}{
		"moref": m.vm.Self.Value, "name": m.vm.Name, "path": m.inventoryPath(), "instance_uuid": m.vm.Config.InstanceUuid,
		"bios_uuid": m.vm.Config.Uuid, "disks": disks, "snapshots": snapshots, "layers": m.layers(),
		"home": path.Join(m.home().folder(), m.directory()), "power": m.vm.Runtime.PowerState,
	}
}

// findMachine looks for one that a client made.
func findMachine(name string) (interface{}, error) {
	machinesMu.Lock()
	defer machinesMu.Unlock()
	var found *machine
	for _, m := range machines {
		if m.vm.Name == name && found != nil {
			return nil, fmt.Errorf("two machines %q", name)
		} else if m.vm.Name == name {
			found = m
		}
	}
	if found == nil {
		return map[string]interface{}{}, nil
	}
	return found.describeJSON(), nil
}

func (m *machine) inventoryPath() string {
	name := ""
	for ref := m.vm.Self; ; {
		e := Map.Get(ref).(mo.Entity)
		parent := e.Entity().Parent
		if parent == nil {
			return name
		}
		name = "/" + entityName(e) + name
		ref = *parent
	}
}

func (m *machine) directory() string {
	p, _ := parseDatastorePath(m.vm.Config.Files.VmPathName)
	return path.Dir(p.Path)
}

// power switches on or off; "loss" is a power failure, which costs the change tracking its history.
func (m *machine) power(state string) error {
	to := types.VirtualMachinePowerStatePoweredOff
	switch state {
	case "on":
		to = types.VirtualMachinePowerStatePoweredOn
		m.stun(m.layers() > 0)
	case "off":
	case "loss":
		m.resetTracking()
	default:
		return fmt.Errorf("state %q is none of on, off, loss", state)
	}
	wasOn := m.isOn()
	m.publish(
		types.PropertyChange{Name: "runtime.powerState", Val: to},
		types.PropertyChange{Name: "summary.runtime.powerState", Val: to})
	if !wasOn && state == "on" {
		m.leaveTraces()
	}
	return nil
}

// swap gives two disks each other's place: controller, unit and key.
func (m *machine) swap(i, j int) error {
	if j < 0 || j >= len(m.disks) || i == j {
		return fmt.Errorf("disk %d cannot be swapped with %d", i, j)
	}
	a, b := m.disks[i], m.disks[j]
	a.controllerKey, b.controllerKey = b.controllerKey, a.controllerKey
	a.unit, b.unit = b.unit, a.unit
	a.key, b.key = b.key, a.key
	m.disks[i], m.disks[j] = b, a
	return nil
}

// set changes single properties: name, annotation, tools (on, off), disk (index) with mode.
func (m *machine) set(r *http.Request) error {
	var all []types.PropertyChange
	q := r.URL.Query()
	if q.Has("name") {
		all = append(all, types.PropertyChange{Name: "name", Val: q.Get("name")},
			types.PropertyChange{Name: "config.name", Val: q.Get("name")})
	}
	if q.Has("annotation") {
		all = append(all, types.PropertyChange{Name: "config.annotation", Val: q.Get("annotation")})
	}
	if q.Has("tools") {
		state, status := "guestToolsRunning", types.VirtualMachineToolsStatusToolsOk
		if q.Get("tools") == "off" {
			state, status = "guestToolsNotRunning", types.VirtualMachineToolsStatusToolsNotRunning
		}
		all = append(all, types.PropertyChange{Name: "guest.toolsRunningStatus", Val: state},
			types.PropertyChange{Name: "guest.toolsStatus", Val: status})
	}
	if q.Has("mode") {
		m.disks[intOf(r, "disk")].mode = q.Get("mode")
	}
	m.publish(all...)
	return nil
}

// consolidating makes a task that merges disks appear, or end.
func (m *machine) consolidating(on bool) error {
	name := types.PropertyChange{Name: "runtime.consolidationNeeded", Val: on}
	if !on {
		if m.merging != nil {
			finishTask(m.merging, nil, nil, false)
		}
		m.merging = nil
		m.busy = false
		m.publish(name)
		return nil
	}
	if m.merging != nil {
		return fmt.Errorf("it is running already")
	}
	task := CreateTask(m.vm, "ConsolidateVMDisks_Task", nil)
	Map.WithLock(task, func() {
		task.Info.Name = "ConsolidateVMDisks_Task"
		task.Info.DescriptionId = "VirtualMachine.consolidateDisks"
		Map.Update(task, []types.PropertyChange{{Name: "info.state", Val: types.TaskInfoStateRunning}})
	})
	m.merging = task
	m.busy = true
	m.publish(name)
	noteRecent(m.vm, task.Self)
	return nil
}

// AddMany adds machines that hold nothing, to see how long a list takes.
func AddMany(count int) error {
	for i := 1; i <= count; i++ {
		_, err := addMachine(machineSpec{
			Name: fmt.Sprintf("dummy-%04d", i), Folder: "many", Cbt: true, hollow: true,
			Disks: []diskSpec{{Capacity: 16 << 30}, {Capacity: 1 << 40, Controller: "scsi1"}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
