package trtsim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
)

// Fault is one way in which an answer goes wrong.
type Fault string

// The faults.
const (
	FaultCut         Fault = "cut"          // the connection ends in the middle, without the last chunk
	FaultError       Fault = "error_event"  // an error in the middle of the stream, as the dialect has it
	FaultNull        Fault = "null"         // 200 with the JSON text null
	Fault500         Fault = "500"          // an unhandled exception
	Fault503         Fault = "503"          // the executor is not healthy
	FaultStall       Fault = "stall"        // nothing more comes after half of the tokens
	FaultSlowHeaders Fault = "slow_headers" // the head comes two seconds late
	FaultEmptyText   Fault = "empty_text"   // every second chunk has no text
	FaultSplitUTF8   Fault = "split_utf8"   // a character is split over two HTTP chunks
	FaultBurst       Fault = "burst"        // eight events are sent in one write
	FaultWrongUsage  Fault = "wrong_usage"  // the count is seven tokens too high
	FaultNoUsage     Fault = "no_usage"     // there is no count
	FaultNoDone      Fault = "no_done"      // there is no [DONE]
	FaultOneByte     Fault = "one_byte"     // every byte is an HTTP chunk
)

// FaultHeader is the request header that asks for a fault.
const FaultHeader = "X-Sim-Fault"

// Faults are the kinds of faults.
func Faults() []Fault {
	return []Fault{FaultCut, FaultError, FaultNull, Fault500, Fault503, FaultStall, FaultSlowHeaders, FaultEmptyText,
		FaultSplitUTF8, FaultBurst, FaultWrongUsage, FaultNoUsage, FaultNoDone, FaultOneByte}
}

// FaultRate is a fault and how probable it is.
type FaultRate struct {
	Fault       Fault
	Probability float64
}

// ParseFaultRate reads KIND:PROBABILITY; the probability is 1 without one.
func ParseFaultRate(text string) (FaultRate, error) {
	kind, share, found := strings.Cut(text, ":")
	p := 1.0
	var err error
	if found {
		p, err = strconv.ParseFloat(share, 64)
	}
	for _, f := range Faults() {
		if string(f) == kind && err == nil && p >= 0 && p <= 1 {
			return FaultRate{f, p}, nil
		}
	}
	return FaultRate{}, fmt.Errorf("%q is no KIND:PROBABILITY with a probability between 0 and 1 and a kind of %v", text, Faults())
}

// dice draws the faults; seeded.
type dice struct {
	mu    sync.Mutex
	rng   *rand.Rand
	rates []FaultRate
}

func newDice(seed uint64, rates []FaultRate) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, 1)), rates: rates}
}

// fault draws a request's fault; asked is what its header asks for.
func (d *dice) fault(asked string) Fault {
	if asked != "" {
		return Fault(asked)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.rates {
		if d.rng.Float64() < r.Probability {
			return r.Fault
		}
	}
	return ""
}

// length draws how long a generation gets that may stop by itself.
func (d *dice) length(most int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return 1 + d.rng.IntN(most)
}
