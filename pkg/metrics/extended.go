package metrics

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"loadgen/pkg/client"
)

// Extended is what the timelines of a run's successes say beyond the original's
// metrics. Times are in seconds; Stats have the percentiles asked for.
type Extended struct {
	// FirstContent is TTFT to the first event that brings a token, a role alone not
	// being one; FirstVisible to the first text outside of reasoning.
	FirstContent, FirstVisible Stats
	// PerToken is the time between tokens: a gap is shared by the tokens of the chunk
	// that ends it. It is nil where it is not known how many those are.
	PerToken *Stats
	// TokensPerChunk counts tokens by chunk; where the server does not say, it holds
	// the mean alone.
	TokensPerChunk Stats
	SecondToken    Stats // from the first token to the second chunk's
	UserPace       Stats // tokens per second of one user once they come: 1/TPOT
	// DueTTFT and DueE2EL are TTFT and E2EL counted from when the schedule wanted the request
	// sent, in which waiting for a slot shows; Queue is that wait.
	DueTTFT, DueE2EL, Queue Stats
	PeakConcurrency         int
	MeanConcurrency         float64
	Series                  []Second
	// Steady is the run while all slots were busy, nil without such a time.
	Steady *Steady
	// Means are 95 % intervals of the means, by Metric; nil for too few requests.
	Means [4]*Interval
}

// Second is one second of a run.
type Second struct {
	Concurrency                float64 // mean
	Peak                       int
	Tokens, Started, Completed int
}

// Steady is what was measured while every slot was busy.
type Steady struct {
	From, To        float64 // since the run's start
	Requests        int     // that lie wholly within
	Dropped         int     // that do not
	Latency         [4]Stats
	TokensPerSecond float64
}

// Interval is a confidence interval.
type Interval struct{ Low, High float64 }

// ExtendedOptions say what a run was.
type ExtendedOptions struct {
	Start       time.Duration
	Concurrency int // 0 for no bound
	Chat        bool
	OutputLens  []int
	Percentiles []float64
}

// NewExtended reads the extended metrics off a run.
func NewExtended(results []*client.Result, o ExtendedOptions) *Extended {
	x := &Extended{}
	var content, visible, perToken, chunks, second, pace, dueTTFT, dueE2EL, queue []float64
	tokensKnown := true
	tokens, events := 0, 0
	for i, r := range results {
		if r.Err != nil {
			continue
		}
		n := o.OutputLens[i]
		queue = append(queue, seconds(max(r.Permit-r.Due, 0)))
		at := Tokens(r)
		if len(at) == 0 {
			continue
		}
		tokens, events = tokens+n, events+len(at)
		content = append(content, seconds(at[0]-r.Start))
		var s Sample
		s.timeStream(r, o.Chat)
		waited := seconds(r.Start - min(r.Due, r.Start))
		dueTTFT, dueE2EL = append(dueTTFT, waited+s.TTFT), append(dueE2EL, waited+s.Latency)
		for _, e := range r.Events {
			if e.Kind == client.Text || e.Kind == client.ToolCall {
				visible = append(visible, seconds(e.At-r.Start))
				break
			}
		}
		if len(at) > 1 {
			second = append(second, seconds(at[1]-at[0]))
			if span := seconds(at[len(at)-1] - at[0]); span > 0 && n > 1 {
				pace = append(pace, float64(n-1)/span)
			}
		}
		counts := ChunkTokens(r, n)
		tokensKnown = tokensKnown && counts != nil
		for k, c := range counts {
			chunks = append(chunks, float64(c))
			if k == 0 || c == 0 {
				continue
			}
			for range c {
				perToken = append(perToken, seconds(at[k]-at[k-1])/float64(c))
			}
		}
	}
	stats := func(v []float64) Stats { return newStats(v, o.Percentiles) }
	x.FirstContent, x.FirstVisible, x.SecondToken, x.UserPace = stats(content), stats(visible), stats(second), stats(pace)
	x.DueTTFT, x.DueE2EL, x.Queue = stats(dueTTFT), stats(dueE2EL), stats(queue)
	if tokensKnown && events > 0 {
		all := stats(perToken)
		x.PerToken, x.TokensPerChunk = &all, stats(chunks)
	} else if events > 0 {
		x.TokensPerChunk = Stats{Mean: float64(tokens) / float64(events)}
	}
	x.concurrency(results, o)
	x.Steady = steady(results, o)
	x.Means = meanIntervals(results, o)
	return x
}

// MostTokens is more than an answer can hold: what a server counts beyond it is a
// mistake, and no figure is weighed by it.
const MostTokens = 1 << 20

// ChunkTokens is how many tokens each of the events that Tokens lists brought: by the
// server's running count, else one each where there are as many as tokens, or one
// more, which brings the finish reason alone; nil where neither says, or the count
// cannot be.
func ChunkTokens(r *client.Result, n int) []int {
	var out []int
	before, counted, finish := 0, true, false
	for _, e := range r.Events {
		if !e.Choices || e.Kind == client.Role {
			continue
		}
		counted = counted && int(e.Tokens) >= before
		out = append(out, int(e.Tokens)-before)
		before, finish = int(e.Tokens), e.Kind == client.Finish
	}
	switch {
	case counted && len(out) > 0 && before <= MostTokens:
		return out
	case len(out) != n && !(finish && len(out) == n+1):
		return nil
	}
	clear(out)
	for i := range n {
		out[i] = 1
	}
	return out
}

// span is a request's time under way.
func span(r *client.Result) (from, to time.Duration) {
	to = r.End
	if n := len(r.Events); n > 0 {
		to = r.Events[n-1].At
	}
	return r.Start, max(to, r.Start)
}

// step is a change of the number of requests under way.
type step struct {
	at time.Duration
	by int
}

func steps(results []*client.Result) (all []step) {
	for _, r := range results {
		from, to := span(r)
		all = append(all, step{from, 1}, step{to, -1})
	}
	// At the same instant what ends goes first.
	slices.SortFunc(all, func(a, b step) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	return all
}

// concurrency fills in the peak, the mean and the series of seconds.
func (x *Extended) concurrency(results []*client.Result, o ExtendedOptions) {
	all := steps(results)
	if len(all) == 0 {
		return
	}
	end := all[len(all)-1].at
	n := int(math.Ceil(seconds(end - o.Start)))
	const longest = 100000 // seconds kept
	x.Series = make([]Second, min(max(n, 1), longest))
	bin := func(at time.Duration) *Second {
		return &x.Series[min(max(int((at-o.Start)/time.Second), 0), len(x.Series)-1)]
	}
	now := 0
	var before time.Duration
	area := 0.0
	for _, s := range all {
		if now > 0 {
			area += float64(now) * seconds(s.at-before)
			for from := before; from < s.at; { // over the seconds that it spans
				to := min(s.at, o.Start+((from-o.Start)/time.Second+1)*time.Second)
				b := bin(from)
				b.Concurrency += float64(now) * seconds(to-from)
				b.Peak = max(b.Peak, now)
				from = to
			}
		}
		now += s.by
		before = s.at
		x.PeakConcurrency = max(x.PeakConcurrency, now)
		bin(s.at).Peak = max(bin(s.at).Peak, now)
	}
	if whole := seconds(end - all[0].at); whole > 0 {
		x.MeanConcurrency = area / whole
	}
	for i, r := range results {
		bin(r.Start).Started++
		if r.Err != nil {
			continue
		}
		_, to := span(r)
		bin(to).Completed++
		at, weight := Tokens(r), 0.0
		counts := ChunkTokens(r, o.OutputLens[i])
		given := 0
		for k, t := range at {
			c := 0
			if counts != nil {
				c = counts[k]
			} else { // as evenly as can be
				weight += float64(o.OutputLens[i]) / float64(len(at))
				c = int(math.Round(weight)) - given
			}
			given += c
			bin(t).Tokens += c
		}
	}
}

// steady measures the time from when all slots were busy first to when they were last.
func steady(results []*client.Result, o ExtendedOptions) *Steady {
	if o.Concurrency <= 0 {
		return nil
	}
	now := 0
	var from, to time.Duration
	for _, s := range steps(results) {
		if now == o.Concurrency && s.by < 0 {
			to = s.at
		}
		if now += s.by; now == o.Concurrency && from == 0 {
			from = s.at
		}
	}
	if from == 0 || to <= from {
		return nil
	}
	out := &Steady{From: seconds(from - o.Start), To: seconds(to - o.Start)}
	var values Values
	tokens := 0.0
	for i, r := range results {
		at := Tokens(r)
		inside := 0
		for _, t := range at {
			if from <= t && t <= to {
				inside++
			}
		}
		if r.Err == nil && len(at) > 0 {
			tokens += float64(o.OutputLens[i]) * float64(inside) / float64(len(at))
		}
		start, end := span(r)
		if start < from || end > to || r.Err != nil {
			out.Dropped++
			continue
		}
		out.Requests++
		addSample(&values, r, o.OutputLens[i], o.Chat)
	}
	for m := range values {
		out.Latency[m] = newStats(values[m], o.Percentiles)
	}
	out.TokensPerSecond = tokens / seconds(to-from)
	return out
}

// addSample adds a success's latencies under the original's definitions.
func addSample(v *Values, r *client.Result, outputLen int, chat bool) {
	s := NewSample(r, 0, chat, true)
	v[TTFT], v[E2EL], v[ITL] = append(v[TTFT], s.TTFT), append(v[E2EL], s.Latency), append(v[ITL], s.ITL...)
	if outputLen > 1 {
		v[TPOT] = append(v[TPOT], (s.Latency-s.TTFT)/float64(outputLen-1))
	}
}

// Blocks of a mean's interval: at most so many, of at least so many requests.
const (
	blocksMost = 20
	blockLeast = 5
)

// meanIntervals are 95 % intervals by the means of blocks of requests that began
// one after the other: those of a closed loop are correlated. ITL is blocked by
// whole requests, too.
func meanIntervals(results []*client.Result, o ExtendedOptions) (out [4]*Interval) {
	type sums struct{ sum, n [4]float64 }
	type one struct {
		start time.Duration
		sums
	}
	var all []one
	for i, r := range results {
		if r.Err != nil {
			continue
		}
		var v Values
		addSample(&v, r, o.OutputLens[i], o.Chat)
		x := one{start: r.Start}
		for m := range v {
			for _, f := range v[m] {
				x.sum[m] += f
				x.n[m]++
			}
		}
		all = append(all, x)
	}
	slices.SortStableFunc(all, func(a, b one) int { return cmp.Compare(a.start, b.start) })
	k := min(blocksMost, len(all)/blockLeast)
	if k < 5 {
		return out
	}
	for m := range out {
		means := make([]float64, 0, k)
		for b := range k {
			sum, n := 0.0, 0.0
			for _, x := range all[b*len(all)/k : (b+1)*len(all)/k] {
				sum, n = sum+x.sum[m], n+x.n[m]
			}
			if n > 0 {
				means = append(means, sum/n)
			}
		}
		if len(means) < k {
			continue
		}
		t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(k - 1)}.Quantile(0.975)
		mean, sd := Mean(means), Std(means)*math.Sqrt(float64(k)/float64(k-1))
		half := t * sd / math.Sqrt(float64(k))
		out[m] = &Interval{mean - half, mean + half}
	}
	return out
}

// ServerTimes are a server's own times of its requests: waiting to be scheduled,
// from there to the first token, and from there to the last.
func ServerTimes(s *client.ServerMetrics, percentiles []float64) (queue, prefill, decode Stats) {
	var q, p, d []float64
	for _, r := range s.Requests {
		q, p, d = append(q, r.Scheduled-r.Arrival), append(p, r.FirstToken-r.Scheduled), append(d, r.LastToken-r.FirstToken)
	}
	return newStats(q, percentiles), newStats(p, percentiles), newStats(d, percentiles)
}
