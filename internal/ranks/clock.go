package ranks

import (
	"fmt"
	"time"
)

// Clock is how far a host's wall clock is from another one.
type Clock struct {
	// Source is how that is known: barrier (measured through the shared directory), chrony,
	// ptp, or "" where it is not.
	Source string `json:"source"`
	// Offset is this clock's time minus the other's, which may be off by Uncertainty.
	Offset      time.Duration `json:"offset_ns"`
	Uncertainty time.Duration `json:"uncertainty_ns"`
}

// MeasuredSource is the Source of a Clock that was measured against rank 0.
const MeasuredSource = "barrier"

// Known reports whether the offset is known.
func (c Clock) Known() bool { return c.Source != "" }

func (c Clock) String() string {
	if !c.Known() {
		return "not known"
	}
	return fmt.Sprintf("%v +-%v (%s)", c.Offset.Round(time.Microsecond), c.Uncertainty.Round(time.Microsecond), c.Source)
}

// Exchange is a message to rank 0 and its answer: when it was sent by this clock, seen and
// answered by rank 0's, and when the answer was read by this one.
type Exchange struct{ Sent, Seen, Answered, Read time.Time }

// Clock is what an exchange says of this clock against rank 0's: the true offset is within
// half the time that both ways took.
func (e Exchange) Clock() Clock {
	there, back := e.Seen.Sub(e.Sent), e.Read.Sub(e.Answered)
	return Clock{MeasuredSource, (back - there) / 2, max(there+back, 0)/2 + 1}
}

// Better is the one of two measurements of the same clock that is known the better.
func (c Clock) Better(other Clock) Clock {
	if !c.Known() || other.Known() && other.Uncertainty < c.Uncertainty {
		return other
	}
	return c
}

// Against is a clock against another where both are kept to the same time: their offset is
// 0, and may be off by what both may be. It is not known where one of them is not.
func (c Clock) Against(other Clock) Clock {
	if !c.Known() || !other.Known() {
		return Clock{}
	}
	return Clock{c.Source, c.Offset - other.Offset, c.Uncertainty + other.Uncertainty}
}

// Agrees reports whether two statements on the same clock can both be true.
func (c Clock) Agrees(other Clock) bool {
	return (c.Offset - other.Offset).Abs() <= c.Uncertainty+other.Uncertainty
}

// MostApart is how far clocks may be apart.
const MostApart = time.Second

// Apart reports whether a clock is certainly too far from the other.
func (c Clock) Apart() bool { return c.Known() && c.Offset.Abs()-c.Uncertainty > MostApart }
