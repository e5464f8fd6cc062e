package simulator

import (
	"fmt"
	"net/http"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func login(ctx *Context, method *Method) soap.HasFault {
	if f := takeFault("login", nil); f != nil {
		built := f.build("InvalidLogin")
		return &methods.LoginBody{Fault_: Fault("Cannot complete login due to an incorrect user name or password.", built)}
	}
	res := Map.SessionManager().Login(ctx, method.Body.(*types.Login))
	if f := res.Fault(); f != nil {
		f.String = "Cannot complete login due to an incorrect user name or password."
		return res
	}
	// As vCenter writes it: in quotes, and for TLS only.
	ctx.res.Header().Set("Set-Cookie",
		fmt.Sprintf(`%s="%s"; Path=/; HttpOnly; Secure;`, soap.SessionCookieName, ctx.Session.Key))
	return res
}

// expireSessions makes all sessions invalid, as half an hour of silence does.
func expireSessions() {
	sm := Map.SessionManager()
	sessionMutex.Lock()
	defer sessionMutex.Unlock()
	for id := range sm.sessions {
		delete(sm.sessions, id)
	}
}

// endSessions is what the fault "session-expiry" does; with afterwards=refuse nobody is let in any more.
func endSessions(f *mishap) {
	if f.option("afterwards") == "refuse" {
		switchFault(&mishap{Name: "login", Count: -1, Options: map[string]string{}})
	}
	expireSessions()
}

func countSessions() int {
	sessionMutex.Lock()
	defer sessionMutex.Unlock()
	return len(Map.SessionManager().sessions)
}

// mayRead tells whether a request for a file bears a session or the password.
func (s *Service) mayRead(r *http.Request) bool {
	if cookie, err := r.Cookie(soap.SessionCookieName); err == nil {
		if _, ok := Map.SessionManager().getSession(cookie.Value); ok {
			return true
		}
	}
	user, password, ok := r.BasicAuth()
	wanted, _ := s.Listen.User.Password()
	return ok && user == s.Listen.User.Username() && password == wanted
}

// granted tells whether the user has a privilege on an object: all but those of the fault "privileges", option "missing", there.
func granted(privilege string, on types.ManagedObjectReference) bool {
	return !anyFault("privileges", func(f *mishap) bool {
		return f.option("missing") != "" && f.matches("missing", privilege) && f.matches("object", on.Value)
	})
}

func fetchPrivileges(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.FetchUserPrivilegeOnEntities)
	res := &types.FetchUserPrivilegeOnEntitiesResponse{}
	am := Map.Get(*Map.content().AuthorizationManager).(*AuthorizationManager)
	for _, e := range req.Entities {
		result := types.UserPrivilegeResult{Entity: e}
		for _, role := range am.RoleList {
			if role.Name != "Admin" {
				continue
			}
			for _, p := range role.Privilege {
				if granted(p, e) {
					result.Privileges = append(result.Privileges, p)
				}
			}
		}
		res.Returnval = append(res.Returnval, result)
	}
	return &methods.FetchUserPrivilegeOnEntitiesBody{Res: res}
}

func entityPrivileges(entities []types.ManagedObjectReference, ids []string) (all []types.EntityPrivilege) {
	for _, e := range entities {
		one := types.EntityPrivilege{Entity: e}
		for _, id := range ids {
			one.PrivAvailability = append(one.PrivAvailability, types.PrivilegeAvailability{PrivId: id, IsGranted: granted(id, e)})
		}
		all = append(all, one)
	}
	return all
}

func hasPrivileges(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.HasPrivilegeOnEntities)
	return &methods.HasPrivilegeOnEntitiesBody{
		Res: &types.HasPrivilegeOnEntitiesResponse{Returnval: entityPrivileges(req.Entity, req.PrivId)},
	}
}

func hasUserPrivileges(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.HasUserPrivilegeOnEntities)
	return &methods.HasUserPrivilegeOnEntitiesBody{
		Res: &types.HasUserPrivilegeOnEntitiesResponse{Returnval: entityPrivileges(req.Entities, req.PrivId)},
	}
}

func hasPrivilege(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.HasPrivilegeOnEntity)
	res := &types.HasPrivilegeOnEntityResponse{}
	for _, id := range req.PrivId {
		res.Returnval = append(res.Returnval, granted(id, req.Entity))
	}
	return &methods.HasPrivilegeOnEntityBody{Res: res}
}
