// Package stream turns the bytes of one HTTP answer, each read with its arrival
// stamp, into the timeline of package answer: head, framing, content coding, lines,
// JSON, event. It is a pure push decoder: no I/O, no clock, no goroutine. Every
// transport feeds the same one.
//
// More than twenty names are exported: most are the classes of failures, and the types of
// package answer under a second name, so that a transport needs one import.
package stream

import (
	"sync/atomic"

	"loadgen/pkg/client/answer"
)

// What a decoder fills in is package answer's.
type (
	Answer      = answer.Answer
	Event       = answer.Event
	Kind        = answer.Kind
	UsageCounts = answer.UsageCounts
	Error       = answer.Error
	Class       = answer.Class
)

// The kinds of events.
const (
	Role      = answer.Role
	Token     = answer.Token
	Text      = answer.Text
	Reasoning = answer.Reasoning
	ToolCall  = answer.ToolCall
	Finish    = answer.Finish
	Usage     = answer.Usage
	Failure   = answer.Failure
	Other     = answer.Other
)

// The Uncertainty of a stamp of which nothing is known, and of one that may be late by as much or more.
const (
	UnknownUncertainty = answer.UnknownUncertainty
	MaxUncertainty     = answer.MaxUncertainty
)

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

// Options say how an answer is read. The zero value reads a whole completion.
type Options struct {
	API       API
	Streaming bool
	Mode      Mode
	// Raw keeps the body, of whatever status, in Answer.Body and looks for no events.
	Raw bool
	// File takes a raw answer as it comes, in place of Answer.Body; nil for nobody.
	File *File
	// Reuse reads on after a complete strict answer, to the end of its body, so that
	// the connection may carry another request.
	Reuse bool
	// Choices is how many choices were asked for; 0 is 1.
	Choices int
	// Model is the name that was asked for: an answer under it shares the string.
	Model string
	// CancelAfter ends a stream, as answer.Cancelled, once so many tokens have come: by the
	// server's count, or as many events that bring some. 0 does not.
	CancelAfter int
	// Live counts the events with choices as they come, for whoever watches; nil for nobody.
	Live *atomic.Int64
	Limits
}

// Limits bound what an answer may hold, 0 for the default.
type Limits struct {
	Head   int // bytes of the head, informational ones included: 256 KiB
	Line   int // bytes of a line of a strict stream: 16 MiB; the original's rule is 512 KiB
	Body   int // bytes of the decoded body: 64 MiB, of a stream no bound
	Events int // events of a stream: no bound
}

// withDefaults fills in what is 0.
func (l Limits) withDefaults(o Options) Limits {
	set := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	set(&l.Head, maxHead)
	set(&l.Line, maxLineStrict)
	if o.Mode == Original {
		l.Line = min(l.Line, maxLineOriginal)
	}
	if o.Raw || !o.Streaming {
		set(&l.Body, maxWhole)
	} else {
		set(&l.Body, maxInt)
	}
	set(&l.Events, maxInt)
	return l
}

const maxInt = int(^uint(0) >> 1)

// Limits on what an answer may hold.
const (
	maxLineStrict   = 16 << 20  // of a line, its end included
	maxLineOriginal = 512 << 10 // the same of Python's client
	maxWhole        = 64 << 20  // a whole answer
	maxKept         = 64 << 10  // what is kept of an answer that is a failure
)
