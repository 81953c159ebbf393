package wire

import (
	"net"
	"net/url"
	"sync"
	"time"

	"loadgen/internal/packets"
)

// idleLimit is how long an idle connection is kept: uvicorn closes one after 5 s.
const idleLimit = 3 * time.Second

// pooled is a connection, and the proxy at its other end that needs absolute
// request targets.
type pooled struct {
	conn  net.Conn
	proxy *url.URL
	since time.Time // idle since
	// acked is how many bytes the peer had acknowledged when the answer before was over, 0
	// where that is not known.
	acked uint64
	// packets is nil where the connection's packets are not followed; of TLS it knows the
	// first taken bytes.
	packets *packets.Conn
	taken   uint64
}

// close ends the connection.
func (p *pooled) close() {
	p.conn.Close()
	if p.packets != nil {
		p.packets.Close()
	}
}

// pool holds the idle connections of the blocking transport.
type pool struct {
	mu   sync.Mutex
	idle map[Endpoint][]*pooled
}

// take returns an idle connection that may carry a request, the one used last, nil if
// there is none. One that the server has closed, or on which it has sent anything, is
// dropped: what it sent belongs to no request.
func (b *pool) take(to Endpoint) *pooled {
	b.mu.Lock()
	defer b.mu.Unlock()
	for list := b.idle[to]; len(list) > 0; {
		p := list[len(list)-1]
		list = list[:len(list)-1]
		b.idle[to] = list
		if time.Since(p.since) < idleLimit && quiet(p.conn) {
			return p
		}
		p.close()
	}
	return nil
}

func (b *pool) put(to Endpoint, p *pooled) {
	p.conn.SetDeadline(time.Time{})
	setLimits(p.conn, nil)
	p.since = time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.idle == nil {
		b.idle = map[Endpoint][]*pooled{}
	}
	b.idle[to] = append(b.idle[to], p)
}

// close ends the idle connections.
func (b *pool) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for to, list := range b.idle {
		for _, p := range list {
			p.close()
		}
		delete(b.idle, to)
	}
}

// quiet reports whether an idle connection is open and has nothing to read.
func quiet(conn net.Conn) bool {
	raw := socketOf(conn)
	if raw != nil && !quietSocket(raw) {
		return false
	}
	if raw != nil && conn == beneath(conn) {
		return true
	}
	// What TLS has read already, or an in-memory pipe holds: a read that may not wait.
	conn.SetReadDeadline(time.Unix(1, 0))
	var b [1]byte
	n, err := conn.Read(b[:])
	conn.SetReadDeadline(time.Time{})
	return n == 0 && pastDeadline(err)
}
