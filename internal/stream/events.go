package stream

import (
	"bytes"
	"unicode/utf8"
)

// sseState is what the strict mode carries from line to line.
type sseState struct {
	begun   bool
	skipLF  bool   // the line before ended with CR: an LF belongs to it
	openCR  bool   // the original still waits for the LF of the line before
	pending []byte // data lines of an event that is not complete JSON yet
	words   []byte // the first lines that are no part of an event stream
}

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
	}
	trimmed := bytes.Trim(text, " \t")
	switch {
	case len(d.sse.pending) > 0:
		d.sse.pending = append(append(d.sse.pending, '\n'), text...)
		if len(d.sse.pending) > maxLineStrict {
			d.tooLong(maxLineStrict)
		}
	case len(trimmed) == 0:
		d.a.OriginalFailed = true
	case string(trimmed) == "[DONE]":
		if trimmed[0] != text[0] {
			d.a.OriginalFailed = true
		}
		d.a.Done = true
	case !utf8.Valid(text):
		d.data(text)
	case d.reader.read(text) != nil:
		d.a.OriginalFailed = true
		d.sse.pending = append(d.sse.pending, text...)
	default:
		d.event(&d.reader.m)
	}
}

// otherLine takes a line that is not data.
func (d *Decoder) otherLine(line []byte) {
	name, _, _ := bytes.Cut(line, []byte(":"))
	switch string(name) {
	case "", "event", "id", "retry":
		d.a.OriginalFailed = true
		return
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	// The original takes a bare line of JSON for an event, and heeds no blanks around it.
	text := bytes.TrimPrefix(bytes.TrimSpace(line), []byte("data: "))
	if string(text) != "[DONE]" && (!utf8.Valid(text) || d.reader.read(text) != nil || !d.reader.m.isObject) {
		d.a.OriginalFailed = true
	}
	if room := maxWords - len(d.sse.words); room > 0 {
		d.sse.words = append(append(d.sse.words, line[:min(len(line), room)]...), '\n')
	}
}

// dispatch reads the event that is pending at a blank line or the end.
func (d *Decoder) dispatch() {
	if len(d.sse.pending) > 0 {
		text := d.sse.pending
		d.sse.pending = nil
		d.data(text)
	}
}

// event takes one JSON value of a stream.
func (d *Decoder) event(m *message) {
	switch {
	case !m.isObject:
		d.fail(newError(BadEvent, "%v", errNotObject))
		return
	case m.hasChoices && m.choiceErr != nil:
		d.fail(newError(BadEvent, "%v", m.choiceErr))
		return
	case !m.hasChoices && m.usageErr != nil:
		d.fail(newError(BadEvent, "%v", m.usageErr))
		return
	}
	a := d.a
	if m.hasChoices {
		d.choice(m)
	}
	if m.hasUsage && m.usageErr == nil {
		a.SeenUsage = m.usage
		if !m.hasChoices {
			a.Usage = m.usage
		}
	}
	d.after = false
	if n := len(a.Events); n > d.fresh {
		a.Events[n-1].Shared, a.Events[n-1].Slack = true, UnknownSlack
	}
	tokens := int32(-1)
	if 0 <= m.usage.Completion && m.usage.Completion < 1<<31 {
		tokens = int32(m.usage.Completion)
	}
	a.Events = append(a.Events, Event{At: d.at, Kind: m.kind(), Choices: m.hasChoices, Tokens: tokens, TextEnd: int32(len(a.Text))})
	if m.hasChoices && m.textErr != nil {
		d.fail(newError(BadEvent, "%v", m.textErr))
	}
	if m.hasError && !m.hasChoices && d.o.Mode == Strict && d.trouble == nil {
		words := m.errText
		if words == nil {
			words = m.topText
		}
		a.Body = appendUnescaped(nil, words[:min(len(words), maxWords)])
		d.trouble = newError(ErrorEvent, "the server says: %s", clip(a.Body, 500))
		d.trouble.Exception = false
	}
}

// choice takes choice 0 of an event.
func (d *Decoder) choice(m *message) {
	a := d.a
	if m.textEsc {
		a.Text = appendUnescaped(a.Text, m.text)
	} else {
		a.Text = append(a.Text, m.text...)
	}
	if len(m.finish) > 0 {
		a.FinishReason = string(appendUnescaped(nil, m.finish))
	}
	if m.setDecodedPerIter {
		a.DecodedPerIter, a.HasDecodedPerIter, a.NullDecodedPerIter = m.decodedPerIter, m.hasDecodedPerIter, !m.hasDecodedPerIter
	}
}

func (m *message) kind() Kind {
	switch {
	case m.hasChoices && len(m.text) > 0:
		return Text
	case m.hasChoices && m.reasoning:
		return Reasoning
	case m.hasChoices && m.tools:
		return ToolCall
	case m.hasChoices && m.role && len(m.finish) == 0:
		return Role
	case m.hasChoices && !m.hasText && len(m.finish) > 0:
		return Finish
	case m.hasChoices:
		return Token
	case m.hasError:
		return Failure
	case m.hasUsage:
		return Usage
	default:
		return Other
	}
}

// streamEnd judges a stream that was read to its end.
func (d *Decoder) streamEnd() {
	if len(d.buf) > 0 {
		if line := d.buf; d.o.Mode == Strict {
			d.sseLine(line)
		} else {
			d.originalLine(line)
		}
	}
	if d.dispatch(); d.phase == over {
		return
	}
	a := d.a
	choices, beyondRole := false, a.Usage.Completion > 0
	for _, e := range a.Events {
		choices = choices || e.Choices
		beyondRole = beyondRole || e.Choices && e.Kind != Role
	}
	if d.o.API == Completions && !choices {
		a.OriginalFailed = true
	}
	switch {
	case d.o.Mode == Original && a.OriginalFailed:
		d.stop(&Error{Class: NoTokens, Message: NeverValid})
	case d.o.Mode == Original:
		d.stop(nil)
	case d.trouble != nil:
		d.stop(d.trouble)
	case len(a.Events) == 0 && len(d.sse.words) > 0:
		a.Body = d.sse.words
		d.stop(unfinished(NotSSE, "the answer (%s) is not an event stream: %q", a.ContentType, clip(d.sse.words, 200)))
	case !beyondRole && !choices && d.o.API == Completions:
		d.stop(&Error{Class: NoTokens, Message: NeverValid})
	case !beyondRole:
		d.stop(unfinished(NoTokens, "the stream ended without any token"))
	case !a.Done && a.FinishReason == "":
		d.stop(unfinished(NoEnd, "the stream ended with neither a finish reason nor [DONE]"))
	default:
		d.stop(nil)
	}
}

// unfinished is an error that is no exception in the original's sense.
func unfinished(class Class, format string, args ...any) *Error {
	err := newError(class, format, args...)
	err.Exception = false
	return err
}

// whole reads a whole answer.
func (d *Decoder) whole() {
	body, m, a := d.buf, &d.reader.m, d.a
	failed := func(class Class, format string, args ...any) {
		a.Body = body[:min(len(body), maxWords)]
		d.fail(newError(class, format, args...))
	}
	if !utf8.Valid(body) {
		failed(BadUTF8, "the answer is not valid UTF-8: %q", clip(body, 80))
		return
	}
	if err := d.reader.read(body); err != nil {
		failed(BadJSON, "the answer cannot be read: %v: %q", err, clip(body, 80))
		return
	}
	switch {
	case !m.isObject:
		failed(BadEvent, "the answer is not a JSON object: %q", clip(body, 80))
	case !m.hasChoices:
		failed(BadEvent, "the answer has no choices: %q", clip(body, 200))
	case m.choiceErr != nil:
		failed(BadEvent, "%v", m.choiceErr)
	case !m.hasText:
		failed(BadEvent, "%v", errNoText)
	case m.textErr != nil:
		failed(BadEvent, "%v", m.textErr)
	default:
		d.choice(m)
		if !m.hasUsage || m.usageErr != nil {
			failed(NoUsage, "the answer does not say how many tokens it has")
			return
		}
		a.Usage, a.SeenUsage = m.usage, m.usage
		d.stop(nil)
	}
}
