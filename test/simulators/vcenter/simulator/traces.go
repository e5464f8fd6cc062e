package simulator

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

var versions int64

// nextVersion is what each change of a configuration gets (VirtualMachineConfigInfo.changeVersion).
func nextVersion() types.PropertyChange {
	return types.PropertyChange{Name: "config.changeVersion", Val: fmt.Sprintf("%s-%d", time.Now().UTC().Format(time.RFC3339), atomic.AddInt64(&versions, 1))}
}

// leaveTraces is what the start of a machine leaves behind: events, values of its configuration, and a log. The fault "no-traces"
// suppresses those that its option "of" names.
func (m *machine) leaveTraces() {
	leaves := func(what string) bool {
		return !anyFault("no-traces", func(f *mishap) bool { return f.matches("of", what) })
	}
	if leaves("events") {
		event := m.vm.event()
		record(&types.VmStartingEvent{VmEvent: event})
		record(&types.VmPoweredOnEvent{VmEvent: event})
	}
	changes := []types.PropertyChange{}
	if leaves("config") {
		options := append([]types.BaseOptionValue{}, m.vm.Config.ExtraConfig...)
		for _, key := range []string{"cleanShutdown", "sched.swap.derivedName"} {
			options = append(options, &types.OptionValue{Key: key, Value: "FALSE"})
		}
		changes = append(changes, nextVersion(), types.PropertyChange{Name: "config.extraConfig", Val: merged(options)})
	}
	if leaves("log") {
		layout := m.layout()
		layout.File = append(layout.File, types.VirtualMachineFileLayoutExFileInfo{
			Key: int32(len(layout.File)) + 1000, Name: fmt.Sprintf("%s-%d.log", m.directory(), atomic.AddInt64(&versions, 1)), Type: "log",
		})
		changes = append(changes, types.PropertyChange{Name: "layoutEx", Val: layout})
	}
	Map.WithLock(m.vm, func() { Map.Update(m.vm, changes) })
}
