package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"syscall"
	"time"

	"loadgen/internal/packets"
	"loadgen/internal/stream"
)

// Options configure a transport.
type Options struct {
	Clock Clock
	// Timeout bounds one exchange, IdleTimeout the wait for more bytes of its
	// answer; 0 is no bound.
	Timeout, IdleTimeout time.Duration
	Stamps               Stamps
	// Reactors is how many reactors share the connections; 0 begins with one and adds others
	// as the load grows, up to MostReactors.
	Reactors int
	// Env looks up the variables that name proxies.
	Env func(string) string
	// Proxy finds the proxy for an endpoint, nil for none, by those variables: ProxyFor when nil.
	Proxy func(to Endpoint, env func(string) string) (*url.URL, error)
	// ByName hands names to the dialer, which looks them up each time and does not wait for an
	// address of one family that is slow, where else each is looked up once in a run and its
	// addresses are tried one by one.
	ByName bool
	// TLSConfig and Dial are the system's when nil.
	TLSConfig *tls.Config
	Dial      DialFunc
	// Packets knows when the segments of connections arrived, nil where nobody does.
	Packets *packets.Table
	// Late is called by a reactor, once, when its reads come so late that packets would tell more
	// than sockets; nil for nobody. It must not wait.
	Late func()
}

// Blocking carries each exchange on the goroutine that asks for it. It works
// over any connection.
type Blocking struct {
	o      Options
	dialer *dialer
	buffer sync.Pool
	pool   pool
	*readDelays
}

// NewBlocking returns a blocking transport.
func NewBlocking(o Options) *Blocking {
	return &Blocking{o: o, dialer: newDialer(o), readDelays: newReadDelays(),
		buffer: sync.Pool{New: func() any { return new([16 << 10]byte) }}}
}

// Threads has none: goroutines go from thread to thread.
func (b *Blocking) Threads() []Thread { return nil }

// messageWait is how long the body of an answer that is a failure is waited for.
const messageWait = 2 * time.Second

// Do runs one exchange.
func (b *Blocking) Do(ctx context.Context, x *Exchange) {
	if x.Start = b.o.Clock.Now(); ctx.Err() != nil {
		b.end(x, x.Start, interrupted(ctx))
		return
	}
	l := newLimits(b.o)
	if !x.Fresh {
		if p := b.pool.take(x.To); p != nil {
			x.Start = b.o.Clock.Now()
			x.Connect, x.Reused = x.Start, true
			setLimits(p.conn, l)
			dropped, stop := x.dropping(ctx, b.o.Clock)
			defer stop()
			if ctx = dropped; b.on(ctx, x, p, l, x.Start) {
				return
			}
			x.Connect, x.Written, x.Reused = 0, 0, false
			x.Resent++
		}
	}
	b.overFresh(ctx, x, l)
}

// overFresh runs an exchange over a connection of its own.
func (b *Blocking) overFresh(ctx context.Context, x *Exchange, l *limits) {
	l.phase = Resolving
	way, err := b.dialer.find(ctx, x.To)
	opened := b.o.Clock.Now()
	if x.Resent == 0 {
		x.Start = opened
		var stop context.CancelFunc
		ctx, stop = x.dropping(ctx, b.o.Clock)
		defer stop()
	}
	var conn net.Conn
	var proxy *url.URL
	if err == nil {
		conn, proxy, err = b.dialer.connect(ctx, way, l)
	}
	now := b.o.Clock.Now()
	if err != nil {
		if ctx.Err() != nil {
			err = interrupted(ctx)
		}
		b.end(x, now, classify(err))
		return
	}
	x.Connect = now
	if now-opened > synTimeout {
		x.SYNRetransmits = info(conn).retransmits
	}
	p := &pooled{conn: conn, proxy: proxy, packets: b.follow(conn, way.proxy != nil && way.to.TLS)}
	b.on(ctx, x, p, l, opened)
}

// dropping is ctx with the end of an exchange that is dropped on purpose.
func (x *Exchange) dropping(ctx context.Context, c Clock) (context.Context, context.CancelFunc) {
	if x.DropAfter == 0 {
		return ctx, func() {}
	}
	return context.WithDeadlineCause(ctx, c.origin.Add(x.Start+x.DropAfter), x.Drop)
}

// end ends an exchange.
func (b *Blocking) end(x *Exchange, at time.Duration, err *stream.Error) {
	x.Ended = at
	x.Sink.End(at, err)
}

// on runs an exchange on a connection whose opening began at the given time. It returns
// false, with nothing fed, if a reused connection was closed before the server can have
// read any of the request.
func (b *Blocking) on(ctx context.Context, x *Exchange, p *pooled, l *limits, opened time.Duration) bool {
	conn := p.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	head := x.Head
	if p.proxy != nil {
		head = viaProxy(head, x.To, p.proxy)
	}
	l.phase = Writing
	sent, writeErr := writeAll(conn, l, head, x.Body)
	x.Written = b.o.Clock.Now()
	var tooLate *stream.Error
	if pastDeadline(writeErr) {
		tooLate = l.expired()
		l.end = time.Now().Add(aMoment)
	} else {
		l.phase = Awaiting
	}
	// Even a request that could not be written may have been answered.
	got := b.read(ctx, x, p, l)
	state := info(conn)
	x.MinRTT, x.Retransmits = state.minRTT, state.retransmits
	x.ConnectLate = x.connectLate(opened)
	acked := ackedBytes(conn)
	if got.done {
		x.Ended = got.last
		if !x.Fresh && !got.surplus && writeErr == nil && x.Sink.Reusable() && stop() {
			p.acked = acked
			b.pool.put(x.To, p)
		} else {
			p.close()
		}
		return true
	}
	p.close()
	at := b.o.Clock.Now()
	_, plain := conn.(*net.TCPConn)
	switch {
	case ctx.Err() != nil:
		b.end(x, at, interrupted(ctx))
	case x.Reused && !got.fed && (plain && writeErr != nil && sent == 0 || neverRead(p.acked, acked, writeErr, got.err)):
		return false
	case got.stale:
		b.end(x, at, unsolicited())
	case got.failure != nil:
		b.end(x, at, got.failure)
	case got.fed && got.err == io.EOF:
		b.end(x, at, nil)
	case tooLate != nil:
		b.end(x, at, tooLate)
	case pastDeadline(got.err):
		b.end(x, at, l.expired())
	case writeErr != nil && !got.fed:
		b.end(x, at, classify(writeErr))
	case got.err == io.EOF:
		b.end(x, at, nil)
	default:
		b.end(x, at, classify(got.err))
	}
	return true
}

// aMoment is how long an answer is looked for after a write that came to its deadline.
const aMoment = time.Millisecond

// neverRead reports whether the server can have read nothing of a request on a reused
// connection: its end of the connection is here (the FIN, which carries what the server
// had received when it closed), and nothing was acknowledged since the request before. A
// reset alone does not say so: a server that has read a request may reset the connection
// before the delayed acknowledgement went out.
func neverRead(ackedBefore, acked uint64, writeErr, readErr error) bool {
	return readErr == io.EOF && !errors.Is(writeErr, syscall.ECONNRESET) && acked > 0 && acked == ackedBefore
}

// writePiece is what a write with a deadline takes at most, so that the idle timeout
// counts from the last progress.
const writePiece = 64 << 10

// writeAll writes head and body, with one write where that is possible.
func writeAll(conn net.Conn, l *limits, head, body []byte) (sent int, err error) {
	if _, isTCP := conn.(*net.TCPConn); !isTCP || len(body) == 0 { // no writev: one write is better than two
		head, body = append(head[:len(head):len(head)], body...), nil
	}
	for len(head)+len(body) > 0 {
		conn.SetWriteDeadline(l.next())
		most := len(head) + len(body)
		if l.idle > 0 {
			most = min(most, writePiece)
		}
		h := min(most, len(head))
		n, err := writeBoth(conn, head[:h], body[:most-h])
		if sent += n; err != nil {
			return sent, err
		}
		head, body = head[h:], body[most-h:]
	}
	return sent, nil
}

// writeBoth writes one after the other, at once where both hold anything: an empty write
// waits for its reader on a pipe.
func writeBoth(conn net.Conn, head, body []byte) (int, error) {
	switch {
	case len(body) == 0:
		return conn.Write(head)
	case len(head) == 0:
		return conn.Write(body)
	}
	buffers := net.Buffers{head, body}
	n, err := buffers.WriteTo(conn)
	return int(n), err
}

// connectLate is what connecting took beyond the path's round trip: a goroutine
// comes to its connection late. A packet that was lost is not its fault. Nothing is
// known of what goes by way of TLS or a proxy, or where the system does not tell.
func (x *Exchange) connectLate(opened time.Duration) time.Duration {
	switch {
	case x.Reused, x.SYNRetransmits > 0:
		return 0
	case x.MinRTT == 0:
		return UnknownLate
	}
	return max(x.Connect-opened-x.MinRTT, 0)
}

// received is what a connection brought.
type received struct {
	fed     bool
	done    bool          // the sink has enough; else err says why there is no more
	surplus bool          // bytes came behind the answer
	last    time.Duration // when the last bytes came
	stale   bool          // something came that is older than the request
	err     error
	// failure is what err means, where that is not for classify to say.
	failure *stream.Error
}

// read feeds the answer to the sink.
func (b *Blocking) read(ctx context.Context, x *Exchange, p *pooled, l *limits) (got received) {
	buffer := b.buffer.Get().(*[16 << 10]byte)
	defer b.buffer.Put(buffer)
	conn := p.conn
	r := newStampReader(p, b.o)
	x.KernelStamps = true
	var held hold
	window := func() int { return info(beneath(conn)).window }
	deadline := time.Unix(1, 0) // that is set
	for {
		if l.message.IsZero() && x.Sink.Failing() {
			l.message = time.Now().Add(messageWait)
		}
		if next := l.next(); next != deadline {
			conn.SetReadDeadline(next)
			deadline = next
			if ctx.Err() != nil { // the deadline may have revived a closed connection's read
				got.err = ctx.Err()
				return got
			}
		}
		a := r.receive(buffer[:])
		n, at, kernel, err := a.n, a.at, a.kernel, a.err
		switch {
		case n == 0:
		case x.Reused && !got.fed && (got.stale || kernel && at < x.Start):
			if got.stale && at >= x.Start { // it goes on: there is no telling what is what
				return got
			}
			got.stale, l.message = true, time.Now().Add(messageWait)
		default:
			if !got.fed && !x.To.TLS {
				if got.failure = alertAnswer(buffer[:n]); got.failure != nil {
					return got
				}
			}
			got.fed, got.last, l.phase = true, at, Reading
			x.KernelStamps = x.KernelStamps && kernel
			if a.exact {
				x.Sink.Settle(false) // what is in doubt stays so
			}
			over := x.Sink.Feed(buffer[:n], at)
			if kernel {
				b.add(b.o.Clock.Now() - at)
			}
			held.reportUncertainty(x.Sink, a, window, len(buffer))
			if over {
				got.done, got.surplus = true, a.more
				return got
			}
		}
		if err != nil {
			x.KernelStamps = x.KernelStamps && got.fed
			if x.Sink.Failing() && pastDeadline(err) && !l.message.IsZero() {
				err = io.EOF // what has come of the message must do
			}
			got.err = err
			return got
		}
	}
}

// Close ends the idle connections.
func (b *Blocking) Close() {
	b.dialer.close()
	b.pool.close()
}

// stampReader reads from a connection and returns when the bytes arrived.
type stampReader interface {
	receive(p []byte) arrival
}

// arrival is what a read brought.
type arrival struct {
	n      int
	at     time.Duration
	kernel bool // the kernel says so
	exact  bool // of the very packet that brought the last of the bytes
	more   bool // the next read brings what arrived later and was read at once with it
	err    error
}

// userReader stamps right after the read.
type userReader struct {
	conn  net.Conn
	clock Clock
}

func (r userReader) receive(p []byte) arrival {
	n, err := r.conn.Read(p)
	return arrival{n: n, at: r.clock.Now(), err: err}
}
