package simulator

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// mishap is something that the control endpoint switched on: for count times, or until it is switched off.
type mishap struct {
	Name    string            `json:"name"`
	Count   int               `json:"count"` // times left; -1 is for ever
	Options map[string]string `json:"options"`
}

var (
	faultsMu sync.Mutex
	faults   []*mishap
)

func (f *mishap) option(name string) string { return f.Options[name] }

func (f *mishap) optionOr(name, otherwise string) string {
	if v, ok := f.Options[name]; ok && v != "" {
		return v
	}
	return otherwise
}

func (f *mishap) ms(name string, otherwise int) time.Duration {
	n, err := strconv.Atoi(f.option(name))
	if err != nil {
		n = otherwise
	}
	return time.Duration(n) * time.Millisecond
}

func (f *mishap) number(name string, otherwise int64) int64 {
	n, err := strconv.ParseInt(f.option(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// matches tells whether an option is one of the words given in it (comma separated), or not given at all.
func (f *mishap) matches(name, value string) bool {
	wanted := f.option(name)
	if wanted == "" {
		return true
	}
	for _, w := range strings.Split(wanted, ",") {
		if w == value {
			return true
		}
	}
	return false
}

// takeFault answers a fault that is on, and counts it.
func takeFault(name string, match func(*mishap) bool) *mishap {
	faultsMu.Lock()
	defer faultsMu.Unlock()
	for _, f := range faults {
		if f.Name != name || f.Count == 0 || match != nil && !match(f) {
			continue
		}
		if after := f.number("after", 0); after > 0 {
			f.Options["after"] = strconv.FormatInt(after-1, 10)
			continue
		}
		if f.Count > 0 {
			f.Count--
		}
		return f
	}
	return nil
}

func hasFault(name string) bool { return peekFault(name) != nil }

func peekFault(name string) *mishap {
	faultsMu.Lock()
	defer faultsMu.Unlock()
	for _, f := range faults {
		if f.Name == name && f.Count != 0 {
			return f
		}
	}
	return nil
}

// anyFault tells whether one that matches is on; it does not count.
func anyFault(name string, match func(*mishap) bool) bool {
	faultsMu.Lock()
	defer faultsMu.Unlock()
	for _, f := range faults {
		if f.Name == name && f.Count != 0 && match(f) {
			return true
		}
	}
	return false
}

func switchFault(f *mishap) {
	faultsMu.Lock()
	defer faultsMu.Unlock()
	faults = append(faults, f)
}

func clearFaults(name string) {
	faultsMu.Lock()
	defer faultsMu.Unlock()
	var kept []*mishap
	for _, f := range faults {
		if name != "" && f.Name != name {
			kept = append(kept, f)
		}
	}
	faults = kept
}

// build makes the vSphere fault that the options name: fault, property, file, key (of its message), message.
func (f *mishap) build(otherwise string) types.BaseMethodFault {
	name := f.optionOr("fault", otherwise)
	kind, ok := types.TypeFunc()(name)
	if !ok {
		name, kind = "SystemError", reflect.TypeOf(types.SystemError{})
	}
	value, ok := reflect.New(kind).Interface().(types.BaseMethodFault)
	if !ok {
		return &types.SystemError{Reason: name + " is not a fault"}
	}
	for field, option := range map[string]string{"InvalidProperty": "property", "File": "file", "PrivilegeId": "privilege"} {
		if v := reflect.ValueOf(value).Elem().FieldByName(field); v.IsValid() && v.Kind() == reflect.String {
			v.SetString(f.option(option))
		}
	}
	if key := f.option("key"); key != "" {
		return withMessages(value, key, f.optionOr("message", key))
	}
	return value
}

// withMessages adds the localized message that a server sends along.
func withMessages(f types.BaseMethodFault, key, message string) types.BaseMethodFault {
	base := f.GetMethodFault()
	base.FaultMessage = append(base.FaultMessage, types.LocalizableMessage{Key: key, Message: message})
	return f
}

func faultText(f types.BaseMethodFault) string {
	if messages := f.GetMethodFault().FaultMessage; len(messages) > 0 && messages[0].Message != "" {
		return messages[0].Message
	}
	return strings.TrimPrefix(reflect.TypeOf(f).String(), "*types.")
}
