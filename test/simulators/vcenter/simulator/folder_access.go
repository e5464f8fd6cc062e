package simulator

import (
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
)

// serveFolder serves the files of the datastore as /folder/PATH?dcPath=DATACENTER&dsName=DATASTORE, to who may read them.
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
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	datacenter, datastore := onceMore(r.URL.Query().Get("dcPath")), onceMore(r.URL.Query().Get("dsName"))
	ds := theDatastore()
	if strings.TrimPrefix(datacenter, "/") != theDatacenter().Name || datastore != ds.Name {
		http.Error(w, "no such datacenter or datastore", http.StatusNotFound)
		return
	}
	name := path.Join(ds.Info.GetDatastoreInfo().Url, path.Clean("/"+strings.TrimPrefix(r.URL.Path, folderPrefix)))
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
