package selftest

import (
	"math"
	"slices"
	"time"
)

// Served is what a server knows of a request that it answered: instants on one clock.
type Served struct {
	Read   time.Duration   // the request arrived
	Events []time.Duration // each event with tokens was about to be written
	Tokens int             // of the whole answer
}

// Statistics are those of a metric's values: how many there are, and their mean, median and
// 99th percentile in seconds.
type Statistics struct {
	Count          int
	Mean, P50, P99 float64
}

// Truth is what should be reported of requests, by Metric. It is worked out from the
// server's instants alone, with no part of what loadgen's reports are made with. A chat
// announces its role right before the first token, which the original's ITL counts.
func Truth(all []Served, chat bool) [4]Statistics {
	var values [4][]float64 // TTFT, TPOT, ITL, E2EL
	const ns = 1e-9
	for _, q := range all {
		n := len(q.Events)
		if n == 0 {
			continue
		}
		values[0] = append(values[0], float64(q.Events[0]-q.Read)*ns)
		values[3] = append(values[3], float64(q.Events[n-1]-q.Read)*ns)
		if q.Tokens > 1 {
			values[1] = append(values[1], float64(q.Events[n-1]-q.Events[0])*ns/float64(q.Tokens-1))
		}
		if chat {
			values[2] = append(values[2], 0)
		}
		for k := n - 1; k > 0; k-- {
			values[2] = append(values[2], float64(q.Events[k]-q.Events[k-1])*ns)
		}
	}
	var out [4]Statistics
	for m := range values {
		out[m] = statistics(values[m])
	}
	return out
}

// statistics sums values up by the definitions of mean and linear percentile.
func statistics(values []float64) (f Statistics) {
	n := len(values)
	if n == 0 {
		return f
	}
	f.Count = n
	slices.Sort(values)
	for _, v := range values {
		f.Mean += v / float64(n)
	}
	at := func(q float64) float64 {
		whole, part := math.Modf(q * float64(n-1))
		below := values[int(whole)]
		if part == 0 {
			return below
		}
		return below*(1-part) + values[int(whole)+1]*part
	}
	f.P50, f.P99 = at(0.50), at(0.99)
	return f
}
