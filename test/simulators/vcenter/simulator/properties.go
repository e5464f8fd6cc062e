package simulator

import (
	"sync"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var (
	pagesMu sync.Mutex
	pages   = map[string][]types.ObjectContent{} // token -> what is left
)

// retrieveProperties is vcsim's, in pages of maxObjects. The fault "max-objects" is the server's own limit.
func retrieveProperties(ctx *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.RetrievePropertiesEx)
	res := ctx.svc.call(ctx, method)
	if body, ok := res.(*methods.RetrievePropertiesExBody); ok && body.Res != nil {
		cutPage(body.Res.Returnval, int(req.Options.MaxObjects))
	}
	return res
}

func cutPage(result *types.RetrieveResult, max int) {
	if f := peekFault("max-objects"); f != nil {
		if limit := int(f.number("objects", 100)); max == 0 || limit < max {
			max = limit
		}
	}
	if max <= 0 || len(result.Objects) <= max {
		return
	}
	token := uuid.New().String()
	pagesMu.Lock()
	pages[token] = result.Objects[max:]
	pagesMu.Unlock()
	result.Objects = result.Objects[:max]
	result.Token = token
}

func takePage(token string) ([]types.ObjectContent, bool) {
	pagesMu.Lock()
	defer pagesMu.Unlock()
	rest, ok := pages[token]
	delete(pages, token)
	return rest, ok
}

func continueRetrieve(_ *Context, method *Method) soap.HasFault {
	req := method.Body.(*types.ContinueRetrievePropertiesEx)
	body := &methods.ContinueRetrievePropertiesExBody{}
	rest, ok := takePage(req.Token)
	if !ok {
		fault := invalid("token")
		body.Fault_ = Fault(faultText(fault), fault)
		return body
	}
	result := types.RetrieveResult{Objects: rest}
	cutPage(&result, pageSize)
	body.Res = &types.ContinueRetrievePropertiesExResponse{Returnval: result}
	return body
}

// pageSize of the pages after the first, which the protocol leaves to the server.
const pageSize = 150

func cancelRetrieve(_ *Context, method *Method) soap.HasFault {
	_, _ = takePage(method.Body.(*types.CancelRetrievePropertiesEx).Token)
	return &methods.CancelRetrievePropertiesExBody{Res: &types.CancelRetrievePropertiesExResponse{}}
}
