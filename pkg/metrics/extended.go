package metrics

import (
	"math"
	"time"

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
	// ByChoice is nil where no answer has several choices.
	ByChoice *ByChoiceStats
}

// ByChoiceStats are the latencies of each choice of the answers that have several, each
// read as a stream of its own.
type ByChoiceStats struct {
	Requests, Choices int // answers, and the most choices that one has
	TTFT, TPOT, ITL   Stats
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
	Percentiles []float64
	// Requests is how many there are in all.
	Requests int
	// Values are the original's, to which those of a request are added before (SummaryReader).
	Values [4]*List
}

// ExtendedReader reads the extended metrics off a run, request by request.
type ExtendedReader struct {
	o                                                               ExtendedOptions
	content, visible, chunks, second, pace, dueTTFT, dueE2EL, queue List
	perToken                                                        *List
	tokensUnknown                                                   bool
	tokens, events                                                  int
	perSecond                                                       []int // tokens
	requests                                                        []request
	choices                                                         struct {
		requests, most  int
		ttft, tpot, itl List
	}

	at     []time.Duration // of one request's events with tokens
	counts []int           // of their tokens
	gaps   []time.Duration
}

// request is what of a request the metrics of the whole run need.
type request struct {
	from, to  time.Duration // under way
	gaps      int32         // values of ITL
	n, tokens int32         // output tokens, and the events that brought them
	success   bool
}

// NewExtendedReader returns a reader that has read nothing yet.
func NewExtendedReader(o ExtendedOptions) *ExtendedReader {
	return &ExtendedReader{o: o, perToken: Like(o.Values[ITL]), requests: make([]request, 0, o.Requests)}
}

// Add reads a request that was sent: its timeline, its sample and the length of its
// completion. Nothing of it is kept.
func (x *ExtendedReader) Add(r *client.Result, s *Sample, n int) {
	q := request{from: r.Start, to: r.End, n: int32(min(n, math.MaxInt32)), success: r.Err == nil}
	if n := len(r.Events); n > 0 {
		q.to = r.Events[n-1].At
	}
	q.to = max(q.to, r.Start)
	if r.Err == nil {
		q.gaps, q.tokens = int32(len(s.ITL)), int32(x.success(r, s, n))
	}
	x.requests = append(x.requests, q)
}

// success reads a success and returns how many events brought tokens.
func (x *ExtendedReader) success(r *client.Result, s *Sample, n int) int {
	x.queue.AddDuration(max(r.Permit-r.Due, 0))
	x.at = appendTokens(x.at[:0], r)
	at := x.at
	if len(at) == 0 {
		return 0
	}
	x.tokens, x.events = x.tokens+n, x.events+len(at)
	x.content.AddDuration(at[0] - r.Start)
	waited := seconds(r.Start - min(r.Due, r.Start))
	x.dueTTFT.Add(waited + s.TTFT)
	x.dueE2EL.Add(waited + s.Latency)
	for i := range r.Events {
		if e := &r.Events[i]; e.Kind == client.Text || e.Kind == client.ToolCall {
			x.visible.AddDuration(e.At - r.Start)
			break
		}
	}
	if several := ByChoice(r, n); several != nil {
		x.byChoice(r, several)
		return len(at)
	}
	counts, known := ChunkTokens(x.counts[:0], r, n)
	x.counts = counts
	x.stream(at, n, counts, known)
	return len(at)
}

// stream reads the instants of the events of one stream of n tokens, and how many of them
// each event brought where that is known.
func (x *ExtendedReader) stream(at []time.Duration, n int, counts []int, known bool) {
	if len(at) > 1 {
		x.second.AddDuration(at[1] - at[0])
		if span := seconds(at[len(at)-1] - at[0]); span > 0 && n > 1 {
			x.pace.Add(float64(n-1) / span)
		}
	}
	x.tokensUnknown = x.tokensUnknown || !known
	if !known {
		counts = evenly(counts[:0], n, len(at))
		x.counts = counts
	}
	for k, c := range counts {
		x.inSecond(at[k], c)
	}
	if known {
		x.chunks.addCounts(counts)
		x.tokensUnknown = !x.gapsOf(at, counts) || x.tokensUnknown
	}
}

// gapsOf reads the gaps between the tokens of one stream; false where these are too many.
func (x *ExtendedReader) gapsOf(at []time.Duration, counts []int) bool {
	single := x.gaps[:0] // of tokens that came alone
	for k, c := range counts {
		switch {
		case k == 0 || c == 0:
			continue
		case x.perToken.Len()+len(single)+c > x.tokensMost():
			return false
		case c == 1:
			single = append(single, at[k]-at[k-1])
			continue
		}
		x.perToken.AddDurations(single)
		single = single[:0]
		gap := seconds(at[k]-at[k-1]) / float64(c)
		for range c {
			x.perToken.Add(gap)
		}
	}
	x.perToken.AddDurations(single)
	x.gaps = single
	return true
}

// byChoice reads the choices of an answer as streams of their own.
func (x *ExtendedReader) byChoice(r *client.Result, several []ChoiceEvents) {
	c := &x.choices
	c.requests, c.most = c.requests+1, max(c.most, Choices(r))
	var at []time.Duration
	for _, one := range several {
		at = at[:0]
		for _, i := range one.Events {
			at = append(at, r.Events[i].At)
		}
		ttft := 0.0
		for s := range one.Spans(r) {
			switch length := seconds(s.Length()); s.Metric {
			case TTFT:
				ttft = length
				c.ttft.Add(ttft)
			case ITL:
				c.itl.Add(length)
			case E2EL:
				if tpot, ok := PerToken(ttft, length, one.Tokens); ok {
					c.tpot.Add(tpot)
				}
			}
		}
		x.counts = evenly(x.counts[:0], one.Tokens, len(at))
		x.stream(at, one.Tokens, x.counts, one.Tokens == len(at))
	}
}

// tokensMost bounds the values per token: a server may say that an event brought billions.
func (x *ExtendedReader) tokensMost() int { return max(1<<24, 16*x.events) }

// Extended makes the metrics of what was read; s is the summary of the same requests, and
// result gives the timeline of one by its place among those that were read.
func (x *ExtendedReader) Extended(s *Summary, result func(i int) *client.Result) *Extended {
	stats := func(l *List) Stats { return l.Stats(x.o.Percentiles) }
	out := &Extended{
		FirstContent: stats(&x.content), FirstVisible: stats(&x.visible), SecondToken: stats(&x.second), UserPace: stats(&x.pace),
		DueTTFT: stats(&x.dueTTFT), DueE2EL: stats(&x.dueE2EL), Queue: stats(&x.queue),
	}
	if !x.tokensUnknown && x.events > 0 {
		all := s.Latency[ITL]
		if x.perToken.Origin() != s.Values[ITL] { // as it is with one token a chunk
			all = stats(x.perToken)
		}
		out.PerToken, out.TokensPerChunk = &all, stats(&x.chunks)
	} else if x.events > 0 {
		out.TokensPerChunk = Stats{Mean: float64(x.tokens) / float64(x.events)}
	}
	steps := x.steps()
	x.concurrency(out, steps)
	if c := &x.choices; c.requests > 0 {
		out.ByChoice = &ByChoiceStats{Requests: c.requests, Choices: c.most, TTFT: stats(&c.ttft), TPOT: stats(&c.tpot), ITL: stats(&c.itl)}
	}
	out.Steady = x.steady(steps, result)
	out.Means = x.meanIntervals()
	return out
}
