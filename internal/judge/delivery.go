package judge

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"

	"loadgen/pkg/metrics"
)

// smallGap is a gap that no decoding step makes.
const smallGap = 200 * time.Microsecond

// gapsSeen are the times between the events of a stream that bring tokens, by choice.
type gapsSeen struct {
	n, small, late int // all, those under smallGap, and those of the latter that the client may have made
	sum            time.Duration
	// buckets are eight an octave: how many gaps there are, and how many may be the client's.
	buckets [64 * 8]struct{ n, late int }
	stalls  []stall // of streams: the gaps of stallLeast and more
	streams int
}

// stall is a long gap.
type stall struct {
	length time.Duration
	stream int
}

// add takes in a gap; late is by how much the event before it may be late, and after that
// after it.
func (g *gapsSeen) add(length, late, after time.Duration) {
	g.n++
	g.sum += length
	b := &g.buckets[bucketOf(length)]
	b.n++
	mayBeOurs := late >= time.Millisecond // the one before may have come early enough to stand apart
	if mayBeOurs {
		b.late++
	}
	if length < smallGap {
		if g.small++; mayBeOurs {
			g.late++
		}
	}
	if length >= stallLeast && 2*after < length {
		g.stalls = append(g.stalls, stall{length, g.streams})
	}
}

// bucketOf is the bucket of a gap.
func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	octave := bits.Len64(n)
	if octave < 4 {
		return int(n)
	}
	return min((octave-3)*8+int(n>>(octave-4)&7), 64*8-1)
}

// bucketEnd is the least gap of the bucket after one.
func bucketEnd(k int) time.Duration {
	if k < 8 {
		return time.Duration(k + 1)
	}
	return time.Duration(8+k%8+1) << (k/8 - 1)
}

// below counts the gaps below a limit, rounded down to whole buckets.
func (g *gapsSeen) below(limit time.Duration) (n, late int) {
	for k := range g.buckets {
		if bucketEnd(k) > limit {
			break
		}
		n, late = n+g.buckets[k].n, late+g.buckets[k].late
	}
	return n, late
}

// median is that of the gaps, to an eighth.
func (g *gapsSeen) median() time.Duration {
	sum := 0
	for k := range g.buckets {
		if sum += g.buckets[k].n; 2*sum >= g.n {
			return bucketEnd(k)
		}
	}
	return 0
}

func (g *gapsSeen) mean() time.Duration { return g.sum / time.Duration(max(g.n, 1)) }

// deliverySeen is how the tokens of the answers with one choice were delivered.
type deliverySeen struct {
	answers      int // with four events or more that bring tokens
	whole, late  int // all in one read; and of those which the client may have made so
	held         int // with a first burst much larger than the later ones
	first, of    int // tokens of the held first bursts, and of their answers
	firstOf, all int // the same of all answers
	later        time.Duration
	laterGaps    int
}

// oneChoice takes in the gaps of an answer with one choice, and how it was delivered.
func (f *FindingsReader) oneChoice(q *Request) {
	events := q.Result.Events
	f.gaps.streams++
	for i := range q.Spans {
		if s := &q.Spans[i]; s.Metric == metrics.ITL && metrics.BringsTokens(&events[s.From]) && metrics.BringsTokens(&events[s.To]) {
			f.gaps.add(s.Length(), q.Late[s.From], q.Late[s.To])
		}
	}
	d := &f.delivered
	n, bursts, first, from, to := 0, 0, 0, -1, -1 // events with tokens, bursts, those in the first, first and last of all
	var firstEnd time.Duration
	for i := range events {
		e := &events[i]
		if !metrics.BringsTokens(e) {
			continue
		}
		if n == 0 || e.At-events[to].At >= smallGap {
			bursts++
		}
		if n++; bursts == 1 {
			first, firstEnd = n, e.At
		}
		if from < 0 {
			from = i
		}
		to = i
	}
	if n < 4 {
		return
	}
	d.answers++
	d.firstOf, d.all = d.firstOf+first, d.all+n
	span := events[to].At - events[from].At
	switch {
	case bursts == 1 && 50*span <= events[to].At-q.Result.Start && span <= time.Duration(n-1)*smallGap/2:
		d.whole++
		if 2*q.Late[from] > events[to].At-q.Result.Written {
			d.late++
		}
	case first >= 4 && 10*first >= n && first*(bursts-1) >= 3*(n-first) && 2*q.Late[from] < events[from].At-q.Result.Written:
		d.held++
		d.first, d.of = d.first+first, d.of+n
		d.later, d.laterGaps = d.later+events[to].At-firstEnd, d.laterGaps+n-first
	}
}

// byChoice takes in how the choices of an answer were delivered, and returns how many gaps they
// have.
func (f *FindingsReader) byChoice(q *Request, several []metrics.ChoiceEvents) (gaps int) {
	for _, one := range several {
		f.gaps.streams++
		ttft := 0.0
		for s := range one.Spans(q.Result) {
			switch s.Metric {
			case metrics.TTFT:
				ttft = s.Length().Seconds()
			case metrics.ITL:
				f.gaps.add(s.Length(), q.Late[s.From], q.Late[s.To])
				gaps++
			case metrics.E2EL:
				if tpot, ok := metrics.PerToken(ttft, s.Length().Seconds(), one.Tokens); ok {
					f.choiceTPOT = append(f.choiceTPOT, tpot)
				}
			}
		}
	}
	return gaps
}

// wholeAnswers reports that nothing between a request and the end of its answer was measured.
func (f *FindingsReader) wholeAnswers() *Finding {
	if !f.run.Rule.Whole || f.completed == 0 {
		return nil
	}
	return some(find("whole_answers", "answers come in one piece, as streaming was turned off: TTFT and TPOT are not measured, and E2EL alone is", "answers", f.completed))
}

// coalesced reports that tokens came in bursts, or whole answers at once.
func (f *FindingsReader) coalesced() *Finding {
	if d := &f.delivered; 2*d.whole > d.answers {
		where, by := "the server or a proxy holds them until they are complete", "server"
		if 2*d.late > d.whole {
			where, by = "they may have been delayed in loadgen; see the verdict", "client"
		}
		return some(find("coalesced", fmt.Sprintf("%d of %d answers came in one piece, all tokens at once: %s. TTFT and TPOT are not measured, and E2EL alone is", d.whole, f.completed, where),
			"whole_answers", d.whole, "answers", f.completed, "where", by))
	}
	b := f.bursts()
	if b.small == 0 {
		return nil
	}
	where, by := "by the kernel's timestamps they arrived so", "server"
	if 2*b.late > b.small {
		where, by = "they may have been delayed in loadgen; see the verdict", "client"
	}
	mean := f.gaps.mean().Seconds()
	text := fmt.Sprintf("tokens come in bursts: %s of the gaps are %s at a mean of %s; %s. ", percent(float64(b.small)/float64(f.gaps.n)), b.sizes, short(mean), where)
	figures := []any{"small_gaps", b.small, "gaps", f.gaps.n, "mean_gap_s", mean, "where", by}
	switch share := f.firstBurst(); {
	case f.several > 0:
		text += "ITL is not that of tokens; answers have several choices, and the latencies of each are in the result (metrics.by_choice)"
	case share >= firstBurstShare:
		text += fmt.Sprintf("The first burst holds %s of the tokens, so TTFT is too long and TPOT too short by as much, and ITL is not that of tokens", percent(share))
		figures = append(figures, "first_burst_share", share)
	default:
		text += "Read TPOT, not ITL"
	}
	return some(find("coalesced", text, figures...))
}

// Tokens come in bursts where a third of the gaps or more are under 0.2 ms at a mean of five
// times that or more; or where the gaps of one and a half times the mean and more, the long
// ones, are five times the others, take 60 % of the time, and come after about as many of the
// others each time, 30 at most: a stream that stalls now and then, or while others are
// prefilled, does so irregularly, and decodes for most of the time.
const (
	burstPace       = 5
	longGap         = 1.5
	longShare       = 0.6
	longestBurst    = 30
	irregular       = 0.5  // coefficient of variation of the number of gaps in a burst
	firstBurstShare = 0.10 // of an answer's tokens
)

// burstsSeen are the gaps within bursts, none where there are no bursts.
type burstsSeen struct {
	small, late int     // and those that the client may have made
	sizes       string  // how long they are
	between     float64 // the mean of the other gaps, in seconds
}

func (f *FindingsReader) bursts() burstsSeen {
	g := &f.gaps
	mean := g.mean()
	if g.n == 0 || mean < burstPace*smallGap {
		return burstsSeen{}
	}
	if 3*g.small >= g.n {
		return burstsSeen{g.small, g.late, "under 0.2 ms", g.sum.Seconds() / float64(max(g.n-g.small, 1))}
	}
	limit := time.Duration(longGap * float64(mean))
	within, between := f.regular(limit.Seconds())
	if !(within > 0) || between < burstPace*within {
		return burstsSeen{}
	}
	small, late := g.below(limit)
	return burstsSeen{small, late, fmt.Sprintf("%s on average, and the others %s,", short(within), short(between)), between}
}

// regular returns the mean gaps below and above a limit, in seconds, where those above it
// come after about as many below it each time; 0 where they do not.
func (f *FindingsReader) regular(limit float64) (below, above float64) {
	var runs []float64
	sums, counts := [2]float64{}, [2]int{}
	for _, a := range f.answers {
		run, began := 0, false // what comes before the first long gap may be part of a burst
		for _, gap := range f.gapsOf(a) {
			if gap < limit {
				run++
				sums[0], counts[0] = sums[0]+gap, counts[0]+1
				continue
			}
			if sums[1], counts[1] = sums[1]+gap, counts[1]+1; began {
				runs = append(runs, float64(run))
			}
			run, began = 0, true
		}
	}
	if len(runs) < 10 || counts[0] == 0 {
		return 0, 0
	}
	mean, square := metrics.Mean(runs), 0.0
	for _, r := range runs {
		square += (r - mean) * (r - mean)
	}
	if mean < 0.5 || mean > longestBurst || math.Sqrt(square/float64(len(runs))) > irregular*mean || sums[1] < longShare*(sums[0]+sums[1]) {
		return 0, 0
	}
	return sums[0] / float64(counts[0]), sums[1] / float64(counts[1])
}

// firstBurst is the share of the tokens that come with the first one.
func (f *FindingsReader) firstBurst() float64 {
	d := &f.delivered
	if d.all == 0 || d.firstOf <= d.answers {
		return 0
	}
	return float64(d.firstOf) / float64(d.all)
}

// heldFirstRead reports that the first tokens were held on the way.
func (f *FindingsReader) heldFirstRead() *Finding {
	d := &f.delivered
	if d.held == 0 || 3*d.held < d.answers {
		return nil
	}
	first, of := float64(d.first)/float64(d.held), float64(d.of)/float64(d.held)
	text := fmt.Sprintf("the first read held %.3g of %.3g tokens on average, in %d of %d answers: a server or a proxy held them back, so that ", first, of, d.held, d.answers)
	if missing := missingTime((first - 1) / (of - 1)); missing > DefaultLimits.LimitedShare {
		text += "TTFT is too long and TPOT too short, and neither is measured"
	} else {
		text += fmt.Sprintf("TTFT is up to %.3g tokens' time too long and TPOT %s too short", first-1, percent(missing))
	}
	figures := []any{"answers", d.held, "tokens_in_first_read", first, "tokens", of}
	if d.laterGaps > 0 {
		pace := (d.later / time.Duration(d.laterGaps)).Seconds()
		text += fmt.Sprintf("; later tokens come every %s", short(pace))
		figures = append(figures, "later_pace_s", pace)
	}
	return some(find("held_first_read", text, figures...))
}

// A stream stalls in a gap of half a second or more that is 20 times the median one, and five
// times those between bursts.
const (
	stallLeast  = 500 * time.Millisecond
	stallTimes  = 20
	stallBursts = 5
)

// stalls reports streams that stood still for long in the middle.
func (f *FindingsReader) stalls() *Finding {
	if len(f.gaps.stalls) == 0 {
		return nil
	}
	limit := max(stallLeast, stallTimes*f.gaps.median(), time.Duration(stallBursts*f.bursts().between*1e9))
	longest, n, streams := time.Duration(0), 0, map[int]bool{}
	for _, s := range f.gaps.stalls {
		if s.length >= limit {
			n++
			longest, streams[s.stream] = max(longest, s.length), true
		}
	}
	if n == 0 {
		return nil
	}
	lengths := make([]time.Duration, 0, n)
	for _, s := range f.gaps.stalls {
		if s.length >= limit {
			lengths = append(lengths, s.length)
		}
	}
	slices.Sort(lengths)
	return some(find("stalls", fmt.Sprintf("%d of %d streams stood still in the middle, for up to %s (median %s), where the median gap is %s: they are in TPOT, in p99 ITL and in E2EL",
		len(streams), f.gaps.streams, short(longest.Seconds()), short(lengths[n/2].Seconds()), short(f.gaps.median().Seconds())),
		"streams", len(streams), "stalls", n, "longest_s", longest.Seconds(), "median_gap_s", f.gaps.median().Seconds()))
}
