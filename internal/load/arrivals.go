package load

import (
	"errors"
	"fmt"
	"math"

	"loadgen/internal/pyjson"
	"loadgen/internal/pyrand"
)

// Intervals draws the waits of n requests in seconds as the original's
// get_request does: one after each request, the last one too, gamma distributed
// with shape burstiness and mean 1/rate, from NumPy's legacy generator. An
// infinite burstiness is constant spacing: each wait is 1/rate. An infinite rate
// waits for nothing.
func Intervals(n int, rate, burstiness float64, seed uint32) []float64 {
	gaps := make([]float64, n)
	if math.IsInf(rate, 1) {
		return gaps
	}
	gap := waits(rate, burstiness, seed)
	for i := range gaps {
		gaps[i] = gap()
	}
	return gaps
}

// waits returns what draws one wait after the other.
func waits(rate, burstiness float64, seed uint32) func() float64 {
	if math.IsInf(burstiness, 1) {
		return func() float64 { return 1 / rate }
	}
	rng := pyrand.NewNumPy(seed)
	scale := 1 / float64(rate*burstiness)
	return func() float64 { return rng.Gamma(burstiness, scale) }
}

// sums returns what gives one sum of waits after the other, from 0 on. Of constant waits they
// are multiples, without the errors of a sum.
func sums(rate, burstiness float64, seed uint32) func() float64 {
	wait, sum, n := waits(rate, burstiness, seed), 0.0, 0.0
	constant := math.IsInf(burstiness, 1)
	return func() float64 {
		at := sum
		if n++; constant {
			sum = n / rate
		} else {
			sum += wait()
		}
		return at
	}
}

// Arrivals returns the instants in seconds at which n requests are due, and as
// the last element, n, that of the schedule's end. They are not rounded: that is
// Schedule's part.
func Arrivals(n int, rate, burstiness float64, seed uint32) []float64 {
	at := make([]float64, n+1)
	if math.IsInf(rate, 1) {
		return at
	}
	next := sums(rate, burstiness, seed)
	for i := range at {
		at[i] = next()
	}
	return at
}

// CheckRate returns the original's complaint about a schedule, nil if it has none.
func CheckRate(rate, burstiness float64) error {
	switch {
	case !(burstiness > 0):
		return fmt.Errorf("A positive burstiness factor is expected, but given %s.", pyjson.FormatFloat(burstiness))
	case float64(rate*burstiness) == 0:
		return errors.New("float division by zero: the request rate must not be 0, nor its product with the burstiness")
	case rate < 0:
		return errors.New("scale < 0: the request rate must not be negative")
	}
	return nil
}
