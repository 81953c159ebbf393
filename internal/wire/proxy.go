package wire

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// ProxyFor returns the proxy that the environment names for an endpoint, nil
// for none, by Python's rules, which the original follows (urllib.request's
// getproxies_environment and proxy_bypass_environment): the lower-case variable
// wins, loopback addresses are no exception, NO_PROXY holds suffixes or *.
func ProxyFor(to Endpoint, env func(string) string) (*url.URL, error) {
	scheme := "http"
	if to.TLS {
		scheme = "https"
	}
	value := either(env, scheme+"_proxy")
	if value == "" || bypassed(to.Host, either(env, "no_proxy")) {
		return nil, nil
	}
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		// The value may hold a password.
		return nil, fmt.Errorf("the proxy in %s_proxy is not a URL", scheme)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the proxy in %s_proxy is of the scheme %q: only http and https are known", scheme, u.Scheme)
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
	password, _ := proxy.User.Password()
	return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password)) + "\r\n"
}

// viaProxy rewrites the head of a plain request into the absolute form that a
// proxy needs (RFC 9112, 3.2.2).
func viaProxy(head []byte, to Endpoint, proxy *url.URL) []byte {
	method, rest, _ := strings.Cut(string(head), " ")
	line, rest, _ := strings.Cut(rest, "\r\n")
	return []byte(method + " http://" + strings.TrimSuffix(to.Host, ":80") + line + "\r\n" + proxyAuthorization(proxy) + rest)
}

// connectTunnel asks a proxy for a tunnel (RFC 9110, 9.3.6).
func connectTunnel(ctx context.Context, conn net.Conn, to Endpoint, proxy *url.URL, l *limits) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	l.phase = Tunnelling
	guarded := &guarded{Conn: conn, limits: l}
	wrong := func(what string, err error) error {
		switch {
		case ctx.Err() != nil:
			return interrupted(ctx)
		case pastDeadline(guarded.failed): // fasthttp returns its text only
			return l.expired()
		}
		return failure(Proxy, what+": "+err.Error(), err)
	}
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
