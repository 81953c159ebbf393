package live

import (
	"time"

	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/pkg/metrics"
)

// Progress is how far a run is.
type Progress struct {
	// Planned is 0 where time alone decides how many requests there are.
	Planned, Done, Failed int
	OnPurpose             int // ended by loadgen, which are no failures
	// Most is how long requests are sent for at most, 0 for no limit.
	Elapsed, Most time.Duration
	// Left is an estimate, negative where nothing is known.
	Left     time.Duration
	InFlight int64
	// Chunks are the events with choices that have come.
	Chunks int64
	// TTFT and ITL are medians, 0 where there is none.
	TTFT, ITL time.Duration
}

// State is what a run is like at a moment. Latencies are those of requests that have ended
// successfully; the recent ones ended in the last ten seconds.
type State struct {
	Progress
	Queued   int
	Requests Rate // ended
	// Tokens are an estimate: the events that come, each with as many tokens as those of
	// ended requests had. Counted reports whether there are such; else they are events.
	Tokens         Rate
	Counted        bool
	Recent, Run    [4]Quantiles // by Metric
	RecentRequests int
	RunRequests    int
	Bars           [4][]Bar
	Failures       []metrics.ClassCount // the most frequent first
	// Health is the client's, nil where nothing is observed; CPU is how many processors the
	// program used of late.
	Health *health.Report
	CPU    float64
	// Verdict is that on Judged of the requests, with its Budget; nil where there is none yet.
	Verdict *judge.Verdict
	Budget  *judge.Budget
	Judged  int
}

// Rate is how many there are a second: of late, in the whole run, and in each second of the
// last minutes, the oldest first.
type Rate struct {
	Recent, Run float64
	Seconds     []float64
}

// Progress is the run's at a time since its start.
func (t *Tally) Progress(at time.Duration) Progress {
	t.look.Lock()
	defer t.look.Unlock()
	c := t.take(at)
	return t.progress(at, &c)
}

func (t *Tally) progress(at time.Duration, c *counts) Progress {
	p := Progress{Planned: t.o.Planned, Done: c.done, Failed: c.failed(), OnPurpose: c.onPurpose, Elapsed: at, Most: t.o.Most, Left: -1}
	p.InFlight, p.Chunks = t.underWay()
	median := func(m metrics.Metric) time.Duration {
		return time.Duration(t.run.of[m].ValueAtQuantile(50)) * time.Microsecond
	}
	p.TTFT, p.ITL = median(metrics.TTFT), median(metrics.ITL)
	if share := p.byCount(); share > 0 {
		p.Left = time.Duration(float64(at) / share * (1 - share))
	}
	if p.byTime() > p.byCount() {
		p.Left = max(t.o.Most-at, 0)
	} else if t.o.End > 0 {
		p.Left = max(p.Left, t.o.End-at)
	}
	return p
}

// State is the run's at a time since its start. A Tally without Options.Detailed knows
// nothing of what is recent, nor a verdict.
func (t *Tally) State(at time.Duration) State {
	t.look.Lock()
	defer t.look.Unlock()
	c := t.take(at)
	s := State{Progress: t.progress(at, &c), Failures: c.byClass(), Run: t.run.quantiles(), RunRequests: t.run.requests}
	if t.o.Queued != nil {
		s.Queued = t.o.Queued()
	}
	if !t.o.Detailed {
		return s
	}
	s.Recent, s.RecentRequests = t.lately(int(at / time.Second))
	perChunk := 1.0
	if s.Counted = c.chunks > 0 && c.tokens > 0; s.Counted {
		perChunk = float64(c.tokens) / float64(c.chunks)
	}
	now := point{at, c.done, s.Chunks}
	s.Requests = t.rate(now, func(p point) float64 { return float64(p.done) })
	s.Tokens = t.rate(now, func(p point) float64 { return perChunk * float64(p.chunks) })
	if at-t.barsAt >= time.Second {
		t.barsAt = at
		for m := range t.bars {
			t.bars[m] = t.run.bars(metrics.Metric(m))
		}
	}
	s.Bars = t.bars
	t.judge(at)
	s.Health, s.CPU, s.Verdict, s.Budget, s.Judged = t.judged.health, t.judged.cpu, t.judged.verdict, t.judged.budget, t.judged.of
	return s
}

// lately are the latencies of requests that ended in the last seconds, the given one
// included. Those of the seconds before it are summed up once.
func (t *Tally) lately(second int) ([4]Quantiles, int) {
	if t.past.second != second {
		t.past.second = second
		t.past.of.reset()
		for i := range t.recent {
			if slot := &t.recent[i]; slot.second >= 0 && slot.second < second && slot.second > second-window {
				t.past.of.merge(slot.of)
			}
		}
	}
	t.merged.reset()
	t.merged.merge(t.past.of)
	if now := &t.recent[second%window]; now.second == second {
		t.merged.merge(now.of)
	}
	return t.merged.quantiles(), t.merged.requests
}

// Bars are the distribution of a metric so far.
func (t *Tally) Bars(m metrics.Metric) []Bar {
	t.look.Lock()
	defer t.look.Unlock()
	return t.run.bars(m)
}

// point is what had been counted at a time.
type point struct {
	at     time.Duration
	done   int
	chunks int64
}

// mostPoints bounds the seconds that rates are kept of.
const mostPoints = 300

// mark keeps a point a second.
func (t *Tally) mark(p point) {
	if p.at-t.points[len(t.points)-1].at < time.Second {
		return
	}
	if len(t.points) >= 2*mostPoints {
		t.points = t.points[:copy(t.points, t.points[len(t.points)-mostPoints:])]
	}
	t.points = append(t.points, p)
}

// rate makes rates of what is counted.
func (t *Tally) rate(now point, of func(point) float64) (r Rate) {
	over := func(a, b point) float64 {
		if b.at <= a.at {
			return 0
		}
		return (of(b) - of(a)) / (b.at - a.at).Seconds()
	}
	from := max(len(t.points)-mostPoints, 0)
	for i := from + 1; i < len(t.points); i++ {
		r.Seconds = append(r.Seconds, over(t.points[i-1], t.points[i]))
	}
	r.Run = over(point{}, now)
	first := t.points[from]
	for _, p := range t.points[from:] {
		if now.at-p.at >= window*time.Second {
			first = p
		}
	}
	r.Recent = over(first, now)
	return r
}

// Share is how much of the run is done, 0 to 1, by its requests or by its time.
func (p *Progress) Share() float64 { return max(p.byCount(), p.byTime()) }

func (p *Progress) byCount() float64 {
	if p.Planned <= 0 {
		return 0
	}
	return min(float64(p.Done)/float64(p.Planned), 1)
}

func (p *Progress) byTime() float64 {
	if p.Most <= 0 {
		return 0
	}
	return min(float64(p.Elapsed)/float64(p.Most), 1)
}
