// Package wire moves bytes between a request and a socket and timestamps them. It takes an
// Exchange: an endpoint (TCP, TLS, a Unix socket, by way of a proxy or not) and the bytes of
// a request. It resolves, connects and writes, feeds a Sink what comes back, each read with
// the instant it arrived (the kernel's timestamp where there is one), and fills in the
// instants of the exchange. What goes wrong reaches the Sink as an error with a class, and
// with a *TimeoutError or *TLSError as its cause where there is more to say.
//
// Two transports do this: the reactor, an epoll loop for plain TCP on Linux, and the
// blocking transport, a goroutine a request, for everything else.
//
// It never interprets an answer, follows no redirect, retries nothing that a server can have
// read, keeps nothing that arrives after the end of an answer, and names no flags.
//
// More than twenty names are exported: most are the classes of failures, the phases of an
// exchange and the problems of TLS, each of which has a remedy of its own.
package wire

import (
	"context"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/internal/stream"
)

// A Clock reads the time since its origin on the monotonic clock. Every instant
// of a run comes from one Clock.
type Clock struct{ origin time.Time }

// NewClock returns a Clock whose origin lies a little before now, so that no
// instant is zero.
func NewClock() Clock { return Clock{time.Now().Add(-time.Nanosecond)} }

// Now is the current instant.
func (c Clock) Now() time.Duration { return time.Since(c.origin) }

// wall is how a Clock and the wall clock go together.
type wall struct {
	offset int64         // ns: wall time plus it is the instant
	before int64         // the offset before the wall clock was set
	until  time.Duration // stamps from before that are still to be expected, 0 for none
}

// clockDrift is by how much the clocks move against each other at the most, in ns, from one
// sample to the next, unless one was set or the last sample is old. A clock that was set moves by
// clockStep at least, and what arrived before is read within staleStamps.
const (
	clockDrift  = int64(time.Microsecond)
	clockStep   = int64(100 * time.Millisecond)
	staleStamps = time.Second
)

// sample reads both clocks. They are read one after the other: where they seem to have
// moved against each other, the thread may have lost its processor in between, and they
// are read again.
func (w *wall) sample(c Clock) (now time.Duration) {
	known := w.offset
	for range 3 {
		t := time.Now()
		now = t.Sub(c.origin)
		before := w.offset
		w.offset = int64(now) - t.UnixNano()
		if moved := w.offset - before; -clockDrift < moved && moved < clockDrift {
			break
		}
	}
	w.moved(known, now)
	return now
}

// moved keeps the offset that was known where the wall clock has been set since.
func (w *wall) moved(known int64, now time.Duration) {
	switch by := w.offset - known; {
	case known != 0 && (by <= -clockStep || by >= clockStep):
		w.before, w.until = known, now+staleStamps
	case w.until != 0 && now > w.until:
		w.until = 0
	}
}

// instant is that of a stamp which was read at an instant, by the last sample: of what arrived
// before the wall clock was set by the one before that.
func (w *wall) instant(stamp int64, read time.Duration) time.Duration {
	at := time.Duration(stamp + w.offset)
	if w.until != 0 {
		if old := time.Duration(stamp + w.before); old <= read && (at > read || at < old) {
			at = old
		}
	}
	return min(at, read)
}

// Sink takes the bytes of one answer. *stream.Decoder is one.
type Sink interface {
	// Feed takes bytes that arrived at the given instant and reports whether the
	// answer is over. It must not keep p.
	Feed(p []byte, at time.Duration) (done bool)
	// Piece is how many of the bytes to come belong to one event, as far as can be known,
	// 0 where it cannot; like has the sizes of another answer, if any. Sizes are the answer's.
	Piece(like stream.Sizes) int
	Sizes() stream.Sizes
	// Mixed reports whether the bytes with the last stamp completed an event and held more.
	// A read has the timestamp of its last segment, so earlier events may be stamped late;
	// Uncertain says by how much at most, for these events alone or for all of the read.
	Mixed() bool
	Uncertain(late time.Duration, all bool)
	// Settle ends the doubts of the stamps up to now: exact says that there was no reason
	// for those since the last time.
	Settle(exact bool)
	// End says that no more will come: nil for the peer's orderly end.
	End(at time.Duration, err *stream.Error)
	// Failing reports whether the answer is a failure already, so that what is
	// still to come is not worth a long wait.
	Failing() bool
	// Prefetch touches the memory that the next Feed needs; what it returns means nothing.
	Prefetch() byte
	// Reusable reports, of an answer that is over, whether its connection may carry another.
	Reusable() bool
}

// Endpoint is where a request goes.
type Endpoint struct {
	TLS  bool
	Host string // host:port
	// Unix is the path of a Unix socket to connect to, "" for TCP.
	Unix string
}

// Exchange is one request and the instants of its answer.
type Exchange struct {
	To Endpoint
	// Head ends with the blank line.
	Head, Body []byte
	Sink       Sink
	// Fresh asks for a connection of its own, closed afterwards.
	Fresh bool
	// DropAfter is how long after Start the exchange is ended on purpose, by Drop; 0 for not.
	DropAfter time.Duration
	Drop      *Drop

	Start   time.Duration // immediately before connect, or the write on a reused connection
	Connect time.Duration // connection ready, TLS and proxy included; 0 if it never was
	Written time.Duration // request handed to the kernel
	// Ended is when nothing more was to be had of the server: the stamp of a complete answer's
	// last byte, else when the transport saw the end, the error, the deadline or the
	// interruption. What passes after it is this program's time, what passed between the
	// last byte and it the server's or the user's.
	Ended time.Duration
	// Reused reports whether the connection had carried a request before.
	Reused bool
	// Resent is how often the request was sent again, over a fresh connection, because a
	// reused one turned out to be closed before the server can have read a byte. Start
	// stays that of the first try.
	Resent int
	// KernelStamps reports whether every read that brought bytes was stamped by
	// the kernel.
	KernelStamps bool
	// SYNRetransmits is how often the connection's first packet was sent again; it is
	// looked up only where connecting, in vain or not, took so long that it must have been.
	SYNRetransmits int
	// ConnectLate is the most that the program may have been late to notice that
	// the connection was made; UnknownLate where that is not known.
	ConnectLate time.Duration
	// MinRTT is the least round trip time of the connection that the kernel has
	// seen, 0 where it does not say; Retransmits the segments that were sent again.
	MinRTT      time.Duration
	Retransmits int
}

// UnknownLate is the ConnectLate of a connection of which nothing is known.
const UnknownLate = time.Duration(-1)

// synTimeout is about when Linux sends a SYN again for the first time (RFC 6298: 1 s).
const synTimeout = 900 * time.Millisecond

// Transport carries exchanges. It is safe for concurrent use.
type Transport interface {
	// Do runs one exchange to its end. What goes wrong reaches the sink's End.
	Do(ctx context.Context, x *Exchange)
	// ReadDelays are the times, in ns, from the kernel's stamps to the reads.
	ReadDelays() *hdrhistogram.Histogram
	// Threads are those of the reactors, in the order in which they began.
	Threads() []Thread
	// Close ends the idle connections.
	Close()
}

// Thread is what the thread of a reactor has done since it began.
type Thread struct {
	// Exchanges is how many it has begun to carry.
	Exchanges int
	// CPU is its processor time, Waited for how long it was ready and had no processor, 0
	// where the system does not say.
	CPU, Waited time.Duration
	// Reads are the times, in ns, from the kernel's stamps to its reads.
	Reads *hdrhistogram.Histogram
}

// readDelays collects the times from stamp to read.
type readDelays struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram
}

func newReadDelays() *readDelays {
	return &readDelays{h: hdrhistogram.New(1, int64(time.Minute), 2)}
}

func (d *readDelays) add(delays ...time.Duration) {
	d.mu.Lock()
	for _, delay := range delays {
		d.h.RecordValue(max(1, min(int64(delay), int64(time.Minute))))
	}
	d.mu.Unlock()
}

// ReadDelays is a copy of what has been collected.
func (d *readDelays) ReadDelays() *hdrhistogram.Histogram {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := newReadDelays().h
	all.Merge(d.h)
	return all
}

// Stamps says where arrival stamps come from.
type Stamps uint8

// The sources of stamps.
const (
	AutoStamps   Stamps = iota // the kernel's where there are any
	KernelStamps               // the kernel's, or an error
	UserStamps                 // the time right after the read
	PacketStamps               // the packets', where they are seen, else the kernel's
)
