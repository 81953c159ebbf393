package stream

import (
	"bytes"
	"unicode/utf8"
)

// whole reads a whole answer.
func (d *Decoder) whole() {
	m, a, strict := &d.reader.m, d.a, d.o.Mode == Strict
	if plain, marked := bytes.CutPrefix(d.buf, []byte("\ufeff")); marked && strict {
		d.buf, a.OriginalFailed = plain, true
	}
	body := d.buf
	failed := func(err *Error) {
		a.Body = body[:min(len(body), maxKept)]
		d.fail(err)
	}
	if !utf8.Valid(body) {
		failed(newError(BadUTF8, "the answer is not valid UTF-8: %q", clip(body, 80)))
		return
	}
	if err := d.reader.read(body); err != nil {
		failed(newError(BadJSON, "the answer cannot be read: %v: %q", err, clip(body, 500)))
		return
	}
	if strict && m.isError() {
		d.wholeError()
		return
	}
	switch {
	case !m.isObject:
		failed(newError(BadEvent, "the answer is not a JSON object: %q", clip(body, 80)))
	case !m.hasChoices:
		failed(newError(BadEvent, "the answer has no choices: %q", clip(body, 200)))
	case m.notList:
		failed(newError(BadEvent, "%v", errChoices))
	case m.choiceErr != nil && (!strict || m.unusable):
		failed(newError(BadEvent, "%v", m.choiceErr))
	case m.textErr != nil:
		failed(newError(BadEvent, "%v", m.textErr))
	case !m.hasText && (!strict || m.usage.Completion <= 0 && !m.tools && !m.reasoned()):
		failed(newError(BadEvent, "%v", errNoText))
	default:
		d.wholeChoices()
	}
}

// wholeError ends a whole answer that holds the server's own error.
func (d *Decoder) wholeError() {
	m, a := &d.reader.m, d.a
	if m.hasChoices && !m.notList && m.choiceErr == nil && m.hasText && m.textErr == nil && m.hasUsage && m.usageErr == nil {
		d.takeWhole() // the original ignores an error beside choices
	} else {
		a.OriginalFailed = true
	}
	err := serverError(errorText(m, d.buf))
	err.Exception = a.OriginalFailed
	a.Body = bytes.TrimSpace(d.buf[:min(len(d.buf), maxKept)])
	d.stop(err)
}

// wholeChoices takes the choices of a whole answer and judges them.
func (d *Decoder) wholeChoices() {
	m, a := &d.reader.m, d.a
	if m.choiceErr != nil || !m.hasText {
		a.OriginalFailed = true
	}
	d.takeWhole()
	noUsage := !m.hasUsage || m.usageErr != nil
	reason := m.badFinish()
	switch {
	case d.o.Mode == Strict && reason != "":
		a.OriginalFailed = a.OriginalFailed || noUsage
		d.stop(badFinish(reason))
	case noUsage && d.o.Mode == Strict && (a.SeenUsage.Completion > 0 || m.brings() || m.reasoned() || m.tools):
		a.OriginalFailed = true
		d.stop(nil)
	case noUsage:
		a.Body = d.buf[:min(len(d.buf), maxKept)]
		d.fail(newError(NoUsage, "the answer does not say how many tokens it has"))
	default:
		d.stop(nil)
	}
}

func (d *Decoder) takeWhole() {
	m, a := &d.reader.m, d.a
	d.choice(m)
	if m.hasUsage && m.usageErr == nil {
		a.Usage, a.SeenUsage = m.usage, later(a.SeenUsage, m.usage)
	}
	d.metadata(m)
}
