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

// New returns a transport. Whatever the kind, TLS, proxies and connections by a
// dial function of its own are carried by the blocking one. why tells that the
// reactor was wanted and could not be had.
func New(kind Kind, o Options) (t Transport, why error, err error) {
	blocking := NewBlocking(o)
	if o.Dial == nil {
		go makeRoom() // it is over long before the requests are prepared
	}
	if kind == BlockingTransport {
		return blocking, nil, nil
	}
	if o.Dial != nil {
		why = errors.New("connections are made by a function")
	}
	var reactor Transport
	if why == nil {
		reactor, why = NewReactor(o)
	}
	switch {
	case why == nil:
		return &chosen{reactor, blocking, o.Env}, nil, nil
	case kind == ReactorTransport:
		return nil, nil, why
	}
	return blocking, why, nil
}

// chosen carries plain TCP by the reactor, everything else by the blocking transport.
type chosen struct {
	reactor, blocking Transport
	env               func(string) string
}

func (e *chosen) Do(ctx context.Context, x *Exchange) {
	proxy, err := ProxyFor(x.To, e.env)
	if x.To.TLS || proxy != nil || err != nil {
		e.blocking.Do(ctx, x)
	} else {
		e.reactor.Do(ctx, x)
	}
}

// ReadDelays are those of both.
func (e *chosen) ReadDelays() *hdrhistogram.Histogram {
	all := e.reactor.ReadDelays()
	all.Merge(e.blocking.ReadDelays())
	return all
}

func (e *chosen) Close() {
	e.reactor.Close()
	e.blocking.Close()
}
