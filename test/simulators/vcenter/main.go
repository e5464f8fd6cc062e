// A vCenter or ESXi host to test against: govmomi's simulator (Debian package golang-github-vmware-govmomi-dev) with what is
// in simulator/ compiled into its package. See README.md.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator" // tags, over REST
)

func main() {
	root := flag.String("root", "", "folder of all files; removed at the end")
	esx := flag.Bool("esx", false, "a bare ESXi host instead of a vCenter")
	datacenter := flag.String("datacenter", "DC1", "name of the vCenter's datacenter")
	vms := flag.Int("vms", 0, "machines that hold nothing")
	flag.IntVar(&simulator.MaxAreas, "max-areas", 2000, "changed areas in one answer")
	flag.Int64Var(&simulator.Grain, "grain", 64<<10, "bytes in which changes are tracked")
	listen := flag.String("listen", "127.0.0.1", "address of the server; with -gate of what is behind it")
	gated := flag.Bool("gate", false, "a port that can refuse connections stands before the server's own")
	verbose := flag.Bool("verbose", false, "vcsim's own log on stderr")
	flag.Parse()
	// In the environment, because a password is in no argument.
	user, password := os.Getenv("VCENTER_USER"), os.Getenv("VCENTER_PASSWORD")
	if *root == "" || user == "" || password == "" {
		log.Fatal("-root, VCENTER_USER and VCENTER_PASSWORD are needed")
	}
	if !*verbose {
		log.SetOutput(io.Discard)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	go whenParentEnds(ended)
	err := run(*root, *listen, *esx, *gated, *datacenter, *vms, user, password, ended)
	_ = os.RemoveAll(*root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vcenter:", err)
		os.Exit(1)
	}
}

// whenParentEnds reads standard input, which nobody writes to: it ends with who started us.
func whenParentEnds(ended chan<- os.Signal) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	ended <- syscall.SIGTERM
}

func run(root, listen string, esx, gated bool, datacenter string, vms int, user, password string, ended <-chan os.Signal) error {
	simulator.Root = root
	if err := os.Setenv("TMPDIR", root); err != nil {
		return err
	}
	model := simulator.VPX()
	if esx {
		model = simulator.ESX()
	}
	model.Machine, model.Cluster = 0, 0
	if !esx {
		model.ServiceContent.About.InstanceUuid = uuid.New().String() // of vcsim all have the same
	}
	if err := model.Create(); err != nil {
		return err
	}
	if err := simulator.Settle(datacenter); err != nil {
		return err
	}
	simulator.WatchChanges()
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	model.Service.Listen = &url.URL{Host: net.JoinHostPort(listen, "0"), User: url.UserPassword(user, password)}
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	model.Service.RegisterEndpoints = !esx
	server := model.Service.NewServer()
	server.Config.Handler = model.Service.Front(server.Config.Handler)
	simulator.WriteLibraryControl(user, password, certificate)
	// A file can be reached from every network namespace.
	control, err := net.Listen("unix", filepath.Join(root, "control"))
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(control, simulator.Control()) }()
	if err := simulator.AddMany(vms); err != nil {
		return err
	}
	raw := certificate.Certificate[0]
	port := server.Listener.Addr().(*net.TCPAddr).Port
	if gated {
		if port, err = simulator.OpenGate(server.Listener.Addr().String()); err != nil {
			return err
		}
	}
	return announce(map[string]interface{}{
		"port":            port,
		"thumbprint":      colons(fmt.Sprintf("%X", sha256.Sum256(raw))),
		"thumbprint_sha1": colons(fmt.Sprintf("%X", sha1.Sum(raw))),
		"ca_pem":          string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})),
	}, ended)
}

// announce prints one line of JSON, which says that all is ready, and waits for the end.
func announce(facts map[string]interface{}, ended <-chan os.Signal) error {
	if err := json.NewEncoder(os.Stdout).Encode(facts); err != nil {
		return err
	}
	<-ended
	return nil
}

func colons(hexadecimal string) string {
	var pairs []string
	for ; len(hexadecimal) > 0; hexadecimal = hexadecimal[2:] {
		pairs = append(pairs, hexadecimal[:2])
	}
	return strings.Join(pairs, ":")
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "vcenter.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "vcenter.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, err
}
