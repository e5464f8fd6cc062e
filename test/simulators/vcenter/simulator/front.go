package simulator

import (
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
)

// Front is the handler of all requests: ours where vcsim has none, or too simple a one.
func (s *Service) Front(vcsim http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/sdk", s.serveSOAP)
	mux.HandleFunc("/sdk/vimService", s.serveSOAP)
	mux.HandleFunc(folderPrefix, s.serveFolder)
	mux.HandleFunc(nfcPrefix, s.serveNFC)
	mux.Handle("/", vcsim)
	return mux
}

// trouble does what "slow", "drop" and "hang" ask for, and tells whether the request has ended by that. What they are for
// is a method's name, or "folder", or "nfc" for the uploads of an import.
func trouble(w http.ResponseWriter, r *http.Request, what string) bool {
	match := func(f *mishap) bool { return f.matches("for", what) }
	if f := takeFault("away", match); f != nil {
		goAway(f.ms("ms", 5000))
		return dropConnection(w)
	}
	if f := takeFault("slow", match); f != nil {
		select {
		case <-time.After(f.ms("ms", 1000)):
		case <-r.Context().Done():
			return true
		}
	}
	if takeFault("hang", match) != nil {
		select {
		case <-r.Context().Done():
		case <-unhang():
		}
		return dropConnection(w)
	}
	return takeFault("drop", match) != nil && dropConnection(w)
}

func dropConnection(w http.ResponseWriter) bool {
	if hijacker, ok := w.(http.Hijacker); ok {
		if c, _, err := hijacker.Hijack(); err == nil {
			c.Close()
		}
	}
	return true
}

var released = make(chan struct{})

func unhang() chan struct{} {
	faultsMu.Lock()
	defer faultsMu.Unlock()
	return released
}

// release lets all hanging requests go, by dropping them.
func release() {
	faultsMu.Lock()
	defer faultsMu.Unlock()
	close(released)
	released = make(chan struct{})
}

// WriteLibraryControl tells the stand-in disk library whom to let in.
func WriteLibraryControl(user, password string, certificate tls.Certificate) {
	sum := sha1.Sum(certificate.Certificate[0])
	libraryLogin = "user " + user + "\npassword " + password + "\nthumbprint " + strings.ToUpper(hex.EncodeToString(sum[:])) + "\n"
	setLibrary("")
}

var libraryLogin string

// setLibrary writes the library's control file: lines "name value", see fake-vddk.c.
func setLibrary(more string) {
	name := path.Join(Root, "vddk", "control")
	_ = os.WriteFile(name+".next", []byte(libraryLogin+more), 0o600)
	_ = os.Rename(name+".next", name)
}
