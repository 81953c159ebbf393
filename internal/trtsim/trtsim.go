// Package trtsim is a simulated trtllm-serve: its routes and the bytes of its
// newest dialect over HTTP/1.1, on top of an engine that batches, queues and
// paces tokens as a profile says. It computes nothing but the time.
package trtsim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"loadgen/internal/tokenizer"
)

// DefaultModel is the model that the simulator serves unless told otherwise.
const DefaultModel = "meta-llama/Meta-Llama-3-8B-Instruct"

// Version is what /version answers.
const Version = "1.3.0rc25"

// Profile is the timing of an engine.
type Profile struct {
	Name string
	// A decoding step takes Step, and PerRequest more for each request of its batch.
	Step, PerRequest time.Duration
	// Prefill is the time for one token of a prompt; decoding stands still for it.
	Prefill time.Duration
	// MaxBatch bounds the requests that decode together; the others wait in order.
	MaxBatch int
	// MaxTokens bounds the prompt tokens of one prefill step.
	MaxTokens int
	// MaxLen bounds prompt and completion together.
	MaxLen int
}

// ideal is a well-tuned Llama-3-8B on two H200s, by NVIDIA's published figures.
var ideal = Profile{Name: "ideal", Step: 4500 * time.Microsecond, PerRequest: 30 * time.Microsecond,
	Prefill: 10 * time.Millisecond / 512, MaxBatch: 256, MaxTokens: 8192, MaxLen: 131072}

// Profiles are the names of the profiles.
func Profiles() []string { return []string{ideal.Name} }

// FindProfile returns the profile of a name.
func FindProfile(name string) (Profile, error) {
	if name == ideal.Name {
		return ideal, nil
	}
	return Profile{}, fmt.Errorf("unknown profile %q: there is %s", name, strings.Join(Profiles(), ", "))
}

// Options configure a server.
type Options struct {
	Profile Profile
	Model   string // DefaultModel when empty
}

// Server is a simulated server.
type Server struct {
	o      Options
	engine *engine
	tok    *tokenizer.Tokenizer
	began  time.Time
}

// New returns a server, which Serve runs.
func New(o Options) *Server {
	if o.Model == "" {
		o.Model = DefaultModel
	}
	return &Server{o: o, engine: newEngine(o.Profile), tok: tokenizer.Llama3(), began: time.Now()}
}

// Serve answers connections until ctx ends; it returns when all of them are closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { s.engine.run(ctx) })
	stop := context.AfterFunc(ctx, func() { l.Close() })
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
		all.Go(func() { s.serveConn(ctx, conn) })
	}
	stop()
	cancel()
	l.Close()
	all.Wait()
	return failed
}

// keepAlive is uvicorn's.
const keepAlive = 5 * time.Second

// serveConn answers the requests of one connection.
func (s *Server) serveConn(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	in := bufio.NewReaderSize(conn, 16<<10)
	var req fasthttp.Request
	for {
		conn.SetReadDeadline(time.Now().Add(keepAlive))
		if err := req.ReadLimitBody(in, 64<<20); err != nil {
			var small *fasthttp.ErrSmallBuffer
			if errors.As(err, &small) || errors.Is(err, fasthttp.ErrBodyTooLarge) {
				fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\nInvalid HTTP request received.")
			}
			return
		}
		a := &answer{conn: conn, closes: req.ConnectionClose()}
		s.route(ctx, &req, a)
		if a.err != nil || a.closes {
			return
		}
	}
}

// answer writes one answer.
type answer struct {
	conn   net.Conn
	closes bool
	err    error
	buf    []byte
}

// head begins the answer's head, as uvicorn writes it.
func (a *answer) head(status int, contentType string) {
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
	a.buf = append(a.buf, body...)
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
