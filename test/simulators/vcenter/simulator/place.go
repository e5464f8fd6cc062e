package simulator

import (
	"context"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

const datastoreName = "LocalDS_0"

func serverContext() *Context {
	return &Context{Context: context.Background(), Session: internalContext.Session, Map: Map}
}

func firstOf(kind string) mo.Entity {
	var first mo.Entity
	for _, e := range Map.All(kind) {
		if first == nil || e.Reference().Value < first.Reference().Value {
			first = e
		}
	}
	return first
}

// What there is one of; found once, because vcsim looks through everything for it.
var (
	oneDatacenter *Datacenter
	oneDatastore  *Datastore
	oneHost       *HostSystem
)

func theDatacenter() *Datacenter { return oneDatacenter }
func theDatastore() *Datastore   { return oneDatastore }

// Settle gives datacenter and datastore the names and the folder that tests know. vCenter only: names are fixed on ESXi.
func Settle(datacenter string) error {
	oneDatacenter = firstOf("Datacenter").(*Datacenter)
	oneDatastore = firstOf("Datastore").(*Datastore)
	oneHost = firstOf("HostSystem").(*HostSystem)
	ds := oneDatastore
	forgetEvents()
	for _, folder := range []string{"vddk", "private", "vmfs/volumes"} {
		if err := os.MkdirAll(path.Join(Root, folder), 0o755); err != nil {
			return err
		}
	}
	to := path.Join(Root, "vmfs/volumes", ds.Name)
	if err := os.Rename(ds.Info.GetDatastoreInfo().Url, to); err != nil {
		return err
	}
	ds.Info.GetDatastoreInfo().Url = to
	ds.Summary.Url = to
	ds.Summary.Type = "VMFS"
	ds.Summary.Accessible = true
	if Map.IsVPX() {
		theDatacenter().Name = datacenter
	}
	return nil
}

func machineFolder(name string) (*Folder, error) {
	f := Map.Get(theDatacenter().VmFolder).(*Folder)
	for _, part := range strings.Split(name, "/") {
		if part == "" {
			continue
		}
		if next, ok := Map.FindByName(part, f.ChildEntity).(*Folder); ok {
			f = next
			continue
		}
		body := f.CreateFolder(serverContext(), &types.CreateFolder{This: f.Self, Name: part}).(*methods.CreateFolderBody)
		if body.Fault_ != nil {
			return nil, fmt.Errorf("folder %s: %s", part, body.Fault_.String)
		}
		f = Map.Get(body.Res.Returnval).(*Folder)
	}
	return f, nil
}
