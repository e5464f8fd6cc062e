package simulator

import (
	"io"
	"net"
	"sync"
	"time"
)

// gate stands before the server's own port, where the program was asked for one: connections to a closed gate are refused.
type gate struct {
	mu          sync.Mutex
	target      string
	listener    net.Listener
	connections map[net.Conn]struct{}
}

var theGate *gate

// OpenGate answers the port of the gate.
func OpenGate(target string) (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	theGate = &gate{target: target, listener: listener, connections: map[net.Conn]struct{}{}}
	go theGate.serve(listener)
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (g *gate) serve(listener net.Listener) {
	for {
		in, err := listener.Accept()
		if err != nil {
			return
		}
		go g.carry(in)
	}
}

func (g *gate) carry(in net.Conn) {
	out, err := net.Dial("tcp", g.target)
	if err != nil {
		in.Close()
		return
	}
	g.mu.Lock()
	g.connections[in] = struct{}{}
	g.mu.Unlock()
	go func() {
		_, _ = io.Copy(in, out)
		in.Close()
	}()
	_, _ = io.Copy(out, in)
	out.Close()
	g.mu.Lock()
	delete(g.connections, in)
	g.mu.Unlock()
}

// goAway refuses all connections for a while, and ends those that are open.
func goAway(during time.Duration) {
	g := theGate
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener == nil { // away already
		return
	}
	address := g.listener.Addr().String()
	g.listener.Close()
	g.listener = nil
	for c := range g.connections {
		c.Close()
	}
	time.AfterFunc(during, func() {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			panic(err)
		}
		g.mu.Lock()
		g.listener = listener
		g.mu.Unlock()
		go g.serve(listener)
	})
}
