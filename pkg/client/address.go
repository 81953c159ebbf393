package client

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"loadgen/internal/lazy"
	"loadgen/internal/wire"
)

// address is where a server is, as its base URL says.
type address struct {
	base *url.URL // of TCP or of a socket: what paths are under
	to   wire.Endpoint
	auth string // of a user in the URL: the value of Authorization, else ""
}

// parseBase reads the server's URL. A bad one is an error of the requests, as
// with the original, not of the client.
func parseBase(text string) (address, *Error) {
	nowhere := &url.URL{Scheme: "http", Host: "localhost"}
	bad := &Error{Class: "bad_url", Exception: true,
		Message: fmt.Sprintf("bad_url: not a server URL: %q; expected http://HOST:PORT, https://HOST or unix:PATH", Redact(text))}
	base, err := url.Parse(text)
	switch {
	case err == nil && base.Scheme == "unix" && base.Host == "" && base.Opaque+base.Path != "":
		return address{base: nowhere, to: wire.EndpointOf(base)}, nil
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || strings.ContainsAny(base.Host, " \t"):
		return address{base: nowhere, to: wire.EndpointOf(nowhere)}, bad
	}
	if port := base.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return address{base: nowhere, to: wire.EndpointOf(nowhere)}, bad
		}
	}
	return address{base: base, to: wire.EndpointOf(base), auth: wire.BasicAuth(base)}, nil
}

// CheckURL returns what is wrong with a server's URL, nil for nothing.
func CheckURL(text string) error {
	if _, bad := parseBase(text); bad != nil {
		return bad
	}
	return nil
}

// endpoint is where a redirect goes: the base's host stays behind its Unix socket.
func (a address) endpoint(u *url.URL) wire.Endpoint {
	if a.to.Unix != "" && u.Scheme == a.base.Scheme && u.Host == a.base.Host {
		return a.to
	}
	return wire.EndpointOf(u)
}

// version is the API's version at the end of a base URL, where OpenAI's clients have it.
var version = lazy.Regexp(`/v[0-9]+/?$`)

// target is the request target of a path under the base URL. A base URL that ends in
// the API's version has it but once.
func (a address) target(path string) string {
	prefix := a.base.EscapedPath()
	if at := version.Get().FindStringIndex(prefix); at != nil {
		path = "/" + strings.TrimPrefix(path, "/")
		if _, rest, found := strings.Cut(strings.TrimPrefix(path, "/"), "/"); found && version.Get().MatchString(path[:len(path)-len(rest)]) {
			path = "/" + rest
		}
		prefix = strings.TrimSuffix(prefix, "/")
	}
	return a.withQuery(prefix + path)
}

// root is the request target of a path that is no part of OpenAI's API: it lies beside
// the version, not under it.
func (a address) root(path string) string {
	prefix := a.base.EscapedPath()
	if at := version.Get().FindStringIndex(prefix); at != nil {
		prefix, path = prefix[:at[0]], "/"+strings.TrimPrefix(path, "/")
	}
	return a.withQuery(prefix + path)
}

func (a address) withQuery(target string) string {
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	if a.base.RawQuery == "" {
		return target
	}
	join := "?"
	if strings.Contains(target, "?") { // the endpoint has parameters of its own
		join = "&"
	}
	return target + join + a.base.RawQuery
}
