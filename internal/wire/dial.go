package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// DialFunc makes a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialer connects to endpoints. Each host is resolved once.
type dialer struct {
	dial DialFunc
	env  func(string) string
	tls  *tls.Config

	mu        sync.Mutex
	addresses map[string][]string
}

func newDialer(o Options) *dialer {
	d := &dialer{dial: o.Dial, env: o.Env, tls: o.TLSConfig, addresses: map[string][]string{}}
	if d.dial == nil {
		// The happy-eyeballs delay is left out: addresses are tried one by one.
		d.dial = (&net.Dialer{Control: enableStamps(o.Stamps), KeepAlive: 30 * time.Second}).DialContext
	}
	return d
}

// connect returns a connection that is ready for a request, and the proxy that
// wants it in absolute form, if any.
func (d *dialer) connect(ctx context.Context, to Endpoint) (net.Conn, *url.URL, error) {
	proxy, err := ProxyFor(to, d.env)
	if err != nil {
		return nil, nil, failure(Proxy, err.Error(), err)
	}
	if proxy == nil {
		conn, err := d.open(ctx, to)
		return conn, nil, err
	}
	next := Endpoint{TLS: proxy.Scheme == "https", Host: hostPort(proxy)}
	conn, err := d.open(ctx, next)
	if err != nil {
		e := classify(err)
		return nil, nil, failure(Proxy, "the proxy "+proxy.Redacted()+" cannot be reached: "+e.Message, err)
	}
	if !to.TLS {
		return conn, proxy, nil
	}
	if err := connectTunnel(ctx, conn, to, proxy); err != nil {
		conn.Close()
		return nil, nil, err
	}
	conn, err = d.secure(ctx, conn, to)
	return conn, nil, err
}

// open makes a connection to an endpoint itself.
func (d *dialer) open(ctx context.Context, to Endpoint) (net.Conn, error) {
	addresses, err := d.resolve(ctx, to.Host)
	if err != nil {
		return nil, err
	}
	var conn net.Conn
	for _, a := range addresses {
		var failed error
		if conn, failed = d.dial(ctx, "tcp", a); failed == nil {
			err = nil
			break
		}
		if err == nil { // the first address tells more than one of a family that is not there
			err = failed
		}
	}
	if err != nil || !to.TLS {
		return conn, err
	}
	return d.secure(ctx, conn, to)
}

// handshakeLimit bounds a TLS handshake: a server that does not speak TLS may wait
// for ever for the end of what it takes for a request. It is asyncio's.
const handshakeLimit = time.Minute

func (d *dialer) secure(ctx context.Context, conn net.Conn, to Endpoint) (net.Conn, error) {
	config := d.tls.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(to.Host)
	}
	secure := tls.Client(conn, config)
	shaking, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	if err := secure.HandshakeContext(shaking); err != nil {
		conn.Close()
		if ctx.Err() == nil && shaking.Err() != nil {
			return nil, failure(TLS, fmt.Sprintf("no handshake within %v: does the server speak TLS at all?", handshakeLimit), err)
		}
		if e := classify(err); e.Class != Network {
			return nil, e
		}
		return nil, failure(TLS, err.Error(), err)
	}
	return secure, nil
}

// resolve returns the addresses of host:port, asked for once in a run.
func (d *dialer) resolve(ctx context.Context, hostport string) ([]string, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || net.ParseIP(host) != nil {
		return []string{hostport}, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.addresses[hostport]; known != nil {
		return known, nil
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if strings.EqualFold(host, "localhost") && ctx.Err() == nil {
		ips, err = withLoopbacks(ips), nil
	}
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, ip := range ips {
		addresses = append(addresses, net.JoinHostPort(ip.String(), port))
	}
	d.addresses[hostport] = addresses
	return addresses, nil
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

// hostPort is the host:port of a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// EndpointOf is the endpoint of a URL.
func EndpointOf(u *url.URL) Endpoint {
	return Endpoint{TLS: u.Scheme == "https", Host: hostPort(u)}
}
