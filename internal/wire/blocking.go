package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"loadgen/internal/stream"
)

// Options configure a transport.
type Options struct {
	Clock Clock
	// Timeout bounds one exchange, IdleTimeout the wait for more bytes of its
	// answer; 0 is no bound.
	Timeout, IdleTimeout time.Duration
	Stamps               Stamps
	// Env looks up the variables that name proxies.
	Env func(string) string
	// TLSConfig and Dial are the system's when nil.
	TLSConfig *tls.Config
	Dial      DialFunc
}

// Blocking carries each exchange on the goroutine that asks for it. It works
// over any connection.
type Blocking struct {
	o      Options
	dialer *dialer
	buffer sync.Pool

	mu   sync.Mutex
	idle map[Endpoint][]*pooled
	*readDelays
}

// NewBlocking returns a blocking transport.
func NewBlocking(o Options) *Blocking {
	return &Blocking{o: o, dialer: newDialer(o), idle: map[Endpoint][]*pooled{}, readDelays: newReadDelays(),
		buffer: sync.Pool{New: func() any { return new([16 << 10]byte) }}}
}

// wordsWait is how long the body of an answer that is a failure is waited for.
const wordsWait = 2 * time.Second

// Do runs one exchange.
func (b *Blocking) Do(ctx context.Context, x *Exchange) {
	if x.Start = b.o.Clock.Now(); ctx.Err() != nil {
		x.Sink.End(x.Start, interrupted(ctx))
		return
	}
	reused := b.take(x)
	if reused != nil && b.on(ctx, x, reused) {
		return
	}
	// A fresh connection; also for a reused one that the server had given up
	// before the request reached it.
	x.Start, x.Reused = b.o.Clock.Now(), false
	dialing, cancel := ctx, func() {}
	if b.o.Timeout > 0 {
		dialing, cancel = context.WithTimeout(ctx, b.o.Timeout)
	}
	conn, proxy, err := b.dialer.connect(dialing, x.To)
	cancel()
	now := b.o.Clock.Now()
	if err != nil {
		b.giveUp(ctx, x, now, err)
		return
	}
	x.Connect = now
	if x.Connect-x.Start > synTimeout {
		_, x.SYNRetransmits = info(conn)
	}
	b.on(ctx, x, &pooled{conn: conn, proxy: proxy})
}

// giveUp ends an exchange that got no connection.
func (b *Blocking) giveUp(ctx context.Context, x *Exchange, at time.Duration, err error) {
	x.Connect = 0 // that of a connection used again, which was dead
	if ctx.Err() != nil {
		x.Sink.End(at, interrupted(ctx))
		return
	}
	x.Sink.End(at, classify(err))
}

func interrupted(ctx context.Context) *stream.Error {
	return failure(Interrupted, "the run was interrupted", context.Cause(ctx))
}

// on runs an exchange on a connection. It returns false, with nothing fed, if a
// reused connection turns out to be dead.
func (b *Blocking) on(ctx context.Context, x *Exchange, p *pooled) bool {
	conn := p.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	limit := time.Time{}
	if b.o.Timeout > 0 {
		limit = b.o.Clock.origin.Add(x.Start + b.o.Timeout)
	}
	conn.SetDeadline(limit)

	head := x.Head
	if p.proxy != nil {
		head = viaProxy(head, x.To, p.proxy)
	}
	buffers := net.Buffers{head, x.Body}
	if _, isTCP := conn.(*net.TCPConn); !isTCP || len(x.Body) == 0 { // no writev: one write is better than two
		buffers = net.Buffers{append(head[:len(head):len(head)], x.Body...)}
	}
	_, writeErr := buffers.WriteTo(conn)
	x.Written = b.o.Clock.Now()
	// Even a request that could not be written may have been answered.
	fed, done, err := b.read(ctx, x, conn, limit)
	x.MinRTT, x.Retransmits = info(conn)
	x.ConnectLate = x.connectLate()
	if done {
		if !x.Fresh && x.Sink.Reusable() && stop() {
			b.put(x.To, p)
		} else {
			conn.Close()
		}
		return true
	}
	conn.Close()
	at := b.o.Clock.Now()
	switch {
	case ctx.Err() != nil:
		x.Sink.End(at, interrupted(ctx))
	case x.Reused && !fed && !errors.Is(err, os.ErrDeadlineExceeded):
		return false
	case writeErr != nil && !fed && !errors.Is(err, os.ErrDeadlineExceeded):
		x.Sink.End(at, classify(writeErr))
	case err == io.EOF:
		x.Sink.End(at, nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		x.Sink.End(at, b.late(at, x))
	default:
		x.Sink.End(at, classify(err))
	}
	return true
}

// connectLate is what connecting took beyond the path's round trip: a goroutine
// comes to its connection late. A packet that was lost is not its fault. Nothing is
// known of what goes by way of TLS or a proxy, or where the system does not tell.
func (x *Exchange) connectLate() time.Duration {
	switch {
	case x.Reused, x.SYNRetransmits > 0:
		return 0
	case x.MinRTT == 0:
		return UnknownLate
	}
	return max(x.Connect-x.Start-x.MinRTT, 0)
}

// late words a deadline that passed.
func (b *Blocking) late(at time.Duration, x *Exchange) *stream.Error {
	if b.o.Timeout > 0 && at >= x.Start+b.o.Timeout {
		return failure(Timeout, "no complete answer within "+b.o.Timeout.String()+" (--timeout)", os.ErrDeadlineExceeded)
	}
	return failure(IdleTimeout, "nothing came for "+b.o.IdleTimeout.String()+" (--idle-timeout)", os.ErrDeadlineExceeded)
}

// read feeds the answer to the sink. done tells that the sink has enough; else
// err is why there is no more.
func (b *Blocking) read(ctx context.Context, x *Exchange, conn net.Conn, limit time.Time) (fed, done bool, err error) {
	buffer := b.buffer.Get().(*[16 << 10]byte)
	defer b.buffer.Put(buffer)
	r := newStampReader(conn, b.o)
	x.KernelStamps = true
	words := time.Time{}
	for {
		if words.IsZero() && x.Sink.Failing() {
			words = time.Now().Add(wordsWait)
		}
		if b.o.IdleTimeout > 0 || !words.IsZero() {
			conn.SetReadDeadline(b.readLimit(limit, words))
			if ctx.Err() != nil { // the deadline may have revived a closed connection's read
				return fed, false, ctx.Err()
			}
		}
		n, at, kernel, err := r.read(buffer[:])
		if n > 0 {
			fed = true
			x.KernelStamps = x.KernelStamps && kernel
			over := x.Sink.Feed(buffer[:n], at)
			if kernel {
				b.add(b.o.Clock.Now() - at)
			}
			if !kernel || x.Sink.Mixed() {
				x.Sink.Doubt(stream.UnknownSlack, !kernel)
			}
			if over {
				return fed, true, nil
			}
		}
		if err != nil {
			x.KernelStamps = x.KernelStamps && fed
			if !words.IsZero() && errors.Is(err, os.ErrDeadlineExceeded) {
				err = io.EOF // what has come of the words must do
			}
			return fed, false, err
		}
	}
}

// readLimit is the earliest of the deadlines of a read.
func (b *Blocking) readLimit(limit, words time.Time) time.Time {
	earliest := limit
	candidates := []time.Time{words}
	if b.o.IdleTimeout > 0 {
		candidates = append(candidates, time.Now().Add(b.o.IdleTimeout))
	}
	for _, t := range candidates {
		if !t.IsZero() && (earliest.IsZero() || t.Before(earliest)) {
			earliest = t
		}
	}
	return earliest
}

// pooled is a connection, and the proxy at its other end that wants absolute
// request targets.
type pooled struct {
	conn  net.Conn
	proxy *url.URL
	since time.Time
}

// idleLimit is how long an idle connection is kept: uvicorn closes one after 5 s.
const idleLimit = 3 * time.Second

// take returns an idle connection for an exchange that may have one, the one
// used last, nil if there is none.
func (b *Blocking) take(x *Exchange) *pooled {
	if x.Fresh {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.idle[x.To]
	for len(list) > 0 {
		p := list[len(list)-1]
		list = list[:len(list)-1]
		b.idle[x.To] = list
		if time.Since(p.since) < idleLimit && alive(p.conn) {
			x.Reused, x.Connect = true, x.Start
			return p
		}
		p.conn.Close()
	}
	return nil
}

func (b *Blocking) put(to Endpoint, p *pooled) {
	p.conn.SetDeadline(time.Time{})
	p.since = time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle[to] = append(b.idle[to], p)
}

// Close ends the idle connections.
func (b *Blocking) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for to, list := range b.idle {
		for _, p := range list {
			p.conn.Close()
		}
		delete(b.idle, to)
	}
}

// stampReader reads from a connection and tells when the bytes arrived.
type stampReader interface {
	read(p []byte) (n int, at time.Duration, kernel bool, err error)
}

// userReader stamps right after the read.
type userReader struct {
	conn  net.Conn
	clock Clock
}

func (r userReader) read(p []byte) (int, time.Duration, bool, error) {
	n, err := r.conn.Read(p)
	return n, r.clock.Now(), false, err
}
