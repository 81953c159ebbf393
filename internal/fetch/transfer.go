package fetch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"loadgen/internal/stream"
	"loadgen/internal/wire"
)

// MostRedirects is how many answers to a request may be redirects: the last is one too many.
const MostRedirects = 10

// mostDropped is how much of a body that nobody wants is read, so that its connection may carry
// the next request.
const mostDropped = 64 << 10

// transfer is one exchange: a request that was not redirected, or from one redirect to the next.
type transfer struct {
	r         *Request
	first, at *url.URL

	answer  *Answer  // once its head is here
	next    *url.URL // where it redirects to, nil where it is the answer
	to      io.Writer
	dropped int
	err     error
	whole   bool // all of the answer is here
}

// send asks for the file and reads the answer.
func (t *transfer) send(ctx context.Context, transport Transport) {
	method := cmp.Or(t.r.Method, "GET")
	header := [][2]string{{"Host", t.at.Host}, {"User-Agent", "loadgen"}, {"Accept-Encoding", "identity"}}
	if t.r.Authorization != "" {
		header = append(header, [2]string{"Authorization", t.r.Authorization})
	}
	if t.r.Range != "" {
		header = append(header, [2]string{"Range", t.r.Range})
	}
	var a stream.Answer
	o := stream.Options{Raw: true, File: &stream.File{Bodiless: method == "HEAD", Head: t.head, Body: t.body}}
	o.Body = int(t.r.Most)
	transport.Do(ctx, &wire.Exchange{To: wire.EndpointOf(t.at), Head: wire.AppendRequestHead(nil, method, t.at.RequestURI(), header),
		Sink: stream.NewDecoder(o, &a)})
	switch {
	case t.err != nil:
	case t.answer == nil && a.Err == nil:
		t.err = &UnreachableError{t.at.Host, errors.New("there was no answer")}
	case t.answer == nil:
		t.err = &UnreachableError{t.at.Host, brokenError{a.Err}}
	case a.Err != nil && t.to != nil:
		t.err = brokenError{a.Err}
	default:
		t.whole = true
	}
}

// head takes the head of the answer.
func (t *transfer) head(a *stream.Answer, lines []byte) (more bool) {
	t.answer = &Answer{Status: a.Status, Reason: a.Reason, Host: t.at.Host, lines: bytes.Clone(lines)}
	if stream.Redirects(a) {
		next := Destination(t.at, a.Location)
		switch {
		case next == nil:
			t.err = &UnreachableError{t.at.Host, fmt.Errorf("it answers %v and redirects to no URL of a file", t.answer)}
			return false
		case !t.r.Near || next.Host == t.first.Host:
			t.next = next
			return true
		}
	}
	if t.r.Body != nil {
		t.to, t.err = t.r.Body(t.answer)
	}
	return t.err == nil
}

// body takes a piece of the body.
func (t *transfer) body(p []byte) (more bool) {
	if t.to == nil || t.next != nil {
		t.dropped += len(p)
		return t.dropped <= mostDropped
	}
	_, t.err = t.to.Write(p)
	return t.err == nil
}

// Destination is where a Location leads, seen from a URL, with nothing in it that must not stand
// in a request line; nil where that is no URL to go to.
func Destination(at *url.URL, location string) *url.URL {
	next, err := at.Parse(location)
	if err != nil || next.Host == "" || next.Scheme != "http" && next.Scheme != "https" {
		return nil
	}
	var query strings.Builder
	for _, c := range []byte(next.RawQuery) {
		switch {
		case c == ' ':
			query.WriteByte('+')
		case c < ' ' || c > '~':
			fmt.Fprintf(&query, "%%%02X", c)
		default:
			query.WriteByte(c)
		}
	}
	next.RawQuery = query.String()
	return next
}
