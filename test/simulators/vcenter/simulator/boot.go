package simulator

import (
	"context"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// asks lets a task wait that powers a machine on, as long as the machine asks something ("question"). It is on meanwhile; a task that is
// cancelled leaves it off.
func (m *machine) asks() func(context.Context) {
	f := takeFault("question", func(f *mishap) bool { return f.option("ms") == "" && f.matches("vm", m.vm.Self.Value) })
	if f == nil {
		return func(context.Context) {}
	}
	return func(ctx context.Context) {
		m.mu.Lock()
		_ = m.power("on")
		m.question(f.optionOr("text", "Did you move it, or did you copy it?"))
		m.mu.Unlock()
		<-ctx.Done()
		m.mu.Lock()
		defer m.mu.Unlock()
		_ = m.stop()
	}
}

// boot is what the guest of a machine does that was started: nothing, or what "tools-come", "question" and "guest-ends" say. Needs m.mu.
func (m *machine) boot() {
	boots := m.boots
	m.toolsRun(false, "")
	later := func(name string, do func(*mishap)) {
		f := takeFault(name, func(f *mishap) bool { return f.matches("vm", m.vm.Self.Value) })
		if f == nil {
			return
		}
		go func() {
			time.Sleep(f.ms("ms", 0))
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.isOn() && m.boots == boots {
				do(f)
			}
		}()
	}
	later("tools-come", func(f *mishap) { m.toolsRun(true, f.optionOr("address", "192.0.2.7")) })
	later("question", func(f *mishap) { m.question(f.optionOr("text", "The disk is full. Retry?")) })
	later("guest-ends", func(*mishap) { _ = m.stop() })
}

// toolsRun says whether VMware Tools run. Those of a machine that never had any stay "not installed".
func (m *machine) toolsRun(running bool, address string) {
	state, status := "guestToolsRunning", types.VirtualMachineToolsStatusToolsOk
	if !running {
		if m.vm.Guest.ToolsRunningStatus != state {
			return
		}
		state, status = "guestToolsNotRunning", types.VirtualMachineToolsStatusToolsNotRunning
	}
	Map.WithLock(m.vm, func() {
		Map.Update(m.vm, []types.PropertyChange{
			{Name: "guest.toolsRunningStatus", Val: state}, {Name: "guest.toolsStatus", Val: status}, {Name: "guest.ipAddress", Val: address},
		})
	})
}

// question is what the machine asks; none: it asks nothing.
func (m *machine) question(text string) {
	Map.WithLock(m.vm, func() {
		m.vm.Runtime.Question = nil
		if text != "" {
			m.vm.Runtime.Question = &types.VirtualMachineQuestionInfo{
				Id: "1", Text: text,
				Choice: types.ChoiceOption{ChoiceInfo: []types.BaseElementDescription{
					&types.ElementDescription{Description: types.Description{Label: "Cancel", Summary: "Cancel"}, Key: "0"},
				}},
			}
		}
	})
}
