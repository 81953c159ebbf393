package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// smallServer answers short requests over HTTP/1.1, as fasthttp reads them. fasthttp's own server
// would make the program larger by 0.7 MB, for files, forms and much else.
type smallServer struct {
	listener net.Listener
	answer   func(method, path string) page
	all      sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

// page is an answer.
type page struct {
	status int
	kind   string // media type; plain text when empty
	body   []byte
}

// Bounds on what a client may take.
const (
	requestTime = 10 * time.Second // to send a request, the wait before it included, or to take its answer
	requestSize = 16 << 10         // bytes of its head, and of its body
	mostClients = 64               // connections; further ones are closed
)

// newSmallServer begins to serve; close ends it.
func newSmallServer(listener net.Listener, answer func(method, path string) page) *smallServer {
	s := &smallServer{listener: listener, answer: answer, conns: map[net.Conn]bool{}}
	s.all.Go(s.accept)
	return s
}

// close ends the server, whatever it is sending.
func (s *smallServer) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
}

func (s *smallServer) accept() {
	for {
		conn, err := s.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // for want of files, say
			time.Sleep(acceptPause)
		case !s.enter(conn):
			conn.Close()
		default:
			s.all.Go(func() {
				defer s.leave(conn)
				s.serve(conn)
			})
		}
	}
}

// acceptPause is how long a listener that fails is left alone.
const acceptPause = 10 * time.Millisecond

// enter reports whether there is room for a connection.
func (s *smallServer) enter(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.conns) >= mostClients {
		return false
	}
	s.conns[conn] = true
	return true
}

func (s *smallServer) leave(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	delete(s.conns, conn)
	s.mu.Unlock()
}

// serve answers the requests of a connection. A client that misbehaves is no concern of the run's.
func (s *smallServer) serve(conn net.Conn) {
	in := bufio.NewReaderSize(conn, requestSize)
	var req fasthttp.Request
	for closes := false; !closes; {
		_ = conn.SetDeadline(time.Now().Add(requestTime))
		var p page
		switch err := req.ReadLimitBody(in, requestSize); {
		case gone(err):
			return
		case err != nil:
			p, closes = page{status: fasthttp.StatusBadRequest, body: []byte("not a short HTTP request\n")}, true
		default:
			p = s.answer(string(req.Header.Method()), string(req.URI().Path()))
			closes = req.ConnectionClose() || !req.Header.IsHTTP11() || req.MayContinue()
		}
		if _, err := conn.Write(p.bytes(req.Header.IsHead(), closes)); err != nil {
			return
		}
	}
}

// gone reports whether a request could not be read because its client has left or is too slow.
func gone(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &network)
}

// bytes are an answer's. fasthttp would have a goroutine tell the time for their date, every
// second until the program ends.
func (p page) bytes(headOnly, closes bool) []byte {
	out := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", p.status, fasthttp.StatusMessage(p.status),
		time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), cmp.Or(p.kind, "text/plain; charset=utf-8"), len(p.body))
	if closes {
		out = append(out, "Connection: close\r\n"...)
	}
	out = append(out, "\r\n"...)
	if headOnly {
		return out
	}
	return append(out, p.body...)
}
