package stream

import (
	"bytes"
	"cmp"
	"time"
)

// phase is which part of an answer the decoder expects.
type phase uint8

const (
	inHead phase = iota
	inBody
	over
)

// Decoder reads one answer, fed in any pieces. What each event needs comes first:
// with thousands of streams every cache line that it touches is fetched anew.
type Decoder struct {
	a       *Answer
	reader  *messageReader
	inflate *inflater
	at      time.Duration // stamp of the bytes at hand
	fresh   int           // events before the bytes of this stamp
	after   bool          // more than blank lines followed the last event in the bytes of this stamp
	o       Options
	phase   phase
	chunks  dechunker
	sse     sseState
	buf     []byte // the head, the whole body, or the line at hand

	head     head
	headSize int    // bytes of the head
	settled  int    // events whose stamps are no longer in doubt
	left     int64  // bytes of a body given by length
	size     int    // bytes of the head so far, then of the decoded body
	packed   int    // bytes of a compressed body so far
	trouble  *Error // of a strict stream that is read to its end all the same
	several  bool   // there was another choice than choice 0
	counts   choiceCounts
	brought  int  // events that brought tokens, of a stream to be cancelled
	ending   bool // a strict stream has its finish reason and the usage: [DONE] is all that may follow
	complete bool // a strict stream has ended; its body may go on
}

// NewDecoder returns a decoder of one answer into a.
func NewDecoder(o Options, a *Answer) *Decoder {
	a.Usage, a.SeenUsage = unknown, unknown
	o.Limits = o.Limits.withDefaults(o)
	return &Decoder{o: o, a: a, reader: newMessageReader(o)}
}

// Feed takes bytes that arrived at the given instant. It returns true when the
// answer is over: nothing more must be fed.
func (d *Decoder) Feed(p []byte, at time.Duration) (done bool) {
	if d.phase == over || len(p) == 0 {
		return d.phase == over
	}
	if d.a.FirstByte == 0 {
		d.a.FirstByte = at
	}
	if at != d.at { // else it may have arrived together with what was fed before
		d.fresh, d.after = len(d.a.Events), false
	}
	if d.at = at; !d.complete {
		d.a.LastByte = at
	}
	if d.phase == inHead {
		d.feedHead(p)
	} else {
		d.feedBody(p)
	}
	return d.phase == over
}

// End tells that the connection is over: nil for the peer's orderly end, else
// why. It does nothing to an answer that is complete.
func (d *Decoder) End(at time.Duration, err *Error) {
	if d.phase == over {
		return
	}
	d.at, d.fresh = at, len(d.a.Events)
	switch {
	case d.complete || d.ending && d.phase == inBody:
		if string(bytes.TrimSpace(d.buf)) != "data: [DONE]" {
			d.buf = nil
		}
		d.sse.pending = nil
		d.streamEnd() // the answer was over before its connection
		return
	case d.phase == inHead && err == nil && len(d.buf) == 0:
		err = newError(Closed, "the server closed the connection without an answer")
	case d.phase == inHead && err == nil:
		err = newError(Cut, "the connection ended within the answer's head")
	case d.phase == inHead:
	case d.a.Status != 200 && !d.o.Raw:
		d.finish()
		return
	case d.head.framing == untilClose && (err == nil || d.o.Mode == Original && err.Class == Reset):
		d.finish()
		return
	case d.head.framing == untilClose && err.Class == Reset && d.o.Streaming: // the original takes it for the end
		d.trouble = cmp.Or(d.trouble, err)
		d.finish()
		return
	case err == nil:
		err = newError(Cut, "the connection ended before the answer did")
	}
	d.fail(err)
}

// Failing reports whether what is still to come is not worth a long wait: the answer is
// a failure, and only the server's message about it is missing, or it is complete but for
// the end of its body.
func (d *Decoder) Failing() bool {
	return d.phase == inBody && !d.o.Raw && (d.a.Status != 200 || d.trouble != nil || d.ending || d.complete)
}

// Reusable reports whether the connection may carry another request.
func (d *Decoder) Reusable() bool { return d.a.Reusable }

// Reset is the class of a connection reset by the peer; the original takes one
// for the end of a body that has no other.
const Reset Class = "reset"

// fail ends the answer with an error that the original meets, too.
func (d *Decoder) fail(err *Error) {
	d.a.OriginalFailed = true
	if d.trouble != nil {
		err = d.trouble
	}
	d.stop(err)
}

func (d *Decoder) stop(err *Error) {
	d.a.Err = err
	d.a.HasDecodedPerIter = d.a.HasDecodedPerIter && (err == nil || d.o.Streaming)
	d.phase, d.buf = over, nil
	if d.inflate != nil {
		d.inflate.close()
	}
}

func (d *Decoder) feedHead(p []byte) {
	if len(d.buf) == 0 {
		p = bytes.TrimLeft(p, "\r\n") // some servers end the answer before with one line too many
	}
	before := len(d.buf)
	d.buf = append(d.buf, p...)
	d.size += len(p) + 1 // feeding nothing but blank lines has an end, too
	for {
		n := headEnd(d.buf, before)
		if n == 0 {
			d.checkStart()
			return
		}
		h, err := parseHead(d.buf[:n], d.o.Mode, d.a)
		if err != nil {
			d.fail(newError(BadHTTP, "%v", err))
			return
		}
		lines, rest := d.buf[:n], d.buf[n:]
		if h.status/100 == 1 && h.status != 101 {
			d.buf, before = append(d.buf[:0], rest...), 0
			if d.size-len(rest) > d.o.Head {
				d.fail(newError(BadHTTP, "the informational answers are longer than %d bytes", d.o.Head))
				return
			}
			continue
		}
		if f := d.o.File; f != nil && !f.begin(&h, d.a, lines) {
			d.stop(nil)
			return
		}
		d.head, d.headSize, d.left, d.phase, d.size = h, n, h.length, inBody, 0
		d.buf = nil
		d.beginBody(rest)
		return
	}
}

// checkStart fails an unfinished head that is none, or too long to be one.
func (d *Decoder) checkStart() {
	const start = "HTTP/1."
	if n := min(len(d.buf), len(start)); string(d.buf[:n]) != start[:n] {
		d.fail(newError(BadHTTP, "the answer does not begin with an HTTP/1 status line but with %q", clip(d.buf, 60)))
	} else if max(d.size, len(d.buf)) > d.o.Head {
		d.fail(newError(BadHTTP, "the answer's head is longer than %d bytes", d.o.Head))
	}
}

func (d *Decoder) beginBody(p []byte) {
	if d.a.Status != 200 && !d.o.Raw && (d.o.Mode == Original || Redirects(d.a)) {
		// The original waits for no more; what is here already may hold the reason.
		d.feedBody(p)
		d.finish()
		return
	}
	if d.head.encoding == "x-gzip" && d.o.Mode == Strict { // Python's client does not know it
		d.head.encoding = "gzip"
	}
	switch d.head.encoding {
	case "gzip", "deflate":
		d.inflate = newInflater(d.head.encoding, func(p []byte) bool {
			d.content(p)
			return d.phase != over
		})
	case "br", "zstd":
		if d.a.Status == 200 {
			d.fail(newError(BadEncoding, "the answer is compressed as %q, which was not asked for", d.head.encoding))
			return
		}
	}
	if d.head.framing == byLength && d.left == 0 {
		d.a.Reusable = d.head.keep && len(p) == 0
		d.finish()
		return
	}
	d.feedBody(p)
}

// feedBody takes the framing off.
func (d *Decoder) feedBody(p []byte) {
	switch d.head.framing {
	case untilClose:
		d.decoded(p)
	case byLength:
		n := min(d.left, int64(len(p)))
		d.left -= n
		d.decoded(p[:n])
		if d.left == 0 && d.phase != over {
			d.a.Reusable = d.head.keep && int(n) == len(p)
			d.finish()
		}
	case chunked:
		for d.phase != over {
			data, rest, err := d.chunks.next(p)
			switch {
			case d.chunks.spent > d.o.Body:
				d.fail(newError(TooLong, "the extensions of the answer's chunks are longer than %d bytes", d.o.Body))
				return
			case err != nil:
				d.fail(newError(BadHTTP, "%v", err))
				return
			case len(data) > 0:
				d.decoded(data)
			case d.chunks.state == atEnd:
				d.a.Reusable = d.head.keep && len(rest) == 0
				d.finish()
				return
			default:
				return
			}
			p = rest
		}
	}
}

// decoded takes the content coding off.
func (d *Decoder) decoded(p []byte) {
	switch {
	case len(p) == 0:
	case d.inflate == nil:
		d.content(p)
	case d.packed+len(p) > d.o.Body: // which may hold little or nothing
		d.fail(newError(TooLong, "the answer is longer than %d bytes, compressed as it is", d.o.Body))
	default:
		d.packed += len(p)
		if !d.inflate.feed(p) {
			d.checkInflate()
		}
	}
}

// checkInflate fails an answer whose coding is broken.
func (d *Decoder) checkInflate() {
	if d.phase != over && d.inflate.err != nil {
		d.fail(newError(BadEncoding, "%s: %v", d.head.encoding, d.inflate.err))
	}
}

// content takes bytes of the body proper.
func (d *Decoder) content(p []byte) {
	switch {
	case d.phase == over:
	case d.a.Status != 200 && !d.o.Raw:
		d.a.Body = append(d.a.Body, p[:min(len(p), maxKept-len(d.a.Body))]...)
		if len(d.a.Body) == maxKept {
			d.finish()
		}
	case d.complete:
	case d.size+len(p) > d.o.Body:
		d.fail(newError(TooLong, "the answer is longer than %d bytes", d.o.Body))
	case d.o.File != nil:
		if d.size += len(p); !d.o.File.Body(p) {
			d.stop(nil)
		}
	case d.o.Raw || !d.o.Streaming:
		d.size += len(p)
		d.buf = append(d.buf, p...)
	default:
		d.size += len(p)
		d.lines(p)
	}
}

// finish ends an answer that was read to its end.
func (d *Decoder) finish() {
	if f := d.inflate; f != nil && !d.complete && !f.busy {
		if f.end(); f.err != nil {
			d.checkInflate()
		} else if !f.whole && (d.o.Mode == Strict || d.head.encoding == "deflate") && d.phase != over {
			d.fail(newError(Cut, "the compressed body ends too early"))
		}
	}
	switch {
	case d.phase == over:
	case d.o.Raw:
		d.a.Body = d.buf
		d.stop(nil)
	case d.a.Status != 200:
		d.a.OriginalFailed = true
		d.stop(&Error{Class: HTTPStatus, Message: d.a.Reason})
	case !d.o.Streaming:
		d.whole()
	default:
		d.streamEnd()
	}
}
