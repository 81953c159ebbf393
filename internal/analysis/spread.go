package analysis

import (
	"time"

	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// SpreadServer is what was measured of one of the servers that requests were spread over.
type SpreadServer struct {
	URL             string // without secrets
	Failed          int
	Cancelled       int              // by loadgen itself, which are no failures
	MeanConcurrency float64          // over the run
	Summary         *metrics.Summary // of its requests
}

// spreadReader sums up the requests by server.
type spreadReader struct {
	urls              []string
	failed, cancelled []int
	underWay          []time.Duration
	summary           []*metrics.SummaryReader
}

// newSpreadReader returns a reader that reads nothing where there is one server.
func newSpreadReader(s *recording.Settings, o metrics.Options) *spreadReader {
	x := &spreadReader{}
	if urls := client.SplitURLs(recording.Text(s.BaseURL)); len(urls) > 1 {
		x.urls, x.failed, x.cancelled, x.underWay = urls, make([]int, len(urls)), make([]int, len(urls)), make([]time.Duration, len(urls))
		for range urls {
			x.summary = append(x.summary, metrics.NewSummaryReader(o))
		}
	}
	return x
}

// add reads a request that was sent.
func (x *spreadReader) add(r *client.Result, s *metrics.Sample) {
	if r.Server >= len(x.urls) {
		return
	}
	x.summary[r.Server].Add(s)
	x.underWay[r.Server] += max(over(r)-r.Start, 0)
	switch {
	case r.Err == nil:
	case r.Err.Class.OnPurpose():
		x.cancelled[r.Server]++
	default:
		x.failed[r.Server]++
	}
}

// servers are what was read, of a run that took so many seconds.
func (x *spreadReader) servers(duration float64) (out []SpreadServer) {
	for i, url := range x.urls {
		g := SpreadServer{URL: url, Failed: x.failed[i], Cancelled: x.cancelled[i], Summary: x.summary[i].Summary(duration)}
		if duration > 0 {
			g.MeanConcurrency = x.underWay[i].Seconds() / duration
		}
		out = append(out, g)
	}
	return out
}

// spreadSection is a server as the result has it.
func spreadSection(g *SpreadServer, percentiles []float64, whole bool) result.SpreadServer {
	s := g.Summary
	out := result.SpreadServer{URL: g.URL, Requests: s.Total, Completed: s.Completed, Failed: g.Failed, Cancelled: g.Cancelled, MeanConcurrency: g.MeanConcurrency, OutputThroughput: s.OutputThroughput}
	for m, to := range []**result.Stats{&out.TTFT, &out.TPOT, &out.ITL, &out.E2EL} {
		if s.Completed > 0 && (!whole || metrics.Metric(m) == metrics.E2EL) {
			*to = new(stats(s.Latency[m], percentiles, 1e3))
		}
	}
	return out
}
