package stream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

// Limits on a response head. Python's client takes 128 header lines whose names
// and values are of at most 8,190 bytes; the strict mode is wider, so that no
// proxy's chatter fails a request.
const (
	maxHead            = 256 << 10 // Limits.Head's default
	maxHeadersOriginal = 128
	maxFieldOriginal   = 8190
)

// framing says where a body ends.
type framing uint8

const (
	untilClose framing = iota
	byLength
	chunked
)

// head is what the decoder needs of a response head.
type head struct {
	status   int
	framing  framing
	length   int64
	keep     bool // the connection may carry another request
	encoding string
}

// headEnd returns the length of the head at the start of b, its blank line
// included, 0 if b does not hold all of it. Lines end with LF or CRLF. from is
// where to go on looking.
func headEnd(b []byte, from int) int {
	for i := max(from-3, 0); i < len(b); i++ {
		if b[i] != '\n' {
			continue
		}
		rest := b[i+1:]
		if len(rest) > 0 && rest[0] == '\n' {
			return i + 2
		}
		if len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n' {
			return i + 3
		}
	}
	return 0
}

// parseHead reads one whole head into a.
func parseHead(b []byte, mode Mode, a *Answer) (head, error) {
	var h head
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	version, status, ok := strings.Cut(strings.TrimRight(string(line), "\r"), " ")
	if !ok || !strings.HasPrefix(version, "HTTP/1.") {
		return h, fmt.Errorf("the answer does not begin with an HTTP/1 status line but with %q", clip(line, 60))
	}
	code, reason, _ := strings.Cut(status, " ")
	var err error
	if h.status, err = strconv.Atoi(code); err != nil || len(code) != 3 {
		return h, fmt.Errorf("bad status %q", clip(line, 60))
	}
	if mode == Original {
		if err := checkOriginal(rest); err != nil {
			return h, err
		}
	}
	lengths, codings := values(rest, "content-length"), values(rest, "transfer-encoding")
	length, err := oneLength(lengths)
	if err != nil {
		return h, err
	}
	var f fasthttp.ResponseHeader
	f.SetNoDefaultContentType(true)
	if err := f.Read(bufio.NewReaderSize(bytes.NewReader(canonical(b)), len(b)+64)); err != nil {
		text, _, _ := strings.Cut(err.Error(), ": buffer size=") // what follows is the head
		return h, errors.New(text)
	}
	a.Status, a.Reason = h.status, surrogateEscape(strings.TrimRight(reason, "\r"))
	a.ContentType = string(f.ContentType())
	if a.Location = string(f.Peek("Location")); a.Location == "" {
		a.Location = string(f.Peek("URI")) // HTTP/1.0's, which the original follows
	}
	h.encoding = strings.ToLower(strings.TrimSpace(string(f.Peek("Content-Encoding"))))
	a.ContentEncoding = h.encoding
	// After a 101 the connection speaks another protocol, which nobody asked for.
	h.keep = version != "HTTP/1.0" && h.status != 101 && !strings.Contains(strings.ToLower(strings.Join(values(rest, "connection"), ",")), "close")
	switch {
	case h.status == 204 || h.status == 304 || h.status/100 == 1:
		h.framing = byLength
	case len(codings) > 0:
		if mode == Original && len(lengths) > 0 {
			return h, errBoth
		}
		if lastCoding(codings) == "chunked" {
			h.framing = chunked
		}
	case len(lengths) > 0:
		h.framing, h.length = byLength, length
	}
	return h, nil
}

// Redirects reports whether an answer sends the client elsewhere.
func Redirects(a *Answer) bool {
	switch a.Status {
	case 301, 302, 303, 307, 308:
		return a.Location != ""
	}
	return false
}

var (
	errLengths = errors.New("more than one Content-Length")
	errBoth    = errors.New("both a Content-Length and a Transfer-Encoding")
)

// checkOriginal rejects what Python's client rejects in header lines, and the
// strict mode can do with.
func checkOriginal(header []byte) error {
	if bytes.Count(header, []byte("\n"))-1 > maxHeadersOriginal {
		return fmt.Errorf("more than %d header lines", maxHeadersOriginal)
	}
	for line := range bytes.Lines(header) {
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if !found || line[0] == ' ' || line[0] == '\t' { // the end, or more of the line before
			continue
		}
		if bytes.ContainsAny(name, " \t") {
			return fmt.Errorf("a blank in the header's name %q", clip(name, 60))
		}
		if len(name) > maxFieldOriginal || len(bytes.TrimLeft(value, " \t")) > maxFieldOriginal {
			return fmt.Errorf("a header line of more than %d bytes: %q", maxFieldOriginal, clip(name, 60))
		}
	}
	return nil
}

// canonical is a head as fasthttp reads it: its lines end with CRLF, and no
// transfer coding is named that it does not know.
func canonical(b []byte) []byte {
	out := make([]byte, 0, len(b)+bytes.Count(b, []byte("\n")))
	for line := range bytes.Lines(b) {
		if name, _, _ := bytes.Cut(line, []byte(":")); !strings.EqualFold(string(name), "transfer-encoding") {
			line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
			out = append(append(out, line...), "\r\n"...)
		}
	}
	return out
}

// values returns what the lines of a name hold, folded ones whole.
func values(header []byte, name string) (all []string) {
	found := false
	for line := range bytes.Lines(header) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		switch folded := line[0] == ' ' || line[0] == '\t'; {
		case folded && found:
			all[len(all)-1] += " " + trim(line)
		case !folded:
			if found = strings.EqualFold(string(key), name); found {
				all = append(all, trim(value))
			}
		}
	}
	return all
}

func trim(b []byte) string { return string(bytes.Trim(b, " \t\r\n")) }

// lastCoding is the coding that was applied last, which tells the framing.
func lastCoding(codings []string) string {
	all := strings.ToLower(strings.Join(codings, ","))
	return strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
}

// oneLength reads a Content-Length, 0 where there is none, and rejects a repeated
// or malformed one.
func oneLength(values []string) (int64, error) {
	switch len(values) {
	case 0:
		return 0, nil
	case 1:
		n, err := strconv.ParseUint(values[0], 10, 62)
		if err != nil {
			return 0, fmt.Errorf("bad Content-Length %q", clip([]byte(values[0]), 40))
		}
		return int64(n), nil
	}
	return 0, errLengths
}

// clip cuts b to at most n bytes for a message.
func clip(b []byte, n int) []byte {
	if len(b) > n {
		return append(bytes.Clone(b[:n]), "..."...)
	}
	return bytes.TrimRight(b, "\r\n")
}
