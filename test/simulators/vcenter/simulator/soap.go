package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

// ours are the methods that vcsim lacks or gets wrong; nil means: let vcsim answer.
var ours = map[string]func(*Context, *Method) soap.HasFault{
	"CancelTask":                   cancelTask,
	"CancelRetrievePropertiesEx":   cancelRetrieve,
	"CancelWaitForUpdates":         cancelWait,
	"ConsolidateVMDisks_Task":      consolidateDisks,
	"ContinueRetrievePropertiesEx": continueRetrieve,
	"CreateImportSpec":             createImportSpec,
	"CreateSnapshot_Task":          createSnapshot,
	"CreateVM_Task":                createMachine,
	"CurrentTime":                  currentTime,
	"Destroy_Task":                 destroyVM,
	"FetchUserPrivilegeOnEntities": fetchPrivileges,
	"HasPrivilegeOnEntities":       hasPrivileges,
	"HasPrivilegeOnEntity":         hasPrivilege,
	"HasUserPrivilegeOnEntities":   hasUserPrivileges,
	"HttpNfcLeaseAbort":            leaseAbort,
	"HttpNfcLeaseComplete":         leaseComplete,
	"HttpNfcLeaseProgress":         leaseProgress,
	"ImportVApp":                   importVApp,
	"Login":                        login,
	"PowerOffVM_Task":              powerOff,
	"PowerOnVM_Task":               powerOn,
	"QueryChangedDiskAreas":        queryChangedDiskAreas,
	"QueryConfigOptionDescriptor":  describeOptions,
	"QueryEvents":                  queryEvents,
	"ReconfigVM_Task":              reconfigure,
	"RelocateVM_Task":              relocateVM,
	"RemoveAllSnapshots_Task":      removeAllSnapshots,
	"RemoveSnapshot_Task":          removeSnapshot,
	"RetrievePropertiesEx":         retrieveProperties,
	"RevertToCurrentSnapshot_Task": revertToCurrentSnapshot,
	"RevertToSnapshot_Task":        revertToSnapshot,
	"ShutdownGuest":                shutdownGuest,
	"UnregisterVM":                 unregisterVM,
	"WaitForUpdatesEx":             waitForUpdates,
}

// call is one SOAP call, as the control endpoint lists them.
type call struct {
	Method string `json:"method"`
	Object string `json:"object"`
	AtMs   int64  `json:"at_ms"`
	Fault  string `json:"fault,omitempty"`
}

var (
	callsMu sync.Mutex
	calls   []*call
)

func note(method *Method) *call {
	c := &call{Method: method.Name, Object: method.This.Value, AtMs: time.Now().UnixMilli()}
	callsMu.Lock()
	defer callsMu.Unlock()
	calls = append(calls, c)
	if len(calls) > 20000 {
		calls = calls[10000:]
	}
	return c
}

func (s *Service) serveSOAP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	method, err := UnmarshalBody(Map.typeFunc, withEmptyNotes(text))
	if err != nil {
		writeSOAP(w, serverFault(err.Error()))
		return
	}
	noted := note(method)
	if trouble(w, r, method.Name) {
		return
	}
	ctx := &Context{req: r, res: w, svc: s, Map: Map, Context: r.Context(), Header: method.Header}
	ctx.Map.WithLock(s.sm, ctx.mapSession)
	if method.Name == "Fetch" { // pyvmomi's way to read a property
		method.This = Map.content().PropertyCollector
	}
	res := s.answer(ctx, method)
	if f := res.Fault(); f != nil {
		noted.Fault = strings.TrimPrefix(fmt.Sprintf("%T", f.Detail.Fault), "*types.")
	}
	if takeFault("answer-lost", func(f *mishap) bool { return f.matches("method", method.Name) }) != nil {
		noted.Fault = "lost"
		dropConnection(w)
		return
	}
	if f := takeFault("garble", func(f *mishap) bool { return f.matches("method", method.Name) }); f != nil {
		noted.Fault = "garbled"
		garble(w, res, f.optionOr("kind", "truncated"))
		return
	}
	writeSOAP(w, res)
}

// garble answers with status 200 what no vCenter says: half of the answer, or a page of a proxy in its place.
func garble(w http.ResponseWriter, res soap.HasFault, kind string) {
	text := "<html><head><title>Sign in</title></head><body><p>Your session at the proxy has ended.<br></body></html>"
	if kind == "truncated" {
		whole := httptest.NewRecorder()
		writeSOAP(whole, res)
		text = whole.Body.String()[:whole.Body.Len()/2]
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, text)
}

func (s *Service) answer(ctx *Context, method *Method) soap.HasFault {
	if f := takeFault("session-expiry", func(f *mishap) bool { return f.matches("method", method.Name) }); f != nil {
		endSessions(f)
		ctx.Session = nil
	}
	if ctx.Session == nil && !anonymous(ctx, method) {
		return &serverFaultBody{Reason: Fault("The session is not authenticated.", &types.NotAuthenticated{
			NoPermission: types.NoPermission{Object: method.This, PrivilegeId: "System.View"},
		})}
	}
	named := func(f *mishap) bool {
		return f.matches("method", method.Name) && f.matches("object", method.This.Value)
	}
	if f := takeFault("no-permission", func(f *mishap) bool { return f.option("method") != "" && named(f) }); f != nil {
		return &serverFaultBody{Reason: Fault("Permission to perform this operation was denied.", &types.NoPermission{
			Object: method.This, PrivilegeId: f.optionOr("privilege", "VirtualMachine.State.CreateSnapshot"),
		})}
	}
	if f := takeFault("method", func(f *mishap) bool { return f.option("method") != "" && named(f) }); f != nil {
		built := f.build("SystemError")
		return &serverFaultBody{Reason: Fault(faultText(built), built)}
	}
	if handler := ours[method.Name]; handler != nil {
		if res := handler(ctx, method); res != nil {
			return res
		}
	}
	return s.call(ctx, method)
}

// anonymous tells whether a call needs no session. Unlike vcsim, property reads do.
func anonymous(ctx *Context, method *Method) bool {
	switch method.Name {
	case "RetrieveServiceContent", "Login", "LoginByToken", "LoginExtensionByCertificate", "CloneSession", "CurrentTime":
		return true
	case "Fetch":
		b, err := json.Marshal(method.Body)
		return err == nil && bytes.Contains(b, []byte(`"`+vim25.ServiceInstance.Value+`"`))
	}
	return false
}

func currentTime(_ *Context, _ *Method) soap.HasFault {
	return &methods.CurrentTimeBody{Res: &types.CurrentTimeResponse{Returnval: serverTime()}}
}

// writeSOAP encodes an answer as vcsim does.
func writeSOAP(w http.ResponseWriter, res soap.HasFault) {
	status := http.StatusOK
	var body interface{} = &response{Map.Namespace, res}
	if f := res.Fault(); f != nil {
		status = http.StatusInternalServerError
		fault := &soapFault{Code: f.Code, String: f.String}
		fault.Detail.Fault = &faultDetail{f.Detail.Fault}
		body = struct{ Fault *soapFault }{fault}
	}
	var out bytes.Buffer
	fmt.Fprint(&out, xml.Header)
	err := xml.NewEncoder(&out).Encode(&soapEnvelope{
		Enc:  "http://schemas.xmlsoap.org/soap/encoding/",
		Env:  "http://schemas.xmlsoap.org/soap/envelope/",
		XSD:  "http://www.w3.org/2001/XMLSchema",
		XSI:  "http://www.w3.org/2001/XMLSchema-instance",
		Body: body,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(out.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}
