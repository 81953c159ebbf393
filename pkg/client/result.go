// Package client sends one request and times it.
package client

import (
	"time"

	"loadgen/internal/stream"
	"loadgen/internal/wire"
)

// Event is one event of an answer, Kind what it brought.
type (
	Event = stream.Event
	Kind  = stream.Kind
)

// The kinds of events that measurements tell apart.
const (
	Role      = stream.Role
	Text      = stream.Text
	Reasoning = stream.Reasoning
	ToolCall  = stream.ToolCall
	Finish    = stream.Finish
)

// UnknownSlack is the Slack of an event's stamp of which nothing is known.
const UnknownSlack = stream.UnknownSlack

// Error is why a request failed, Class what kind of failure that is.
type (
	Error = stream.Error
	Class = stream.Class
)

// NoUsage is the class of a whole answer without the token counts.
const NoUsage = stream.NoUsage

// UnknownLate is the ConnectLate of a connection of which nothing is known.
const UnknownLate = wire.UnknownLate

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

	// Reused tells whether the connection had carried a request before.
	Reused bool
	// Resent is how often the request was sent again because a reused connection was closed
	// before the server can have read a byte of it.
	Resent int
	// KernelStamps tells whether all event stamps come from the kernel.
	KernelStamps bool
	// SYNRetransmits is how often the connection's first packet was sent again.
	SYNRetransmits int
	// ConnectLate is the most that the program may have been late to notice its
	// connection, or UnknownLate; MinRTT the path's least round trip time, 0 where it is not known;
	// Retransmits the segments that this side sent again.
	ConnectLate time.Duration
	MinRTT      time.Duration
	Retransmits int

	stream.Answer
}

// Prepared is a request as it goes over the wire, built before the clock starts.
type Prepared struct {
	Method string
	// Target is the request target, as in the request line.
	Target string
	// Header holds the names and values in the order they are sent, the key in clear.
	Header               [][2]string
	Body                 []byte
	PromptLen, OutputLen int

	head []byte // the request line and the header as bytes
}

// Release lets go of the bytes, once the request has been sent for the last time.
func (p *Prepared) Release() { p.Header, p.Body, p.head = nil, nil, nil }
