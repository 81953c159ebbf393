package client

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"loadgen/internal/stream"
	"loadgen/internal/wire"
	"loadgen/pkg/client/answer"
)

// maxRedirects is Python's client's: the tenth is one too many.
const maxRedirects = 10

// redirected reports whether an answer sends the client elsewhere.
func redirected(a *answer.Answer) bool {
	switch a.Status {
	case 301, 302, 303, 307, 308:
		return a.Location != "" && a.Err != nil && a.Err.Class == stream.HTTPStatus
	}
	return false
}

// led is where redirects have led, "" for nowhere.
func led(to *url.URL) string {
	if to == nil {
		return ""
	}
	return to.String()
}

// location is the URL of a request.
func (c *Client) location(p *Prepared) *url.URL {
	at := c.base.ResolveReference(&url.URL{Path: "/"})
	if target, err := url.Parse(p.Target); err == nil && target.Host == "" {
		at.Path, at.RawPath, at.RawQuery = target.Path, target.RawPath, target.RawQuery
	}
	return at
}

// destination is where a Location leads, seen from an URL, with nothing in it that
// must not stand in a request line.
func destination(at *url.URL, location string) (*url.URL, error) {
	next, err := at.Parse(location)
	if err != nil || next.Host == "" || next.Scheme != "http" && next.Scheme != "https" {
		return nil, fmt.Errorf("%q is no URL to go to", Redact(location))
	}
	var query []byte
	for _, c := range []byte(next.RawQuery) {
		switch {
		case c == ' ':
			query = append(query, '+')
		case c < ' ' || c > '~':
			query = fmt.Appendf(query, "%%%02X", c)
		default:
			query = append(query, c)
		}
	}
	next.RawQuery = string(query)
	return next, nil
}

// left is how long after its start the next hop is to be cancelled, so that all hops together have the
// time that the first one had; 0 for not.
func left(hop *wire.Exchange, now time.Duration) time.Duration {
	if hop.DropAfter == 0 {
		return 0
	}
	return max(1, hop.DropAfter-(now-hop.Start))
}

// follow is the request that follows a redirect: 307 and 308 repeat it, the
// others make it a GET. Headers that may hold a key are not carried to another host.
func follow(p *Prepared, status int, from, to *url.URL) *Prepared {
	q := &Prepared{Method: p.Method, Target: to.RequestURI(), Body: p.Body, PromptLen: p.PromptLen, OutputLen: p.OutputLen, asked: p.asked, number: p.number, generated: p.generated}
	if status != 307 && status != 308 {
		q.Method, q.Body = "GET", nil
	}
	for _, l := range p.Header {
		switch name := strings.ToLower(l[0]); name {
		case "host":
			l[1] = to.Host
		case "content-length":
			if q.Body == nil {
				continue
			}
		default:
			if !slices.Contains(plainHeaders, name) && (from.Host != to.Host || from.Scheme != to.Scheme) {
				continue
			}
		}
		q.Header = append(q.Header, l)
	}
	q.head = renderHead(q)
	return q
}
