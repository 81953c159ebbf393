package stream

import (
	"bytes"
	"unicode/utf8"
)

// sseState is what the strict mode carries from line to line.
type sseState struct {
	begun    bool
	skipLF   bool   // the line before ended with CR: an LF belongs to it
	openCR   bool   // the original still waits for the LF of the line before
	named    bool   // the event at hand has a name of its own
	failing  bool   // its name is "error"
	pending  []byte // data lines of an event that is not complete JSON yet
	foreign  []byte // the first lines that are no part of an event stream
	comments []byte // the comments of the event at hand
}

const maxComments = 4 << 10

// sseLine reads a line as the HTML standard has event streams (section 9.2.6),
// but does not wait for the blank line where a data line is a whole event.
func (d *Decoder) sseLine(line []byte) {
	if !d.sse.begun {
		d.sse.begun = true
		if stripped, ok := bytes.CutPrefix(line, []byte("\xef\xbb\xbf")); ok {
			line, d.a.OriginalFailed = stripped, true
		}
	}
	if len(line) == 0 {
		d.dispatch()
		return
	}
	if d.sse.openCR {
		d.a.OriginalFailed = true
	}
	value, found := bytes.CutPrefix(line, []byte("data:"))
	if !found {
		d.otherLine(line)
		return
	}
	text, blank := bytes.CutPrefix(value, []byte(" "))
	if !blank {
		d.a.OriginalFailed = true // "data:" is no JSON
		d.a.Dialect |= noBlank
	}
	trimmed := bytes.Trim(text, " \t")
	switch {
	case len(d.sse.pending) > 0:
		d.sse.pending = append(append(d.sse.pending, '\n'), text...)
		if len(d.sse.pending) > d.o.Line {
			d.tooLong(d.o.Line)
		}
	case len(trimmed) == 0:
		d.a.OriginalFailed = true
	case string(trimmed) == "[DONE]":
		if trimmed[0] != text[0] {
			d.a.OriginalFailed = true
		}
		d.a.Done = true
		d.dispatch() // an error may have no data of its own
		d.complete = true
	case d.sse.failing: // whatever it holds describes an error
		d.sse.pending = append(d.sse.pending, text...)
	case !utf8.Valid(text):
		d.data(text)
	case d.reader.read(text) != nil:
		d.a.OriginalFailed = true
		d.sse.pending = append(d.sse.pending, text...)
	default:
		d.event(&d.reader.m, text)
	}
}

// otherLine takes a line that is not data.
func (d *Decoder) otherLine(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "":
		d.a.OriginalFailed = true
		d.a.Dialect |= comments
		if room := maxComments - len(d.sse.comments); room > 0 {
			if len(d.sse.comments) > 0 {
				d.sse.comments = append(d.sse.comments, '\n')
			}
			d.sse.comments = append(d.sse.comments, value[:min(len(value), room)]...)
		}
		return
	case "event":
		d.a.OriginalFailed = true
		d.a.Dialect |= names
		d.sse.named = string(value) != "message"
		d.sse.failing = bytes.EqualFold(bytes.TrimSpace(value), []byte("error"))
		return
	case "id", "retry":
		d.a.OriginalFailed = true
		d.a.Dialect |= names
		return
	case "error":
		d.a.OriginalFailed = true
		d.serverFailed(bytes.Clone(value))
		return
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	// The original takes a bare line of JSON for an event, and ignores blanks around it.
	text := bytes.TrimPrefix(bytes.TrimSpace(line), []byte("data: "))
	if string(text) != "[DONE]" && (!utf8.Valid(text) || d.reader.read(text) != nil || !d.reader.m.isObject) {
		d.a.OriginalFailed = true
	} else if m := &d.reader.m; len(d.a.Events) > 0 && line[0] == '{' && m.isError() {
		d.serverFailed(errorText(m, text))
	}
	if room := maxKept - len(d.sse.foreign); room > 0 {
		d.sse.foreign = append(append(d.sse.foreign, line[:min(len(line), room)]...), '\n')
	}
}

// dispatch reads the event that is pending at a blank line or the end.
func (d *Decoder) dispatch() {
	text, failing := d.sse.pending, d.sse.failing
	if failing {
		if len(text) == 0 {
			text = d.sse.comments
		}
		d.serverFailed(bytes.Clone(text))
	} else if d.sse.pending = nil; len(text) > 0 {
		d.data(text)
	}
	d.sse.pending, d.sse.comments, d.sse.named, d.sse.failing = nil, d.sse.comments[:0], false, false
}
