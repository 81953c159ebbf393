package wire

import (
	"context"
	"errors"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Kind names a transport.
type Kind string

// The kinds of transport.
const (
	AutoTransport     Kind = "auto"     // the reactor for what it can carry
	ReactorTransport  Kind = "reactor"  // the same, or an error where there is none
	BlockingTransport Kind = "blocking" // a goroutine a stream
)

// New returns a transport. Whatever the kind, TLS, proxies, Unix sockets and connections
// made by a dial function are carried by the blocking one. why is the reason for which the
// reactor was asked for and is not there.
func New(kind Kind, o Options) (t Transport, why error, err error) {
	blocking := NewBlocking(o)
	if o.Dial == nil {
		go growFileTable() // it is over long before the requests are prepared
	}
	if kind == BlockingTransport {
		return blocking, nil, nil
	}
	if o.Dial != nil {
		why = errors.New("connections are made by a function")
	}
	var reactor Transport
	if why == nil {
		reactor, why = NewReactors(o)
	}
	switch {
	case why == nil:
		return &combined{reactor, blocking, blocking.dialer}, nil, nil
	case kind == ReactorTransport:
		return nil, nil, why
	}
	return blocking, why, nil
}

// MostReactors is how many reactors there are at the most where their number is left to the
// load, on so many processors: half of them, as the server may be on the same machine, and
// requests have to be begun and ended.
func MostReactors(processors int) int { return min(max(processors/2, 1), 16) }

// combined carries plain TCP by the reactor, everything else by the blocking transport.
type combined struct {
	reactor, blocking Transport
	dialer            *dialer // blocking's
}

// Do runs one exchange.
func (c *combined) Do(ctx context.Context, x *Exchange) {
	proxy, err := c.dialer.proxy(x.To, c.dialer.env)
	if x.To.TLS || x.To.Unix != "" || proxy != nil || err != nil {
		c.blocking.Do(ctx, x)
	} else {
		c.reactor.Do(ctx, x)
	}
}

// ReadDelays are those of both.
func (c *combined) ReadDelays() *hdrhistogram.Histogram {
	all := c.reactor.ReadDelays()
	all.Merge(c.blocking.ReadDelays())
	return all
}

// Threads are the reactors'.
func (c *combined) Threads() []Thread { return c.reactor.Threads() }

// Close ends the idle connections of both.
func (c *combined) Close() {
	c.reactor.Close()
	c.blocking.Close()
}
