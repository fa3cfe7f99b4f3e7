package database_test

import (
	"io"
	"net"
	"testing"
)

// line is a way to a server for one connection, which can be reset.
type line struct {
	listener *net.TCPListener
	near     chan *net.TCPConn
}

func newLine(t *testing.T, server string) *line {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	l := &line{listener: listener, near: make(chan *net.TCPConn, 1)}
	go func() {
		near, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		l.near <- near
		far, err := net.Dial("tcp", server)
		if err != nil {
			near.Close()
			return
		}
		defer far.Close()
		go func() { _, _ = io.Copy(near, far) }()
		_, _ = io.Copy(far, near) // until it is reset
	}()
	return l
}

func (l *line) address() string { return l.listener.Addr().String() }

// reset ends the connection as the kernel of a machine does that has forgotten it.
func (l *line) reset(t *testing.T) {
	t.Helper()
	near := <-l.near
	if err := near.SetLinger(0); err != nil {
		t.Error(err)
	}
	near.Close()
}
