// Package trtsim is a simulated trtllm-serve: its routes and the bytes of its
// newest dialect over HTTP/1.1, on top of an engine that batches, queues and
// paces tokens as a profile says. It computes nothing but the time.
package trtsim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"loadgen/internal/tokenizer"
	"loadgen/internal/wire"
)

// DefaultModel is the model that the simulator serves unless told otherwise.
const DefaultModel = "meta-llama/Meta-Llama-3-8B-Instruct"

// Options configure a server.
type Options struct {
	Profile Profile
	Model   string  // DefaultModel when empty
	Dialect Dialect // the newest when zero
	Faults  []FaultRate
	// EarlyStop ends generations by themselves unless ignore_eos is asked for.
	EarlyStop bool
	Seed      uint64
	// Precise paces better than the runtime's timers can, on the real clock alone.
	Precise bool
	Watts   float64 // what the energy meter reads; 0 for no meter
	// UnhealthyAfter is when the executor breaks down, which leaves the server up
	// and not healthy; 0 for never.
	UnhealthyAfter time.Duration
	// Log gets the real server's access lines; nil is nobody.
	Log io.Writer
}

// Server is a simulated server.
type Server struct {
	o      Options
	engine *engine
	tok    *tokenizer.Tokenizer
	dice   *dice
	truth  truth
	perf   drained
	began  time.Time
	logged sync.Mutex

	profiling atomic.Bool

	mu   sync.Mutex
	idle map[net.Conn]bool // connections, and whether they wait for a request
}

// New returns a server, which Serve runs.
func New(o Options) *Server {
	if o.Model == "" {
		o.Model = DefaultModel
	}
	if o.Dialect.Name == "" {
		o.Dialect = dialects[len(dialects)-1]
	}
	engine := newEngine(o.Profile, o.Seed)
	engine.precise = o.Precise
	return &Server{o: o, engine: engine, tok: tokenizer.Llama3(), dice: newDice(o.Seed, o.Faults), began: time.Now(), idle: map[net.Conn]bool{}}
}

// Serve answers connections until stop ends, then waits for the streams that are
// open, as the real server does, until ctx ends.
func (s *Server) Serve(ctx, stop context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var conns, engine sync.WaitGroup
	engine.Go(func() { s.engine.run(ctx) })
	defer context.AfterFunc(stop, func() { s.shutdown(l) })()
	defer context.AfterFunc(ctx, func() { s.shutdown(l) })()
	var failed error
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			var temporary interface{ Timeout() bool }
			if errors.As(err, &temporary) { // out of descriptors, say: others may end
				time.Sleep(10 * time.Millisecond)
				continue
			}
			failed = err
			break
		}
		conns.Go(func() { s.serveConn(ctx, stop, conn) })
	}
	conns.Wait()
	cancel()
	engine.Wait()
	return failed
}

// shutdown takes no more connections and ends those that wait for a request.
func (s *Server) shutdown(l net.Listener) {
	l.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn, waits := range s.idle {
		if waits {
			conn.Close()
		}
	}
}

// waits notes whether a connection waits for a request.
func (s *Server) waits(conn net.Conn, waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle[conn] = waits
}

func (s *Server) forget(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.idle, conn)
}

// Lateness is the number of the engine's steps, and the median, 99th percentile
// and maximum of how late they were, in ms.
func (s *Server) Lateness() (steps int, p50, p99, most float64) { return s.engine.late.figures() }

// keepAlive is uvicorn's; bodyMost bounds a request's body.
const (
	keepAlive = 5 * time.Second
	bodyMost  = 64 << 20
)

// serveConn answers the requests of one connection.
func (s *Server) serveConn(ctx, stop context.Context, conn net.Conn) {
	defer conn.Close()
	defer s.forget(conn)
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	in := bufio.NewReaderSize(conn, 16<<10)
	var req fasthttp.Request
	for {
		if s.waits(conn, true); stop.Err() != nil {
			return
		}
		conn.SetReadDeadline(time.Now().Add(keepAlive))
		if err := req.ReadLimitBody(in, bodyMost); err != nil {
			var small *fasthttp.ErrSmallBuffer
			if errors.As(err, &small) || errors.Is(err, fasthttp.ErrBodyTooLarge) {
				fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\nInvalid HTTP request received.")
			}
			return
		}
		s.waits(conn, false)
		arrived := time.Now()
		if c, ok := conn.(*wire.StampedConn); ok {
			if at := c.Arrived(); !at.IsZero() {
				arrived = at
			}
		}
		if req.MayContinue() {
			io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
			if req.ContinueReadBody(in, bodyMost) != nil {
				return
			}
		}
		a := &answer{conn: conn, in: in, closes: req.ConnectionClose() || stop.Err() != nil, headOnly: req.Header.IsHead(), arrived: arrived.Sub(s.began)}
		s.route(ctx, &req, a)
		s.log(conn, &req, a.status)
		if a.err != nil || a.closes {
			return
		}
	}
}

// log writes an access line, as uvicorn does.
func (s *Server) log(conn net.Conn, req *fasthttp.Request, status int) {
	if s.o.Log == nil {
		return
	}
	s.logged.Lock()
	defer s.logged.Unlock()
	fmt.Fprintf(s.o.Log, "INFO:     %s - \"%s %s HTTP/1.1\" %d %s\n", conn.RemoteAddr(), req.Header.Method(), req.RequestURI(), status, fasthttp.StatusMessage(status))
}

var errCut = errors.New("the simulated server cuts the connection")

// answer writes one answer.
type answer struct {
	conn   net.Conn
	in     *bufio.Reader
	status int
	closes bool
	// arrived is when the request's first bytes did, since the server's start.
	arrived time.Duration
	// headOnly answers a HEAD request.
	headOnly bool
	err      error
	buf      []byte
}

// head begins the answer's head, as uvicorn writes it.
func (a *answer) head(status int, contentType string) {
	a.status = status
	a.buf = fmt.Appendf(a.buf[:0], "HTTP/1.1 %d %s\r\ndate: %s\r\nserver: uvicorn\r\n", status, fasthttp.StatusMessage(status),
		time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	if contentType != "" {
		a.buf = fmt.Appendf(a.buf, "content-type: %s\r\n", contentType)
	}
	if a.closes {
		a.buf = append(a.buf, "connection: close\r\n"...)
	}
}

func (a *answer) flush() {
	if a.err == nil {
		_, a.err = a.conn.Write(a.buf)
	}
	a.buf = a.buf[:0]
}

// whole sends an answer in one piece.
func (a *answer) whole(status int, contentType string, body []byte) {
	a.head(status, contentType)
	a.buf = fmt.Appendf(a.buf, "content-length: %d\r\n\r\n", len(body))
	if !a.headOnly {
		a.buf = append(a.buf, body...)
	}
	a.flush()
}

// stream begins a chunked answer.
func (a *answer) stream() {
	a.head(200, "text/event-stream; charset=utf-8")
	a.buf = append(a.buf, "Transfer-Encoding: chunked\r\n\r\n"...)
	a.flush()
}

// chunk sends one chunk, in one write.
func (a *answer) chunk(data []byte) {
	a.buf = fmt.Appendf(a.buf[:0], "%x\r\n", len(data))
	a.buf = append(append(a.buf, data...), "\r\n"...)
	a.flush()
}

// end ends a chunked answer.
func (a *answer) end() {
	a.buf = append(a.buf[:0], "0\r\n\r\n"...)
	a.flush()
}

// gone is closed when the client has left or ctx has ended. Nothing more may be
// read from the connection afterwards.
func (a *answer) gone(ctx context.Context) <-chan struct{} {
	gone := make(chan struct{})
	a.conn.SetReadDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { a.conn.Close() })
	go func() {
		defer close(gone)
		defer stop()
		a.in.Peek(1)
	}()
	return gone
}
