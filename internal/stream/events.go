package stream

import (
	"bytes"
	"unicode/utf8"

	"loadgen/pkg/client/answer"
)

const (
	noBlank  = answer.SSENoBlank
	comments = answer.SSEComments
	names    = answer.SSENames
	carriage = answer.SSECarriageReturn
)

// event takes one JSON value of a stream, which was read from text.
func (d *Decoder) event(m *message, text []byte) {
	if err := d.unreadable(m); err != nil {
		d.a.Body = bytes.Clone(text[:min(len(text), maxKept)])
		d.fail(newError(BadEvent, "%v: %q", err, clip(text, 200)))
		return
	}
	a := d.a
	if len(a.Events) >= d.o.Events {
		d.fail(newError(TooLong, "the answer has more than %d events", d.o.Events))
		return
	}
	if m.hasChoices {
		d.choice(m)
	}
	if m.hasUsage && m.usageErr == nil {
		a.SeenUsage = later(a.SeenUsage, m.usage)
		d.counts.add(m)
		if !m.hasChoices {
			a.Usage = m.usage
		}
	}
	if m.fresh {
		d.metadata(m)
	}
	d.after = false
	if n := len(a.Events); n > d.fresh {
		a.Events[n-1].Shared, a.Events[n-1].Uncertainty = true, UnknownUncertainty
	}
	tokens := int32(-1)
	if 0 <= m.usage.Completion && m.usage.Completion < 1<<31 {
		tokens = int32(m.usage.Completion)
	}
	a.Events = append(a.Events, Event{})
	e := &a.Events[len(a.Events)-1] // written in place: a copy would wait for its own writes
	e.At, e.Kind, e.Choices, e.Tokens, e.TextEnd = d.at, m.kind(), m.hasChoices, tokens, int32(len(a.Text))
	if m.hasChoices && d.o.Live != nil {
		d.o.Live.Add(1)
	}
	if d.o.CancelAfter > 0 {
		d.cancel(e)
	}
	if m.hasChoices && m.textErr != nil {
		d.fail(newError(BadEvent, "%v", m.textErr))
	}
	if m.fresh && d.o.Mode == Strict && d.phase != over {
		d.judge(m, text)
	}
}

// cancel ends a stream that has brought as many tokens as it is to bring.
func (d *Decoder) cancel(e *Event) {
	if e.Choices && e.Kind != Role && e.Kind != Finish {
		d.brought++
	}
	if d.phase != over && max(d.brought, int(e.Tokens)) >= d.o.CancelAfter {
		d.stop(&Error{Class: answer.Cancelled, Message: "cancelled: after as many tokens as it was to have", Exception: true})
	}
}

// unreadable is why an event cannot be taken for one.
func (d *Decoder) unreadable(m *message) error {
	switch {
	case !m.isObject:
		return errNotObject
	case !m.hasChoices && m.usageErr != nil:
		return errUsage
	case !m.hasChoices:
		return nil
	case m.notList:
		return errChoices
	case m.choiceErr == nil:
		return nil
	case d.o.Mode == Original || m.unusable:
		return m.choiceErr
	}
	d.a.OriginalFailed = true
	return nil
}

// judge looks for what makes a strict stream a failure, and for its end.
func (d *Decoder) judge(m *message, text []byte) {
	if m.isError() && (!d.sse.named || m.hasError || m.complains) {
		d.serverFailed(errorText(m, text))
	}
	if reason := m.badFinish(); reason != "" && d.trouble == nil {
		d.trouble = badFinish(reason)
	}
	if !m.hasUsage && !m.hasElsewhere || d.ending {
		return
	}
	d.ending = d.finished() >= max(d.o.Choices, 1)
}

// badFinish is a failure by its finish reason.
func badFinish(reason string) *Error {
	return plainError(FinishReason, "the server ended the answer with the finish reason %q", clip([]byte(reason), 200))
}

// finished counts the choices that have ended.
func (d *Decoder) finished() (n int) {
	if details := d.a.Details; details != nil && len(details.Choices) > 0 {
		for _, c := range details.Choices {
			if c.FinishReason == "" {
				return 0
			}
		}
		return len(details.Choices)
	}
	if d.a.FinishReason != "" {
		return 1
	}
	return 0
}

// badFinish is the first finish reason that is no success, "" if there is none.
func (m *message) badFinish() string {
	if len(m.finish) > 0 && !answer.FinishedWell(string(m.finish)) {
		return string(appendUnescaped(nil, m.finish))
	}
	for i := range m.more {
		if reason := m.more[i].finish; len(reason) > 0 && !answer.FinishedWell(string(reason)) {
			return string(appendUnescaped(nil, reason))
		}
	}
	return ""
}

// isError reports whether the object is the server's word of a failure: it has an
// error, or nothing of a completion.
func (m *message) isError() bool {
	return m.hasError || m.isObject && !m.empty && !m.completion && !m.heartbeat
}

// errorText is the part of an object that says what failed.
func errorText(m *message, text []byte) []byte {
	if m.errRaw != nil {
		return bytes.Clone(m.errRaw)
	}
	return bytes.Clone(text)
}

// serverFailed makes an answer a failure by what the server said of it.
func (d *Decoder) serverFailed(said []byte) {
	if d.o.Mode != Strict {
		return
	}
	if d.trouble == nil || d.trouble.Class == FinishReason {
		d.trouble = serverError(said)
		d.a.Body = nil
	}
	if room := maxKept - len(d.a.Body); room > 0 {
		if len(d.a.Body) > 0 {
			d.a.Body = append(d.a.Body, '\n')
		}
		d.a.Body = append(d.a.Body, said[:min(len(said), room)]...)
	}
}

// choice takes the choices of an event.
func (d *Decoder) choice(m *message) {
	a := d.a
	switch {
	case m.parted != nil:
		a.Text = append(a.Text, m.parted...)
	case m.textEsc:
		a.Text = appendUnescaped(a.Text, m.text)
	default:
		a.Text = append(a.Text, m.text...)
	}
	if len(m.reasoning)+len(m.partedReason)+len(m.toolText) > 0 {
		details := d.details()
		details.Reasoning = m.appendReasoning(details.Reasoning)
		details.ToolCalls = append(details.ToolCalls, m.toolText...)
	}
	if m.index != 0 || len(m.more) > 0 || d.several {
		d.choices(m)
	}
	if len(m.finish) > 0 {
		a.FinishReason = finishReason(m.finish)
	}
	if m.setDecodedPerIter {
		a.DecodedPerIter, a.HasDecodedPerIter, a.NullDecodedPerIter = m.decodedPerIter, m.hasDecodedPerIter, !m.hasDecodedPerIter
	}
}

func (p *part) appendReasoning(to []byte) []byte {
	if p.reasoningEsc {
		to = appendUnescaped(to, p.reasoning)
	} else {
		to = append(to, p.reasoning...)
	}
	return append(to, p.partedReason...)
}

// metadata takes what seldom differs from event to event.
func (d *Decoder) metadata(m *message) {
	a := d.a
	a.Dialect |= m.dialect
	// What comes with the tokens counts: a usage event may be a gateway's own.
	if len(m.model) > 0 && (m.hasChoices || a.Model == "") && string(m.model) != a.Model {
		if a.Model = d.o.Model; string(m.model) != a.Model {
			a.Model = string(appendUnescaped(nil, clip(m.model, 512)))
		}
	}
	if a.ID == "" && len(m.id) > 0 {
		a.ID = string(appendUnescaped(nil, clip(m.id, 512)))
	}
	switch {
	case m.hasUsage && !m.hasChoices:
		a.Dialect |= answer.UsageAlone
	case m.hasUsage && len(m.finish) > 0:
		a.Dialect |= answer.UsageBeside
	case m.hasUsage:
		a.Dialect |= answer.UsageContinuous
	case m.hasElsewhere:
		a.Dialect |= answer.UsageElsewhere
		a.SeenUsage = later(a.SeenUsage, m.elsewhere)
	}
	if m.reasoningCount > 0 {
		d.details().ReasoningTokens = m.reasoningCount
	}
	if m.ctx != nil && len(m.ctx) <= 100 {
		d.details().CtxRequestID = string(bytes.Trim(m.ctx, `"`))
	}
	if m.metrics != nil && len(m.metrics) <= maxMetrics {
		d.details().Metrics = bytes.Clone(m.metrics)
	}
	for _, o := range d.reader.odd {
		d.details().odd(o)
	}
}

const (
	maxMetrics = 16 << 10
	maxOdd     = 8
)

// odd keeps an invalid count: the last of each key and kind.
func (t detailsOf) odd(o oddCount) {
	for i := range t.OddCounts {
		if t.OddCounts[i].Key == o.Key && t.OddCounts[i].What == o.What {
			t.OddCounts[i] = o
			return
		}
	}
	if len(t.OddCounts) < maxOdd {
		t.OddCounts = append(t.OddCounts, o)
	}
}

func (m *message) kind() Kind {
	if !m.hasChoices {
		switch {
		case m.hasError:
			return Failure
		case m.hasUsage:
			return Usage
		default:
			return Other
		}
	}
	kind := m.part.kind()
	for i := range m.more {
		if k := m.more[i].kind(); rank[k] > rank[kind] {
			kind = k
		}
	}
	return kind
}

// rank says which kind an event has that brings several.
var rank = [...]uint8{Role: 1, Token: 2, Finish: 3, ToolCall: 4, Reasoning: 5, Text: 6, Usage: 0, Failure: 0, Other: 0}

// streamEnd judges a stream that was read to its end.
func (d *Decoder) streamEnd() {
	if len(d.buf) > 0 && !d.complete {
		if line := d.buf; d.o.Mode == Strict {
			d.sseLine(line)
		} else {
			d.originalLine(line)
		}
	}
	if d.phase == over {
		return
	}
	if d.dispatch(); d.phase == over {
		return
	}
	a := d.a
	choices, beyondRole := false, a.SeenUsage.Completion > 0
	for _, e := range a.Events {
		choices = choices || e.Choices
		beyondRole = beyondRole || e.Choices && e.Kind != Role
	}
	if d.o.API == Completions && !choices {
		a.OriginalFailed = true
	}
	if !a.Done && d.o.Mode == Strict {
		a.Dialect |= answer.LateDone
	}
	if d.several {
		if n := d.counts.total(len(a.Details.Choices)); n >= 0 {
			a.SeenUsage.Completion = n
		}
	}
	switch {
	case d.o.Mode == Original && a.OriginalFailed:
		d.stop(&Error{Class: NoTokens, Message: NeverValid})
	case d.o.Mode == Original:
		d.stop(nil)
	case d.trouble != nil:
		d.stop(d.trouble)
	case len(a.Events) == 0 && len(d.sse.foreign) > 0:
		d.stop(d.notSSE())
	case !beyondRole && !choices && d.o.API == Completions && len(d.sse.foreign) == 0:
		d.stop(&Error{Class: NoTokens, Message: NeverValid})
	case !beyondRole:
		d.stop(d.withForeign(plainError(NoTokens, "the stream ended without any token")))
	case !a.Done && d.finished() == 0:
		d.stop(d.withForeign(plainError(NoEnd, "the stream ended with neither a finish reason nor [DONE]")))
	default:
		d.stop(nil)
	}
}

// withForeign adds the lines that were no part of the stream to an error.
func (d *Decoder) withForeign(err *Error) *Error {
	if len(d.sse.foreign) > 0 {
		d.a.Body = d.sse.foreign
		err.Message += "; it also holds " + string(clip(d.sse.foreign, 500))
	}
	return err
}

// notSSE is the failure of an answer without any event: the server's own error where
// it is one.
func (d *Decoder) notSSE() *Error {
	d.a.Body = d.sse.foreign
	if text := d.sse.foreign; utf8.Valid(text) && d.reader.readWhole(text) == nil && d.reader.m.isError() {
		return serverError(errorText(&d.reader.m, bytes.TrimSpace(text)))
	}
	return plainError(NotSSE, "the answer (%s) is not an event stream: %q", d.a.ContentType, clip(d.sse.foreign, 500))
}
