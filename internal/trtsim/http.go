package trtsim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"loadgen/internal/wire"
)

// keepAlive is uvicorn's: for so long an idle connection is kept after an answer.
// bodyMost bounds a request's body.
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
	for idle := time.Duration(0); ; idle = keepAlive {
		if s.waits(conn, true); stop.Err() != nil {
			return
		}
		if err := readRequest(&req, conn, in, idle); err != nil {
			if !hasLeft(err) {
				io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nInvalid HTTP request received.")
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
		a := &answer{conn: conn, in: in, old: !req.Header.IsHTTP11(), headOnly: req.Header.IsHead(), arrived: arrived.Sub(s.began)}
		a.closes = a.old || req.ConnectionClose() || stop.Err() != nil
		a.begun = func() { // uvicorn's access line
			s.note("INFO:     %s - \"%s %s %s\" %d %s\n", conn.RemoteAddr(), req.Header.Method(), req.RequestURI(), req.Header.Protocol(), a.status, fasthttp.StatusMessage(a.status))
		}
		s.route(ctx, &req, a)
		if a.err != nil || a.closes {
			return
		}
	}
}

var errNotHTTP = errors.New("what came is no HTTP request")

// readRequest reads a request, which has idle to begin, 0 for ever, and then may
// take its time.
func readRequest(req *fasthttp.Request, conn net.Conn, in *bufio.Reader, idle time.Duration) error {
	if idle > 0 {
		conn.SetReadDeadline(time.Now().Add(idle))
	}
	first, err := in.Peek(1)
	if err != nil {
		return err
	}
	conn.SetReadDeadline(time.Time{})
	if first[0] < '!' && first[0] != '\r' && first[0] != '\n' { // TLS, say
		return errNotHTTP
	}
	if err := req.ReadLimitBody(in, bodyMost); err != nil {
		return err
	}
	if req.MayContinue() {
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		return req.ContinueReadBody(in, bodyMost)
	}
	return nil
}

// hasLeft reports whether a request could not be read because its client has left,
// and not because it is not HTTP.
func hasLeft(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) || errors.As(err, &network)
}

var errCut = errors.New("the simulated server cuts the connection")

// answer writes one answer.
type answer struct {
	conn   net.Conn
	in     *bufio.Reader
	status int
	// old answers a client of HTTP/1.0, which knows no chunks: the connection's end
	// is the body's.
	old    bool
	closes bool
	// arrived is when the request's first bytes did, since the server's start.
	arrived time.Duration
	// headOnly answers a HEAD request.
	headOnly bool
	begun    func() // is called when the status is known
	err      error
	buf      []byte
}

// head begins an answer: uvicorn's own lines, the application's, and what h11 adds.
func (a *answer) head(status int, lines ...string) {
	a.status = status
	a.begun()
	a.buf = fmt.Appendf(a.buf[:0], "HTTP/1.1 %d %s\r\ndate: %s\r\nserver: uvicorn\r\n", status, fasthttp.StatusMessage(status),
		time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	for _, line := range lines {
		a.buf = append(append(a.buf, line...), "\r\n"...)
	}
	if a.closes {
		a.buf = append(a.buf, "Connection: close\r\n"...)
	}
	a.buf = append(a.buf, "\r\n"...)
}

func (a *answer) flush() {
	if a.err == nil {
		_, a.err = a.conn.Write(a.buf)
	}
	a.buf = a.buf[:0]
}

// whole sends an answer in one piece; lines are further ones of its head.
func (a *answer) whole(status int, contentType string, body []byte, lines ...string) {
	lines = append(lines, fmt.Sprintf("content-length: %d", len(body)))
	if contentType != "" {
		lines = append(lines, "content-type: "+contentType)
	}
	a.head(status, lines...)
	if !a.headOnly {
		a.buf = append(a.buf, body...)
	}
	a.flush()
}

// crash is the answer to a request whose handler has failed, after which uvicorn
// closes the connection.
func (a *answer) crash() {
	a.whole(500, "text/plain; charset=utf-8", []byte("Internal Server Error"))
	if a.err == nil {
		a.err = errCut
	}
}

// stream begins a stream.
func (a *answer) stream() {
	lines := []string{"content-type: text/event-stream; charset=utf-8"}
	if !a.old {
		lines = append(lines, "Transfer-Encoding: chunked")
	}
	a.head(200, lines...)
	a.flush()
}

// frame appends a chunk of a stream.
func (a *answer) frame(dst, data []byte) []byte {
	if a.old {
		return append(dst, data...)
	}
	dst = fmt.Appendf(dst, "%x\r\n", len(data))
	return append(append(dst, data...), "\r\n"...)
}

// chunk sends one chunk of a stream, in one write.
func (a *answer) chunk(data []byte) {
	a.buf = a.frame(a.buf[:0], data)
	a.flush()
}

// end ends a stream.
func (a *answer) end() {
	if a.old {
		return
	}
	a.buf = append(a.buf[:0], "0\r\n\r\n"...)
	a.flush()
}

// watch returns a context that ends when the client has left. release ends the
// watching, before anything else may be read from the connection.
func (a *answer) watch(parent context.Context) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancel(parent)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if _, err := a.in.Peek(1); err != nil { // else it is the next request that comes
			cancel()
		}
	}()
	return ctx, func() {
		a.conn.SetReadDeadline(time.Unix(1, 0))
		<-watched
		a.conn.SetReadDeadline(time.Time{})
		cancel()
	}
}
