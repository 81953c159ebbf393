// Package stream turns the bytes of one HTTP answer, each read with its
// arrival stamp, into a timeline of events: head, framing, content coding,
// lines, JSON, event. It is a pure push decoder: no I/O, no clock, no
// goroutine. Every transport feeds the same one.
package stream

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

// Event is one event of the body other than [DONE].
type Event struct {
	// At is the arrival stamp of the bytes that completed the event's line.
	At   time.Duration
	Kind Kind
	// Choices tells whether the event had a non-empty "choices": the events that
	// the original's TTFT and ITL count.
	Choices bool
	// Shared marks an event whose line ended in the same read as a later one's, or
	// has its stamp, which may be late, therefore.
	Shared bool
	// Tokens is usage.completion_tokens where this event carried it, else -1.
	Tokens int32
	// TextEnd is the length of Answer.Text after this event.
	TextEnd int32
	// Slack is the most that the stamp may be late, in ns: 0 where it is exact,
	// UnknownSlack where the transport cannot tell.
	Slack uint32
}

// UnknownSlack is the Slack of a stamp of which nothing is known.
const UnknownSlack = math.MaxUint32

// UsageCounts is what the server counted; a count it did not give is -1.
type UsageCounts struct {
	Prompt, Completion, Cached int
}

// Answer is what the decoder has gathered of one answer. All instants are
// stamps as they were given to Feed.
type Answer struct {
	FirstByte, LastByte time.Duration
	Events              []Event
	// Text is the generated text: choice 0, concatenated.
	Text []byte

	Status int
	Reason string // reason phrase of the status line
	// Location is the redirect target of a 3xx answer.
	Location string
	// ContentType and ContentEncoding are the header values, "" when absent.
	ContentType, ContentEncoding string
	// Body is the body of an answer that is not 200, cut to 64 KiB.
	Body []byte
	// Usage is the last usage of an event without choices (of the whole object
	// when not streaming), which the original takes as the output length;
	// SeenUsage that of any event.
	Usage, SeenUsage UsageCounts
	FinishReason     string
	// DecodedPerIter is the last avg_decoded_tokens_per_iter of choice 0, if there
	// was one; NullDecodedPerIter tells that the last one was no number.
	DecodedPerIter     float64
	HasDecodedPerIter  bool
	NullDecodedPerIter bool
	// Done tells whether [DONE] was seen.
	Done bool
	// Reusable tells whether the connection may carry another request.
	Reusable bool
	// Err is why the answer is a failure under the decoder's mode; nil is success.
	Err *Error
	// OriginalFailed tells whether the original would have called it a failure, whatever the mode.
	OriginalFailed bool
}

// Class names a kind of failure, as it stands in reports.
type Class string

// Error is why a request failed.
type Error struct {
	Class Class
	// Message is what the result file shows: the reason phrase, the original's
	// fixed sentence, or class and cause.
	Message string
	// Exception tells whether the original would have raised an exception, which
	// it counts apart from HTTP errors and failed answers.
	Exception bool
	// Cause is the error beneath, nil if there is none.
	Cause error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Mode says whose rules decide what is an event and what is a failure.
type Mode uint8

// The modes of --failures.
const (
	Strict   Mode = iota // SSE as the HTML standard has it; cut, unfinished or erroneous streams are failures
	Original             // the original's rules to the letter
)

// API says how events are read.
type API uint8

// The two APIs.
const (
	Completions API = iota
	Chat
)
