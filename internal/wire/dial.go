package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"syscall"
	"time"

	"loadgen/internal/packets"
)

// DialFunc makes a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialer connects to endpoints.
type dialer struct {
	*resolver
	dial DialFunc
	env  func(string) string
	// proxy finds the proxy for an endpoint.
	proxy  func(to Endpoint, env func(string) string) (*url.URL, error)
	byName bool
	tls    *tls.Config
	// packets follows the packets of connections, nil where nobody does.
	packets *packets.Table
}

func newDialer(o Options) *dialer {
	d := &dialer{resolver: newResolver(o), dial: o.Dial, env: o.Env, proxy: o.Proxy, byName: o.ByName, tls: o.TLSConfig, packets: o.Packets}
	if d.proxy == nil {
		d.proxy = ProxyFor
	}
	if d.dial == nil {
		// The happy-eyeballs delay is of no use where addresses are tried one by one.
		d.dial = (&net.Dialer{Control: enableStamps(o.Stamps), KeepAlive: 30 * time.Second}).DialContext
	}
	return d
}

// route is the way to an endpoint.
type route struct {
	to        Endpoint
	proxy     *url.URL // nil for none
	next      Endpoint // the proxy, or to itself
	addresses []string // of next
}

// find finds the way to an endpoint.
func (d *dialer) find(ctx context.Context, to Endpoint) (route, error) {
	r := route{to: to, next: to}
	if to.Unix != "" {
		r.addresses = []string{to.Unix}
		return r, nil
	}
	var err error
	if r.proxy, err = d.proxy(to, d.env); err != nil {
		return r, failure(Proxy, err.Error(), err)
	}
	if r.proxy != nil {
		r.next = Endpoint{TLS: r.proxy.Scheme == "https", Host: hostPort(r.proxy)}
	}
	if d.byName {
		r.addresses = []string{r.next.Host}
	} else if r.addresses, err = d.resolve(ctx, r.next.Host); err != nil {
		err = r.viaProxy(err)
	}
	return r, err
}

// viaProxy blames the proxy, if there is one, for what went wrong on the way to it.
func (r *route) viaProxy(err error) error {
	e := classify(err)
	if r.proxy == nil || e.Class == Interrupted {
		return e
	}
	class := Proxy
	if e.Class == Timeout || e.Class == IdleTimeout {
		class = e.Class
	}
	return failure(class, "the proxy "+r.proxy.Redacted()+" cannot be reached: "+e.Message, e)
}

// connect returns a connection that is ready for a request, and the proxy that
// needs it in absolute form, if any.
func (d *dialer) connect(ctx context.Context, r route, l *limits) (net.Conn, *url.URL, error) {
	conn, err := d.open(ctx, r, l)
	if err == nil && r.next.TLS {
		conn, err = d.secure(ctx, conn, r.next.Host, l)
	}
	switch {
	case err != nil:
		return nil, nil, r.viaProxy(err)
	case r.proxy == nil:
		return conn, nil, nil
	case isSOCKS(r.proxy):
		err = socksTunnel(ctx, conn, r.to, r.proxy, l)
	case !r.to.TLS:
		return conn, r.proxy, nil
	default:
		err = connectTunnel(ctx, conn, r.to, r.proxy, l)
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	if r.to.TLS {
		conn, err = d.secure(ctx, conn, r.to.Host, l)
	}
	return conn, nil, err
}

// open connects to the first of the addresses that takes one.
func (d *dialer) open(ctx context.Context, r route, l *limits) (net.Conn, error) {
	l.phase = Connecting
	dialing, cancel := l.context(ctx)
	defer cancel()
	network := "tcp"
	if r.next.Unix != "" {
		network = "unix"
	}
	var first error // it tells more than that of a family that the system does not have
	for _, a := range r.addresses {
		expect(d.packets, a)
		conn, err := d.dialPatiently(dialing, network, a)
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil:
			return nil, interrupted(ctx)
		case dialing.Err() != nil, pastDeadline(err) && !l.next().IsZero():
			return nil, l.expired()
		case first == nil:
			first = err
		}
	}
	return nil, first
}

// unixPause is how long a Unix socket whose backlog is full is left alone. Where TCP
// waits, the kernel answers EAGAIN.
const unixPause = time.Millisecond

func (d *dialer) dialPatiently(ctx context.Context, network, address string) (net.Conn, error) {
	for {
		conn, err := d.dial(ctx, network, address)
		if network != "unix" || !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		pause := time.NewTimer(unixPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, ctx.Err()
		}
	}
}

// hostPort is the host:port of a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	case isSOCKS(u):
		port = "1080"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// EndpointOf is the endpoint of a URL: http://, https://, or unix:PATH, where PATH is that
// of a socket on which HTTP is spoken.
func EndpointOf(u *url.URL) Endpoint {
	if u.Scheme == "unix" {
		path := u.Path
		if relative, err := url.PathUnescape(u.Opaque); err == nil && relative != "" {
			path = relative
		}
		return Endpoint{Host: "localhost:80", Unix: path}
	}
	return Endpoint{TLS: u.Scheme == "https", Host: hostPort(u)}
}
