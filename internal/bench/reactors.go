package bench

import (
	"fmt"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/internal/health"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// noteReactors notes what a number of reactors that was asked for does not do.
func (b *Bench) noteReactors(asked int) {
	switch processors := runtime.GOMAXPROCS(0); {
	case asked == 0:
	case b.client.Fallback() != nil:
		b.keep(recording.Note{Code: "reactors_ignored", Text: fmt.Sprintf("there are no reactors here, so that their number has no effect: %v", b.client.Fallback())})
	case !b.client.Plain():
		b.keep(recording.Note{Code: "reactors_ignored", Text: "the number of reactors has no effect: connections over TLS, a Unix socket or a proxy have a goroutine each"})
	case asked > processors:
		b.keep(recording.Note{Code: "reactors_exceed_processors", Text: fmt.Sprintf("%d reactors share %d processors, and may be late for one another: at most as many as processors, with some left for the rest of loadgen", asked, processors)})
	}
}

// reactors are what the reactors' threads did from before to after; those that began in
// between are in after alone.
func reactors(before, after []client.Thread) (out []health.Reactor) {
	for i, t := range after {
		x := health.Reactor{Exchanges: t.Exchanges, CPU: t.CPU, Waited: t.Waited, Reads: delays(t.Reads)}
		if i < len(before) {
			x.Exchanges, x.CPU, x.Waited = x.Exchanges-before[i].Exchanges, x.CPU-before[i].CPU, x.Waited-before[i].Waited
		}
		out = append(out, x)
	}
	return out
}

// delays sums up times from stamp to read.
func delays(h *hdrhistogram.Histogram) health.Dist {
	at := func(q float64) time.Duration { return time.Duration(h.ValueAtQuantile(q)) }
	if h.TotalCount() == 0 {
		return health.Dist{}
	}
	return health.Dist{Count: int(h.TotalCount()), P50: at(50), P99: at(99), Max: time.Duration(h.Max())}
}
