package database_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// line is a way to a server that can be cut.
type line struct {
	t        *testing.T
	listener *net.TCPListener
	work     sync.WaitGroup

	mutex sync.Mutex
	near  []*net.TCPConn
}

func newLine(t *testing.T, server string) *line {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l := &line{t: t, listener: listener}
	l.work.Go(func() { l.serve(server) })
	t.Cleanup(func() {
		listener.Close()
		l.reset()
		l.work.Wait()
	})
	return l
}

func (l *line) address() string { return l.listener.Addr().String() }

func (l *line) serve(server string) {
	for {
		near, err := l.listener.AcceptTCP()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", server)
		if err != nil {
			l.t.Error(err)
			near.Close()
			return
		}
		l.mutex.Lock()
		l.near = append(l.near, near)
		l.mutex.Unlock()
		l.work.Go(func() {
			defer far.Close()
			_, _ = io.Copy(far, near) // ends when the line is cut, or its user is done
		})
		l.work.Go(func() { _, _ = io.Copy(near, far) })
	}
}

// reset ends every connection as the kernel of a machine does that has forgotten them.
func (l *line) reset() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, near := range l.near {
		if near.SetLinger(0) == nil { // else it is closed already
			near.Close()
		}
	}
	l.near = nil
}
