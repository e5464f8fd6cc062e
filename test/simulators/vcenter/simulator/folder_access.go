package simulator

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
)

// serveFolder serves the files of datastores as /folder/PATH?dcPath=DATACENTER&dsName=DATASTORE, to who may read them, and takes new ones.
func (s *Service) serveFolder(w http.ResponseWriter, r *http.Request) {
	if trouble(w, r, "folder") {
		return
	}
	if f := takeFault("session-expiry", func(f *mishap) bool { return f.option("method") == "folder" }); f != nil {
		endSessions(f)
	}
	if !s.mayRead(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
		http.Error(w, "no session", http.StatusUnauthorized)
		return
	}
	if f := takeFault("folder-status", nil); f != nil {
		http.Error(w, "switched on by the control endpoint", int(f.number("status", 503)))
		return
	}
	datacenter, datastore := onceMore(r.URL.Query().Get("dcPath")), onceMore(r.URL.Query().Get("dsName"))
	ds := datastoreNamed(datastore)
	if strings.TrimPrefix(datacenter, "/") != theDatacenter().Name || ds == nil {
		http.Error(w, "no such datacenter or datastore", http.StatusNotFound)
		return
	}
	name := path.Join(ds.folder(), path.Clean("/"+strings.TrimPrefix(r.URL.Path, folderPrefix)))
	switch r.Method {
	case http.MethodPut:
		putFile(w, r, ds, name)
	case http.MethodDelete:
		deleteFile(w, ds, name)
	case http.MethodGet, http.MethodHead:
		getFile(w, r, name)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// mayManage tells whether the user may write to a datastore: "Datastore.Low level file operations" in the client.
func mayManage(w http.ResponseWriter, ds *Datastore) bool {
	if granted("Datastore.FileManagement", ds.Self) {
		return true
	}
	http.Error(w, "no privilege Datastore.FileManagement", http.StatusForbidden)
	return false
}

// putFile makes a file of a request's body, in a folder that is there. What came before the connection was cut stays.
func putFile(w http.ResponseWriter, r *http.Request, ds *Datastore, name string) {
	if !mayManage(w, ds) {
		return
	}
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		http.Error(w, "a folder", http.StatusConflict)
		return
	}
	there := err == nil
	if _, err := os.Stat(path.Dir(name)); err != nil {
		http.Error(w, "no such folder", http.StatusNotFound)
		return
	}
	out, err := os.Create(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer out.Close()
	if f := takeFault("folder-cut", nil); f != nil {
		_, _ = io.CopyN(out, r.Body, f.number("bytes", 1000))
		dropConnection(w)
		return
	}
	bytes, err := io.Copy(out, r.Body)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case !ds.spend(bytes):
		_ = os.Remove(name)
		http.Error(w, "no space left", http.StatusInsufficientStorage)
	case there:
		w.WriteHeader(http.StatusOK)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

func deleteFile(w http.ResponseWriter, ds *Datastore, name string) {
	if !mayManage(w, ds) {
		return
	}
	if err := os.Remove(name); err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func getFile(w http.ResponseWriter, r *http.Request, name string) {
	f, err := os.Open(name)
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	if f := takeFault("folder-cut", nil); f != nil {
		w = &cutWriter{w, int(f.number("bytes", 1000))}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// cutWriter closes the connection after some bytes of the body.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(data []byte) (int, error) {
	if len(data) > c.left {
		_, _ = c.ResponseWriter.Write(data[:c.left])
		if f, ok := c.ResponseWriter.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	c.left -= len(data)
	return c.ResponseWriter.Write(data)
}

// onceMore decodes what real vCenters want percent-encoded twice.
func onceMore(value string) string {
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}
