package wire

import (
	"bufio"
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
	socks "golang.org/x/net/proxy"
)

// ProxyFor returns the proxy that the environment names for an endpoint, nil
// for none, by Python's rules, which the original follows (urllib.request's
// getproxies_environment and proxy_bypass_environment): the lower-case variable
// wins, loopback addresses are no exception, NO_PROXY holds suffixes or *.
func ProxyFor(to Endpoint, env func(string) string) (*url.URL, error) {
	name := proxyVariable(to)
	value := either(env, name)
	if value == "" || bypassed(to.Host, either(env, "no_proxy")) {
		return nil, nil
	}
	return parseProxy(value, name, "http", "https")
}

// ProxyForFiles is ProxyFor by the rules of Go's net/http, curl and the like, which downloads
// follow: ALL_PROXY is for both schemes, upper-case variables win, and a proxy may be one of
// SOCKS5. Loopback addresses are reached without one, and so is what NO_PROXY has as a network
// (10.0.0.0/8) or with a wildcard (*.example.com).
func ProxyForFiles(to Endpoint, env func(string) string) (*url.URL, error) {
	name := proxyVariable(to)
	upper := strings.ToUpper(name)
	value := cmp.Or(env(upper), env(name), env("ALL_PROXY"), env("all_proxy"))
	if value == "" || direct(to.Host, cmp.Or(env("NO_PROXY"), env("no_proxy"))) {
		return nil, nil
	}
	return parseProxy(value, name, "http", "https", "socks5", "socks5h")
}

// direct reports whether ProxyForFiles reaches a host without a proxy.
func direct(hostport, no string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(host)
	if ip.IsLoopback() || strings.EqualFold(host, "localhost") {
		return true
	}
	for _, name := range strings.Split(no, ",") {
		name = strings.TrimSpace(name)
		_, network, err := net.ParseCIDR(name)
		if err == nil && network.Contains(ip) || bypassed(hostport, strings.TrimPrefix(name, "*.")) {
			return true
		}
	}
	return false
}

// proxyVariable is the lower-case name of the variable that names the proxy for an endpoint.
func proxyVariable(to Endpoint) string {
	if to.TLS {
		return "https_proxy"
	}
	return "http_proxy"
}

// parseProxy reads the value of a variable, which may hold a password.
func parseProxy(value, name string, schemes ...string) (*url.URL, error) {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("the proxy in %s is not a URL", name)
	}
	if !slices.Contains(schemes, u.Scheme) {
		last := len(schemes) - 1
		return nil, fmt.Errorf("the proxy in %s is of the scheme %q: only %s and %s are known", name, u.Scheme, strings.Join(schemes[:last], ", "), schemes[last])
	}
	return u, nil
}

func either(env func(string) string, name string) string {
	if v := env(name); v != "" {
		return v
	}
	return env(strings.ToUpper(name))
}

func bypassed(hostport, no string) bool {
	if no == "*" {
		return true
	}
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	for _, name := range strings.Split(no, ",") {
		name = strings.ToLower(strings.TrimLeft(strings.TrimSpace(name), "."))
		if name == "" {
			continue
		}
		for _, h := range []string{strings.ToLower(host), strings.ToLower(hostport)} {
			if h == name || strings.HasSuffix(h, "."+name) {
				return true
			}
		}
	}
	return false
}

// proxyAuthorization is the header line of a proxy's user, "" without one.
func proxyAuthorization(proxy *url.URL) string {
	if proxy.User == nil {
		return ""
	}
	return "Proxy-Authorization: " + BasicAuth(proxy) + "\r\n"
}

// viaProxy rewrites the head of a plain request into the absolute form that a
// proxy needs (RFC 9112, 3.2.2).
func viaProxy(head []byte, to Endpoint, proxy *url.URL) []byte {
	method, rest, _ := strings.Cut(string(head), " ")
	line, rest, _ := strings.Cut(rest, "\r\n")
	return []byte(method + " http://" + strings.TrimSuffix(to.Host, ":80") + line + "\r\n" + proxyAuthorization(proxy) + rest)
}

// BasicAuth is the Authorization of a URL's user, "" without one.
func BasicAuth(u *url.URL) string {
	if u.User == nil {
		return ""
	}
	password, _ := u.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
}

func isSOCKS(proxy *url.URL) bool { return strings.HasPrefix(proxy.Scheme, "socks5") }

// socksTunnel asks a SOCKS5 proxy for a tunnel (RFC 1928). It is the proxy that looks up the name.
func socksTunnel(ctx context.Context, conn net.Conn, to Endpoint, proxy *url.URL, l *limits) error {
	guarded, wrong, stop := tunnelling(ctx, conn, l)
	defer stop()
	var auth *socks.Auth
	if proxy.User != nil {
		auth = &socks.Auth{User: proxy.User.Username()}
		auth.Password, _ = proxy.User.Password()
	}
	d, err := socks.SOCKS5("tcp", hostPort(proxy), auth, ready{guarded})
	if err == nil {
		_, err = d.Dial("tcp", to.Host)
	}
	if err != nil {
		return wrong("no tunnel through the proxy", err)
	}
	return nil
}

// ready is a dialer that has its connection.
type ready struct{ conn net.Conn }

func (r ready) Dial(string, string) (net.Conn, error) { return r.conn, nil }

func (r ready) DialContext(context.Context, string, string) (net.Conn, error) { return r.conn, nil }

// tunnelling prepares a connection to a proxy for the talk about a tunnel. wrong makes a
// failure of an error, and stop ends what ctx does to the connection.
func tunnelling(ctx context.Context, conn net.Conn, l *limits) (_ *guarded, wrong func(what string, err error) error, stop func() bool) {
	l.phase = Tunnelling
	guarded := &guarded{Conn: conn, limits: l}
	wrong = func(what string, err error) error {
		switch {
		case ctx.Err() != nil:
			return interrupted(ctx)
		case pastDeadline(guarded.failed): // fasthttp returns its text only
			return l.expired()
		}
		return failure(Proxy, what+": "+err.Error(), err)
	}
	return guarded, wrong, context.AfterFunc(ctx, func() { conn.Close() })
}

// connectTunnel asks a proxy for a tunnel (RFC 9110, 9.3.6).
func connectTunnel(ctx context.Context, conn net.Conn, to Endpoint, proxy *url.URL, l *limits) error {
	guarded, wrong, stop := tunnelling(ctx, conn, l)
	defer stop()
	if _, err := fmt.Fprintf(guarded, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", to.Host, to.Host, proxyAuthorization(proxy)); err != nil {
		return wrong("cannot ask the proxy for a tunnel", err)
	}
	// The proxy sends nothing after its head before we do: reading ahead is safe. A head
	// larger than the reader's buffer is an error.
	var head fasthttp.ResponseHeader
	if err := head.Read(bufio.NewReader(guarded)); err != nil {
		return wrong("no answer to CONNECT", err)
	}
	if code := head.StatusCode(); code/100 != 2 {
		return failure(Proxy, fmt.Sprintf("the proxy refuses the tunnel: %d %s", code, head.StatusMessage()), nil)
	}
	return nil
}
