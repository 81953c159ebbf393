package wire

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// resolver looks hosts up, each once in a run: whoever asks while a look-up is under way
// waits for the same one. A failure is remembered, too. It is tried again after a pause
// that doubles with every failure, so that a name that comes into being in a long run is
// found and a dead name server is asked a few times a minute.
type resolver struct {
	look  func(ctx context.Context, host string) ([]net.IPAddr, error)
	limit time.Duration // of one look-up

	stop context.CancelFunc
	ctx  context.Context // of all look-ups, until close
	all  sync.WaitGroup

	mu    sync.Mutex
	hosts map[string]*lookup
}

// lookup is what is known of a host once done is closed.
type lookup struct {
	done     chan struct{}
	ips      []net.IPAddr
	err      error
	failures int       // in a row, this one included
	retry    time.Time // a failure stands until then
}

const (
	lookupLimit = 30 * time.Second // of a look-up that nothing else bounds
	firstRetry  = time.Second
	doublings   = 5 // of firstRetry, at most: half a minute
)

func newResolver(o Options) *resolver {
	r := &resolver{look: net.DefaultResolver.LookupIPAddr, limit: lookupLimit, hosts: map[string]*lookup{}}
	if o.Timeout > 0 {
		r.limit = min(r.limit, o.Timeout)
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// close ends the look-ups under way.
func (r *resolver) close() {
	r.stop()
	r.all.Wait()
}

// resolve returns the addresses of host:port.
func (r *resolver) resolve(ctx context.Context, hostport string) ([]string, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || net.ParseIP(host) != nil {
		return []string{hostport}, nil
	}
	l := r.lookup(host)
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l.err != nil {
		return nil, l.err
	}
	var addresses []string
	for _, ip := range l.ips {
		addresses = append(addresses, net.JoinHostPort(ip.String(), port))
	}
	return addresses, nil
}

// lookup is the one look-up of a host that counts now, begun if need be.
func (r *resolver) lookup(host string) *lookup {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, failures := r.hosts[host], 0
	if l != nil {
		select {
		case <-l.done:
			if l.err == nil || time.Now().Before(l.retry) {
				return l
			}
			failures = l.failures
		default:
			return l
		}
	}
	l = &lookup{done: make(chan struct{}), failures: failures + 1}
	r.hosts[host] = l
	r.all.Go(func() { r.run(l, host) })
	return l
}

func (r *resolver) run(l *lookup, host string) {
	defer close(l.done)
	ctx, cancel := context.WithTimeout(r.ctx, r.limit)
	defer cancel()
	l.ips, l.err = r.look(ctx, host)
	switch {
	case strings.EqualFold(host, "localhost"):
		l.ips, l.err = withLoopbacks(l.ips), nil
	case l.err != nil && ctx.Err() == context.DeadlineExceeded:
		l.err = timedOut(Resolving, r.limit, false)
	case l.err == nil && len(l.ips) == 0:
		l.err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	l.retry = time.Now().Add(firstRetry << min(l.failures-1, doublings))
}

// withLoopbacks appends this machine's own addresses of both families where they are
// missing: many a container names only one of them localhost, and servers listen
// on the other.
func withLoopbacks(ips []net.IPAddr) []net.IPAddr {
	for _, own := range []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback} {
		if !slices.ContainsFunc(ips, func(a net.IPAddr) bool { return a.IP.Equal(own) }) {
			ips = append(ips, net.IPAddr{IP: own})
		}
	}
	return ips
}
