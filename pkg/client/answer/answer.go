// Package answer holds what is recorded of one answer of a server: its events and
// their instants, the texts, the server's counts, and why it failed. It is plain
// data, filled in by package client; nothing here computes, waits or does I/O.
//
// More than twenty names are exported: most are kinds of events and bits of a dialect.
package answer

import (
	"math"
	"time"
)

// Kind says what an event brought.
type Kind uint8

// The kinds of events.
const (
	Role      Kind = iota + 1 // choices that bring nothing but a role
	Token                     // choices without any text
	Text                      // choices with text
	Reasoning                 // choices with reasoning text only
	ToolCall                  // choices with a tool call only
	Finish                    // choices that bring only a finish reason
	Usage                     // no choices, but usage
	Failure                   // the server's own error object
	Other                     // an object with neither choices, usage nor error
)

// BringsTokens reports whether a choice of this kind brings tokens, or may.
func (k Kind) BringsTokens() bool { return Token <= k && k <= ToolCall }

// Event is one event of the body other than [DONE].
type Event struct {
	// At is the arrival stamp of the bytes that completed the event's line.
	At   time.Duration
	Kind Kind
	// Choices reports whether the event had a non-empty "choices": the events that
	// the original's TTFT and ITL count.
	Choices bool
	// Shared marks an event whose line ended in the same read as a later one's, or
	// has its stamp, which may be late, therefore, unless both came in one segment.
	Shared bool
	// Tokens is usage.completion_tokens where this event carried it, else -1.
	Tokens int32
	// TextEnd is the length of Answer.Text after this event.
	TextEnd int32
	// Uncertainty is the most that the stamp may be late, in ns: 0 where it is exact, MaxUncertainty
	// where it is that or more, UnknownUncertainty where the transport cannot tell.
	Uncertainty uint32
}

// UnknownUncertainty is the Uncertainty of a stamp of which nothing is known.
const UnknownUncertainty = math.MaxUint32

// MaxUncertainty is the Uncertainty of a stamp that may be late by as much or by more.
const MaxUncertainty = UnknownUncertainty - 1

// UsageCounts is what the server counted, in tokens; a count that it did not give is
// -1, which is not the same as 0.
type UsageCounts struct {
	Prompt, Completion, Cached int
}

// Choice is what one choice of an answer holds.
type Choice struct {
	Index int
	// Text is the content, Reasoning the text of reasoning_content or reasoning,
	// ToolCalls the names and arguments of tool calls, each concatenated.
	Text, Reasoning, ToolCalls []byte
	FinishReason               string
	// Events are the places in Answer.Events of those that brought its tokens, where the
	// answer has several choices: one event may bring tokens of each.
	Events []int32
}

// Details is what few answers have.
type Details struct {
	// Reasoning and ToolCalls are those of the choices that Answer.Text is from.
	Reasoning, ToolCalls []byte
	// Choices are all choices, in the order of their first event, where there was
	// another than choice 0; else nil.
	Choices []Choice
	// OddCounts are the counts of usage that are none.
	OddCounts []OddCount
	// ReasoningTokens is how many of the completion's tokens the server counted as
	// reasoning (completion_tokens_details), 0 where it does not say.
	ReasoningTokens int
	// CtxRequestID is choices[0].disaggregated_params.ctx_request_id as it was sent.
	CtxRequestID string
	// Metrics is the JSON object "metrics" that some servers send of each request,
	// at most 16 KiB of it, else nil.
	Metrics []byte
}

// OddCount is a count of tokens that is no count.
type OddCount struct {
	Key   string // e.g. completion_tokens
	Value string // as it was sent, at most 40 bytes
	// What is "null", "negative", "fractional", "too large", "a string" or "not a number".
	What string
}

// Answer is what is known of one answer. All instants are of the client's clock.
type Answer struct {
	FirstByte, LastByte time.Duration
	Events              []Event
	// Text is the generated text as the original has it: that of the first choice in
	// each event, concatenated.
	Text []byte

	Status int
	Reason string // reason phrase of the status line
	// Location is where the request was redirected to, and of a 3xx answer that was not followed
	// where it points.
	Location string
	// ContentType and ContentEncoding are the header values, "" when absent.
	ContentType, ContentEncoding string
	// Body is the body of an answer that is not 200, or what the server said of a
	// failure, cut to 64 KiB.
	Body []byte
	// Usage is the last usage of an event without choices (of the whole object
	// when not streaming), which the original takes as the output length;
	// SeenUsage the last count of each kind, wherever it stood.
	Usage, SeenUsage UsageCounts
	// FinishReason is the last that was sent; of several choices see Details.
	FinishReason string
	// Model is the model that answered, by the events with choices where these say it, and
	// ID the answer's id, "" when absent;
	// of ids that differ from event to event the first.
	Model, ID string
	// DecodedPerIter is the last avg_decoded_tokens_per_iter of choice 0, if there
	// was one; NullDecodedPerIter reports that the last one was no number.
	DecodedPerIter     float64
	HasDecodedPerIter  bool
	NullDecodedPerIter bool
	// Done reports whether [DONE] was seen.
	Done bool
	// Reusable reports whether the connection may carry another request.
	Reusable bool
	// Dialect is how the server writes its events.
	Dialect Dialect
	// Details is nil where the answer has nothing of it.
	Details *Details
	// Err is why the answer is a failure; nil is success.
	Err *Error
	// OriginalFailed reports whether the original would have called it a failure.
	OriginalFailed bool
}

// Generated returns all that was generated, by choice: what a tokenizer has to
// count. An answer without choices has none.
func (a *Answer) Generated() []Choice {
	d := a.Details
	if d != nil && len(d.Choices) > 0 {
		return d.Choices
	}
	c := Choice{Text: a.Text, FinishReason: a.FinishReason}
	if d != nil {
		c.Reasoning, c.ToolCalls = d.Reasoning, d.ToolCalls
	}
	if len(c.Text)+len(c.Reasoning)+len(c.ToolCalls)+len(c.FinishReason) > 0 {
		return []Choice{c}
	}
	for _, e := range a.Events {
		if e.Choices {
			return []Choice{c}
		}
	}
	return nil
}

// Class names a kind of failure, as it stands in reports.
type Class string

// Error is why a request failed.
type Error struct {
	Class Class
	// Message is what the result file shows: the reason phrase, the original's
	// fixed sentence, or class and cause.
	Message string
	// Exception reports whether the original would have raised an exception, which
	// it counts apart from HTTP errors and failed answers.
	Exception bool
	// Cause is the error beneath, nil if there is none.
	Cause error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }
