package simulator

import (
	"fmt"
	"net/http"
	"os"
	"path"
	"strconv"
	"sync"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// limited are the datastores whose free space the control endpoint said: what is written to them takes of it.
var (
	limitedMu sync.Mutex
	limited   = map[types.ManagedObjectReference]bool{}
)

func datastoreNamed(name string) *Datastore {
	ds, _ := Map.FindByName(name, theDatacenter().Datastore).(*Datastore)
	return ds
}

func (ds *Datastore) folder() string { return ds.Info.GetDatastoreInfo().Url }

// place answers the file that a datastore path such as "[LocalDS_0] vm/vm.vmdk" names, and nil where there is no such datastore.
func place(name string) (*Datastore, string, types.BaseMethodFault) {
	var p object.DatastorePath
	if !p.FromString(name) {
		return nil, "", &types.InvalidDatastorePath{DatastorePath: name}
	}
	ds := datastoreNamed(p.Datastore)
	if ds == nil {
		return nil, "", &types.InvalidDatastorePath{
			InvalidDatastore: types.InvalidDatastore{Name: p.Datastore}, DatastorePath: name,
		}
	}
	return ds, path.Join(ds.folder(), path.Clean("/"+p.Path)), nil
}

// addDatastore makes one more, which every host has.
func addDatastore(name string) (*Datastore, error) {
	folder := path.Join(Root, "vmfs/volumes", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var added *Datastore
	for i, e := range Map.All("HostSystem") {
		host := e.(*HostSystem)
		dss := Map.Get(*host.ConfigManager.DatastoreSystem).(*HostDatastoreSystem)
		if i > 0 {
			dss.Datastore = append(dss.Datastore, added.Self)
			dss.Host.Datastore = dss.Datastore
			continue
		}
		body := dss.CreateLocalDatastore(serverContext(), &types.CreateLocalDatastore{
			This: dss.Self, Name: name, Path: folder,
		}).(*methods.CreateLocalDatastoreBody)
		if body.Fault_ != nil {
			return nil, fmt.Errorf("datastore %s: %s", name, body.Fault_.String)
		}
		added = Map.Get(body.Res.Returnval).(*Datastore)
		Map.WithLock(added, func() { added.Summary.Type = "VMFS" })
	}
	return added, nil
}

// setDatastore changes capacity and free space (bytes; the latter is a limit from then on), and whether hosts reach it.
func setDatastore(ds *Datastore, r *http.Request) {
	var all []types.PropertyChange
	q := r.URL.Query()
	if n, err := strconv.ParseInt(q.Get("capacity"), 10, 64); err == nil {
		all = append(all, types.PropertyChange{Name: "summary.capacity", Val: n})
	}
	if n, err := strconv.ParseInt(q.Get("free"), 10, 64); err == nil {
		all = append(all, types.PropertyChange{Name: "summary.freeSpace", Val: n})
		limitedMu.Lock()
		limited[ds.Self] = true
		limitedMu.Unlock()
	}
	if q.Has("accessible") {
		all = append(all, types.PropertyChange{Name: "summary.accessible", Val: q.Get("accessible") != "off"})
	}
	Map.WithLock(ds, func() { Map.Update(ds, all) })
}

// spend takes bytes of a datastore's free space, and answers whether there were as many.
func (ds *Datastore) spend(bytes int64) bool {
	limitedMu.Lock()
	defer limitedMu.Unlock()
	if !limited[ds.Self] {
		return true
	}
	enough := false
	Map.WithLock(ds, func() {
		if enough = ds.Summary.FreeSpace >= bytes; enough {
			Map.Update(ds, []types.PropertyChange{{Name: "summary.freeSpace", Val: ds.Summary.FreeSpace - bytes}})
		}
	})
	return enough
}

// noSpace is "Insufficient disk space on datastore '…'." (vSphere API reference, NoDiskSpace).
func (ds *Datastore) noSpace() types.BaseMethodFault {
	return withMessages(&types.NoDiskSpace{Datastore: ds.Name}, "vim.fault.NoDiskSpace",
		fmt.Sprintf("Insufficient disk space on datastore '%s'.", ds.Name))
}

func describeDatastore(ds *Datastore) interface{} {
	return map[string]interface{}{
		"name": ds.Name, "moref": ds.Self.Value, "folder": ds.folder(), "capacity": ds.Summary.Capacity, "free": ds.Summary.FreeSpace,
	}
}

// denied answers NoPermission where one of these privileges is not granted (fault "privileges").
func denied(on types.ManagedObjectReference, privileges ...string) types.BaseMethodFault {
	for _, id := range privileges {
		if !granted(id, on) {
			return withMessages(&types.NoPermission{Object: on, PrivilegeId: id}, "vim.fault.NoPermission",
				"Permission to perform this operation was denied.")
		}
	}
	return nil
}
