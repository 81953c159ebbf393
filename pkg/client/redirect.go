package client

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"loadgen/internal/fetch"
	"loadgen/internal/stream"
	"loadgen/internal/wire"
	"loadgen/pkg/client/answer"
)

// redirected reports whether an answer sends the client elsewhere.
func redirected(a *answer.Answer) bool {
	return a.Err != nil && a.Err.Class == stream.HTTPStatus && stream.Redirects(a)
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

// destination is where a Location leads, seen from an URL.
func destination(at *url.URL, location string) (*url.URL, error) {
	if next := fetch.Destination(at, location); next != nil {
		return next, nil
	}
	return nil, fmt.Errorf("%q is no URL to go to", Redact(location))
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
	var header [][2]string
	for _, l := range p.Header() {
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
		header = append(header, l)
	}
	q.head = wire.AppendRequestHead(nil, q.Method, q.Target, header)
	return q
}
