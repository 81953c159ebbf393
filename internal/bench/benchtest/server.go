package benchtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// Exchange is one request as a server in memory got it.
type Exchange struct {
	Conn   net.Conn
	At     time.Time
	Method string
	Path   string
	Header map[string]string // names in lower case
	Body   []byte
}

// Reply sends a whole answer.
func (x *Exchange) Reply(status, contentType, body string) {
	fmt.Fprintf(x.Conn, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, contentType, len(body), body)
}

// ReadExchange reads a request from a connection.
func ReadExchange(conn net.Conn) (*Exchange, error) {
	var req fasthttp.Request
	if err := req.Read(bufio.NewReader(conn)); err != nil {
		return nil, err
	}
	x := &Exchange{Conn: conn, At: time.Now(), Method: string(req.Header.Method()), Path: string(req.RequestURI()),
		Header: map[string]string{}, Body: bytes.Clone(req.Body())}
	for k, v := range req.Header.All() {
		x.Header[strings.ToLower(string(k))] = string(v)
	}
	return x, nil
}

// Memory is a server in memory: one goroutine and one request a connection.
type Memory struct {
	// Handle answers a request; the connection is closed after it.
	Handle func(x *Exchange)
	// Got are the requests in the order in which they came, once Wait has returned.
	Got []*Exchange

	mu  sync.Mutex
	all sync.WaitGroup
}

// Dial connects to the server.
func (m *Memory) Dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	m.all.Go(func() {
		defer there.Close()
		x, err := ReadExchange(there)
		if err != nil {
			return
		}
		m.mu.Lock()
		m.Got = append(m.Got, x)
		m.mu.Unlock()
		m.Handle(x)
	})
	return here, nil
}

// Wait waits for the end of all connections.
func (m *Memory) Wait() { m.all.Wait() }

// Next takes the first of the answers that are left, "" when there is none.
func (m *Memory) Next(answers *[]json.RawMessage) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(*answers) == 0 {
		return ""
	}
	first := string((*answers)[0])
	*answers = (*answers)[1:]
	return first
}

// Refuse is the dialing of a server that is not there.
func Refuse(context.Context, string, string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// SSE is the body of a stream of n tokens with usage.
func SSE(chat bool, n int) string {
	var b strings.Builder
	for range n {
		if chat {
			b.WriteString(`data: {"choices":[{"index":0,"delta":{"content":"a"}}]}` + "\n\n")
		} else {
			b.WriteString(`data: {"choices":[{"index":0,"text":"a"}]}` + "\n\n")
		}
	}
	fmt.Fprintf(&b, `data: {"choices":[],"usage":{"prompt_tokens":5,"total_tokens":%d,"completion_tokens":%d}}`+"\n\ndata: [DONE]\n\n", n+5, n)
	return b.String()
}

// Pipes is a listener in memory.
type Pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// Listen returns a listener that Dial connects to.
func Listen() *Pipes { return &Pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept is net.Listener's.
func (p *Pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (p *Pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

// Addr is net.Listener's.
func (p *Pipes) Addr() net.Addr { return &net.TCPAddr{} }

// Dial connects to the listener.
func (p *Pipes) Dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}
