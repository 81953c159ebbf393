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

// Limits on a response head. Python's client takes 128 header lines of 8,190
// bytes; the strict mode is wider, so that no proxy's chatter fails a request.
const (
	maxHead            = 256 << 10
	maxHeadersOriginal = 128
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
	if mode == Original && bytes.Count(rest, []byte("\n"))-1 > maxHeadersOriginal {
		return h, fmt.Errorf("more than %d header lines", maxHeadersOriginal)
	}
	if err := oneLength(rest); err != nil {
		return h, err
	}
	var f fasthttp.ResponseHeader
	f.SetNoDefaultContentType(true)
	if err := f.Read(bufio.NewReaderSize(bytes.NewReader(canonical(b)), len(b)+64)); err != nil {
		return h, err
	}
	a.Status, a.Reason = h.status, surrogateEscape(strings.Trim(reason, " \t"))
	a.ContentType = string(f.ContentType())
	a.Location = string(f.Peek("Location"))
	h.encoding = strings.ToLower(strings.TrimSpace(string(f.Peek("Content-Encoding"))))
	a.ContentEncoding = h.encoding
	h.keep = !f.ConnectionClose() && version != "HTTP/1.0"
	switch codings := strings.ToLower(string(f.Peek("Transfer-Encoding"))); {
	case h.status == 204 || h.status == 304 || h.status/100 == 1:
		h.framing = byLength
	case strings.HasSuffix(strings.TrimSpace(codings), "chunked") || f.ContentLength() == -1:
		h.framing = chunked
	case f.ContentLength() >= 0 && hasLength(rest):
		h.framing, h.length = byLength, int64(f.ContentLength())
	}
	return h, nil
}

// canonical is a head whose lines end with CRLF, as fasthttp wants them.
func canonical(b []byte) []byte {
	if bytes.Count(b, []byte("\n")) == bytes.Count(b, []byte("\r\n")) {
		return b
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}

// lengths returns the values of the Content-Length lines.
func lengths(header []byte) (values []string) {
	for line := range bytes.Lines(header) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if strings.EqualFold(string(name), "content-length") {
			values = append(values, strings.TrimSpace(string(value)))
		}
	}
	return values
}

func hasLength(header []byte) bool { return len(lengths(header)) > 0 }

var errLengths = errors.New("more than one Content-Length")

// oneLength rejects a repeated or malformed Content-Length.
func oneLength(header []byte) error {
	values := lengths(header)
	if len(values) > 1 {
		return errLengths
	}
	for _, v := range values {
		if _, err := strconv.ParseUint(v, 10, 62); err != nil {
			return fmt.Errorf("bad Content-Length %q", clip([]byte(v), 40))
		}
	}
	return nil
}

// clip cuts b to at most n bytes for a message.
func clip(b []byte, n int) []byte {
	if len(b) > n {
		return append(bytes.Clone(b[:n]), "..."...)
	}
	return bytes.TrimRight(b, "\r\n")
}
