//go:build unix

package server

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

const bodyLimit = 1 << 20 // bytes

// dial connects to the server, without a proxy.
func dial(ctx context.Context, base *url.URL) (net.Conn, error) {
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	d := net.Dialer{Timeout: requestLimit}
	return untilSettled(func() (net.Conn, error) {
		return d.DialContext(ctx, "tcp", net.JoinHostPort(base.Hostname(), port))
	})
}

// resetTries is how often a connection is tried that is reset while it is made.
const resetTries = 5

// untilSettled connects. A reset means that the listener was closed in that moment,
// and the next try is refused or accepted.
func untilSettled(connect func() (net.Conn, error)) (conn net.Conn, err error) {
	for range resetTries {
		if conn, err = connect(); !errors.Is(err, syscall.ECONNRESET) {
			break
		}
	}
	return conn, err
}

// get asks the server for a path, on a connection of its own. We are the side
// that closes it, so that the server neither waits for it when it stops nor has
// its port kept in TIME_WAIT.
func get(ctx context.Context, base *url.URL, path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	plain, err := dial(ctx, base)
	if err != nil {
		return 0, nil, err
	}
	defer plain.Close()
	defer context.AfterFunc(ctx, func() { plain.SetDeadline(time.Now()) })()
	conn := plain
	if base.Scheme == "https" {
		conn = tls.Client(plain, &tls.Config{ServerName: base.Hostname()})
	}
	var req fasthttp.Request
	var resp fasthttp.Response
	req.SetRequestURI(under(base, path))
	w := bufio.NewWriter(conn)
	if err := cmp.Or(req.Write(w), w.Flush()); err != nil {
		return 0, nil, err
	}
	if err := resp.ReadLimitBody(bufio.NewReader(conn), bodyLimit); err != nil {
		return 0, nil, fmt.Errorf("GET %s: %w", path, err)
	}
	return resp.StatusCode(), resp.Body(), nil
}

// under is the URL of a path below a base, whose query goes with it.
func under(base *url.URL, path string) string {
	u := url.URL{Scheme: base.Scheme, User: base.User, Host: base.Host}
	target := u.String() + strings.TrimRight(base.EscapedPath(), "/") + path
	switch {
	case base.RawQuery == "":
		return target
	case strings.Contains(path, "?"):
		return target + "&" + base.RawQuery
	}
	return target + "?" + base.RawQuery
}

// refuses reports whether the server's port is free: nothing accepts connections.
// What answers, or whether that is HTTP, does not matter. Behind a prefix it is
// also free if every connection is closed at once without an answer, as docker does
// for a published port that nothing in the container listens on.
func (s *Server) refuses(ctx context.Context) (bool, error) {
	conn, err := dial(ctx, s.base)
	switch {
	case err == nil:
		conn.Close()
	case errors.Is(err, syscall.ECONNREFUSED):
		return true, nil
	case !errors.Is(err, syscall.ECONNRESET): // which is an answer
		return false, err
	}
	if len(s.o.Prefix) == 0 {
		return false, nil
	}
	_, _, err = get(ctx, s.base, "/version")
	silent := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNREFUSED)
	return silent, nil
}

// checkFree makes sure that nothing listens on the port of a server that is to
// be started: it would be taken for it.
func (s *Server) checkFree(ctx context.Context) error {
	free, err := s.refuses(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%s is not started: cannot determine whether the port of %s is free: %w; correct the URL", s.o.Name, s.address(), err)
	case free:
		return nil
	}
	what := "something accepts connections there"
	if status, _, err := get(ctx, s.base, s.o.ReadyPath); err == nil {
		what = fmt.Sprintf("a server answers there already (status %d)", status)
	}
	if about := s.About(ctx); about != (About{}) {
		what = "a server answers there already: " + about.String()
	}
	return fmt.Errorf("%s is not started at %s: %s. It may be left from an earlier run: stop it, or choose another port", s.o.Name, s.address(), what)
}

// About is a server's own description of itself; what it does not give is "".
type About struct {
	Model   string // the first of /v1/models
	Version string // of /version
}

func (a About) String() string {
	var words []string
	if a.Model != "" {
		words = append(words, fmt.Sprintf("model %q", a.Model))
	}
	if a.Version != "" {
		words = append(words, fmt.Sprintf("version %q", a.Version))
	}
	return strings.Join(words, ", ")
}

// Differs reports whether a description contradicts an earlier one; what either leaves out does not count.
func (a About) Differs(before About) bool {
	differ := func(x, y string) bool { return x != "" && y != "" && x != y }
	return differ(a.Model, before.Model) || differ(a.Version, before.Version)
}

// About asks the server what it is.
func (s *Server) About(ctx context.Context) (a About) {
	var models struct {
		Data []struct{ ID string }
	}
	if s.ask(ctx, "/v1/models", &models); len(models.Data) > 0 {
		a.Model = models.Data[0].ID
	}
	var version struct{ Version string }
	s.ask(ctx, "/version", &version)
	a.Version = version.Version
	return a
}

// ask decodes the server's JSON answer, if there is one.
func (s *Server) ask(ctx context.Context, path string, to any) {
	if status, body, err := get(ctx, s.base, path); err == nil && status == 200 {
		_ = json.Unmarshal(body, to) // what cannot be read stays empty
	}
}
