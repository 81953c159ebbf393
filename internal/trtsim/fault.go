package trtsim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fault is one way in which an answer goes wrong.
type Fault string

// The faults.
const (
	FaultCut         Fault = "cut"          // the connection ends in the middle, without the last chunk
	FaultError       Fault = "error_event"  // an error in the middle of the stream, as the release and the route have it
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

// faultHeader is the request header that asks for a fault.
const faultHeader = "X-Sim-Fault"

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

// ParseFaultRates reads a KIND:PROBABILITY each; the probability is 1 without one.
// An answer has one fault at most, so that the probabilities may add up to 1.
func ParseFaultRates(texts []string) (rates []FaultRate, err error) {
	sum := 0.0
	for _, text := range texts {
		kind, share, found := strings.Cut(text, ":")
		fault, err := findFault(kind)
		if err != nil {
			return nil, fmt.Errorf("%q is not KIND:PROBABILITY: %w", text, err)
		}
		p := 1.0
		if found {
			p, err = strconv.ParseFloat(share, 64)
		}
		if err != nil || !(p >= 0 && p <= 1) {
			return nil, fmt.Errorf("%q is not KIND:PROBABILITY with a probability between 0 and 1", text)
		}
		sum += p
		rates = append(rates, FaultRate{fault, p})
	}
	if sum > 1+1e-9 {
		return nil, fmt.Errorf("the probabilities of all faults add up to %g, and an answer has one fault at most", sum)
	}
	return rates, nil
}

// findFault returns the fault of a name.
func findFault(kind string) (Fault, error) {
	if all := Faults(); slices.Contains(all, Fault(kind)) {
		return Fault(kind), nil
	}
	return "", fmt.Errorf("unknown kind of fault %q: there are %s", kind, strings.Trim(fmt.Sprint(Faults()), "[]"))
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
func (d *dice) fault(asked string) (Fault, error) {
	if asked != "" {
		return findFault(asked)
	}
	if len(d.rates) == 0 {
		return "", nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	drawn := d.rng.Float64()
	for _, r := range d.rates {
		if drawn -= r.Probability; drawn < 0 {
			return r.Fault, nil
		}
	}
	return "", nil
}

// answerMost bounds the answers that end by themselves.
const answerMost = 512

// length draws how long a generation gets that may stop by itself: it brings some
// text before the token that ends it.
func (d *dice) length(most int) int {
	if most = min(most, answerMost); most < 2 {
		return most
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return 2 + d.rng.IntN(most-1)
}
