// Package client sends one request to an OpenAI-style server and times its answer.
//
// It takes requests of package dataset and options, renders them before the clock
// starts (Prepare), sends them (Do), and gives a Result: the instants of one request,
// its events with their arrival stamps, its texts, counts and failure. It also asks the
// server's control routes: models, health, profiler, energy, records.
//
// It never decides when to send (that is the caller's), derives no latency (package
// metrics does), and prints nothing. Its errors name no command-line flags: a Problem
// carries a code for that.
//
// More than twenty names are exported: a dozen are the types and kinds of package answer under
// a second name, so that a user of Result needs one import.
package client

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/internal/stream"
	"loadgen/internal/wire"
	"loadgen/pkg/client/answer"
)

// What is known of an answer is package answer's.
type (
	Event = answer.Event
	Kind  = answer.Kind
	Error = answer.Error
	Class = answer.Class
)

// The kinds of events that measurements tell apart.
const (
	Role      = answer.Role
	Text      = answer.Text
	Reasoning = answer.Reasoning
	ToolCall  = answer.ToolCall
	Finish    = answer.Finish
)

// UnknownUncertainty is the Uncertainty of an event's stamp of which nothing is known.
const UnknownUncertainty = answer.UnknownUncertainty

// MaxUncertainty is the Uncertainty of a stamp that may be late by as much or by more.
const MaxUncertainty = answer.MaxUncertainty

// The classes of failure that callers ask for.
const (
	Closed          Class = "closed"           // the connection ended before the answer began
	Cut             Class = "cut"              // the connection ended before the answer did
	Reset           Class = "reset"            // the connection was reset
	NoUsage         Class = "no_usage"         // a whole answer without the token counts
	ImpossibleCount Class = "impossible_count" // a count of tokens that what came contradicts
)

// The classes whose messages may be the original's, without the class before them: those of
// HTTPStatus are the status line's reason, and one of NoTokens is NeverValid.
const (
	HTTPStatus = stream.HTTPStatus
	NoTokens   = stream.NoTokens
	NeverValid = stream.NeverValid
)

// The classes of requests that were ended on purpose.
const (
	Interrupted = answer.Interrupted
	Cancelled   = answer.Cancelled
	CutAtEnd    = answer.CutAtEnd
)

var (
	errCancelled = &wire.Drop{Class: Cancelled, Why: "cancelled after the time that it was to have"}
	errCut       = &wire.Drop{Class: CutAtEnd, Why: "the request was under way when the run ended"}
)

// ErrCut is the cause of a context that ends with the run: its requests are CutAtEnd.
var ErrCut error = errCut

// UnknownLate is the ConnectLate of a connection of which nothing is known.
const UnknownLate = time.Duration(-1)

// DialFunc makes a connection, as net.Dialer.DialContext does.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// Stamps says where arrival stamps come from.
type Stamps uint8

// The sources of stamps.
const (
	AutoStamps   Stamps = iota // the kernel's where there are any
	KernelStamps               // the kernel's, or an error
	UserStamps                 // the time right after the read
	PacketStamps               // those of packets that are captured, or an error
)

// Thread is what the thread of a reactor has done since it began.
type Thread struct {
	// Exchanges is how many it has begun to carry.
	Exchanges int
	// CPU is its processor time, Waited for how long it was ready and had no processor, 0
	// where the system does not say.
	CPU, Waited time.Duration
	// Reads are the times, in ns, from the kernel's stamps to its reads.
	Reads *hdrhistogram.Histogram
}

// Transport names what carries connections: "auto" or "", "reactor", "blocking".
type Transport string

// Result is the timeline of one request: instants, nothing derived. All
// instants count from the clock's origin (Client.Now); zero means it did not
// come to that.
type Result struct {
	Due     time.Duration // when the schedule wanted it sent
	Handed  time.Duration // when the dispatcher let go of it
	Permit  time.Duration // concurrency slot got
	Start   time.Duration // immediately before connect (before the write on a reused connection)
	Connect time.Duration // connection ready, TLS and proxy included
	Written time.Duration // request handed to the kernel
	Ended   time.Duration // nothing more was to be had of the server (wire.Exchange.Ended); what follows is this program's time
	End     time.Duration // Do returned

	// Reused reports whether the connection had carried a request before.
	Reused bool
	// Resent is how often the request was sent again because a reused connection was closed
	// before the server can have read a byte of it.
	Resent int
	// KernelStamps reports whether all event stamps come from the kernel.
	KernelStamps bool
	// SYNRetransmits is how often the connection's first packet was sent again.
	SYNRetransmits int
	// ConnectLate is the most that the program may have been late to notice its
	// connection, or UnknownLate; MinRTT the path's least round trip time, 0 where it is not known;
	// Retransmits the segments that this side sent again.
	ConnectLate time.Duration
	MinRTT      time.Duration
	Retransmits int

	// Server is which of the servers it went to, from 0, where requests are spread over several.
	Server int

	answer.Answer
}

// Prepared is a request as it goes over the wire, built before the clock starts.
type Prepared struct {
	Method string
	// Target is the request target, as in the request line.
	Target               string
	Body                 []byte
	PromptLen, OutputLen int

	head      []byte // the request line and the header as bytes
	asked     int    // output tokens that the body allows each choice, 0 for no limit
	number    int    // choices that the body asks for
	generated int    // choices that the server generates for these: best_of

	cancelTokens int           // after how many it is cancelled, 0 for not
	cancelAfter  time.Duration // after how long, 0 for not
}

// CancelAfter is the same request to be cancelled once so many output tokens have come, or so
// much time has passed since its Start; 0 for not. Its Result has the class Cancelled then.
func (p *Prepared) CancelAfter(tokens int, d time.Duration) *Prepared {
	q := *p
	q.cancelTokens, q.cancelAfter = tokens, d
	return &q
}

// Release lets go of the bytes, once the request has been sent for the last time.
func (p *Prepared) Release() { p.Body, p.head = nil, nil }

// Header returns the names and values in the order they are sent, the key in clear.
func (p *Prepared) Header() (all [][2]string) {
	_, lines, _ := strings.Cut(string(p.head), "\r\n") // after the request line
	for line := range strings.SplitSeq(lines, "\r\n") {
		name, value, found := strings.Cut(line, ": ")
		if !found {
			break // the blank line at the end
		}
		all = append(all, [2]string{name, value})
	}
	return all
}
