package stream

import (
	"bytes"
	"unicode/utf8"
)

// lines splits a stream into lines. A whole line in p is read where it lies.
func (d *Decoder) lines(p []byte) {
	strict, limit := d.o.Mode == Strict, d.o.Line
	for d.phase != over && len(p) > 0 {
		if d.sse.skipLF {
			if d.sse.skipLF = false; p[0] == '\n' {
				d.sse.openCR = false
				p = p[1:]
				continue
			}
		}
		end := indexLine(p, strict)
		if end < 0 {
			if d.buf = append(d.buf, p...); len(d.buf) > limit {
				d.tooLong(limit)
			}
			return
		}
		line := p[:end]
		if len(d.buf) > 0 {
			d.buf = append(d.buf, line...)
			line = d.buf
		}
		if len(line)+1 > limit {
			d.tooLong(limit)
			return
		}
		d.after = d.after || len(line) > 0 // unless it is an event
		if strict {
			d.sseLine(line)
			if d.complete {
				d.endOfStream()
				return
			}
			if d.sse.openCR = p[end] == '\r'; d.sse.openCR {
				d.a.Dialect |= carriage
			}
			d.sse.skipLF = d.sse.openCR
		} else {
			d.originalLine(line)
		}
		if p = p[end+1:]; len(d.buf) > 0 {
			d.buf = d.buf[:0]
		}
	}
}

// endOfStream ends a strict stream at [DONE]. Where the connection is to be reused, it reads
// its body to the end.
func (d *Decoder) endOfStream() {
	if d.buf = nil; !d.o.Reuse || d.head.framing == untilClose || !d.head.keep {
		d.streamEnd()
	}
}

func (d *Decoder) tooLong(limit int) {
	d.fail(newError(LineTooLong, "a line of the stream is longer than %d bytes", limit))
}

// originalLine reads a line as the original does.
func (d *Decoder) originalLine(line []byte) {
	if line = bytes.Trim(line, " \t\n\r\v\f"); len(line) > 0 {
		d.data(bytes.TrimPrefix(line, []byte("data: ")))
	}
}

// data reads the text of one event.
func (d *Decoder) data(text []byte) {
	if string(text) == "[DONE]" {
		d.a.Done = true
		return
	}
	if !utf8.Valid(text) {
		d.a.Body = bytes.Clone(text[:min(len(text), maxKept)])
		d.fail(newError(BadUTF8, "an event is not valid UTF-8: %q", clip(text, 80)))
	} else if err := d.reader.read(text); err != nil {
		d.a.Body = bytes.Clone(text[:min(len(text), maxKept)])
		d.fail(newError(BadJSON, "an event cannot be read: %v: %q", err, clip(text, 500)))
	} else {
		d.event(&d.reader.m, text)
	}
}
