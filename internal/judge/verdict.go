package judge

import (
	"fmt"
	"strings"
	"time"

	"loadgen/internal/health"
	"loadgen/pkg/metrics"
)

// Level is how far a run's metrics can be trusted.
type Level string

// The levels, from the best to the worst.
const (
	Clean         Level = "clean"
	Degraded      Level = "degraded"
	ClientLimited Level = "client-limited"
)

// Limits are the thresholds of the verdict.
type Limits struct {
	// A metric is clean with a bound of at most Floor, or of this share of its median.
	Floor, CleanShare float64
	// LimitedShare of its median makes the run client-limited, or of its mean where
	// that is greater: coalesced delivery has a median of next to nothing.
	LimitedShare float64
	// Throughput is clean with slots idle for at most this share of the time.
	IdleShare float64
}

// DefaultLimits are those of the manual.
var DefaultLimits = Limits{Floor: 0.2e-3, CleanShare: 0.02, LimitedShare: 0.20, IdleShare: 0.02}

// Reason is why a run is not clean.
type Reason struct {
	// What is the metric (ttft, tpot, itl, e2el), throughput, schedule or clock.
	What string
	// Bound is by how much it may be off, and Limit what it may be at most to be
	// clean: seconds, or for throughput and clock a share and a number.
	Bound, Limit float64
	Text         string

	off, cause string // of a metric: by how much, and why
	who        string // of several processes, with a colon; else ""
}

// Verdict says whether the client could keep up.
type Verdict struct {
	Level   Level
	Reasons []Reason

	around string // what the process and its machine suffered from
}

// ownCore is what to do about a client that was late.
const ownCore = "; give loadgen a core of its own"

// Decide judges a budget. meanGap is the mean time between two requests of the
// schedule in seconds, 0 where all are due at once.
func Decide(b *Budget, h *health.Report, meanGap float64, l Limits) Verdict {
	v := Verdict{Level: Clean}
	blame := func(level Level, r Reason) {
		if level == ClientLimited || v.Level == Clean {
			v.Level = level
		}
		v.Reasons = append(v.Reasons, r)
	}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		bound := b.Bounds[m]
		limit := max(l.Floor, l.CleanShare*bound.ReportedMedian)
		if most := bound.Most(); most > limit {
			level := Degraded
			if most > l.LimitedShare*b.typical(m) {
				level = ClientLimited
			}
			name, cause := strings.ToUpper(m.String()), because(m, b)
			blame(level, Reason{What: m.String(), Bound: most, Limit: limit, Text: fmt.Sprintf("%s may be off by up to %s (%s; clean is at most %s)%s",
				name, short(most), ofMedian(most, bound.ReportedMedian), short(limit), cause+ownCore),
				off: fmt.Sprintf("%s by up to %s (%s)", name, short(most), ofMedian(most, bound.ReportedMedian)), cause: cause})
		}
	}
	if b.Idle > l.IdleShare {
		level := Degraded
		if b.Idle > l.LimitedShare {
			level = ClientLimited
		}
		blame(level, Reason{What: "throughput", Bound: b.Idle, Limit: l.IdleShare, Text: fmt.Sprintf("slots were idle for %s of their time because loadgen started requests late: throughput may be understated by as much"+ownCore, percent(b.Idle))})
	}
	if late := b.Lateness.P99.Seconds(); meanGap > 0 && late > meanGap {
		blame(ClientLimited, Reason{What: "schedule", Bound: late, Limit: meanGap, Text: fmt.Sprintf("requests were handed out up to %s late (p99), more than the %s between two of them: the load was not the one asked for"+ownCore+", or ask for fewer requests a second", short(late), short(meanGap))})
	}
	if len(h.Steps) > 0 && b.ByWall {
		blame(Degraded, Reason{What: "clock", Bound: float64(len(h.Steps)), Text: fmt.Sprintf("the wall clock stepped %d times, first by %s, while arrivals were stamped with it; let the clock be slewed, not stepped, and run again", len(h.Steps), spell(h.Steps[0].By))})
	}
	if v.Level != Clean {
		if v.around = surroundings(h); v.around != "" {
			v.Reasons[len(v.Reasons)-1].Text += "; " + v.around
		}
	}
	return v
}

// Causes are the reasons with each cause once, without what to do about them.
func (v Verdict) Causes() (lines []string) {
	type cause struct{ who, text string }
	var order []cause
	off := map[cause][]string{}
	for _, r := range v.Reasons {
		if r.off == "" {
			text, _, _ := strings.Cut(strings.TrimSuffix(r.Text, "; "+v.around), ownCore)
			lines = append(lines, text)
			continue
		}
		c := cause{r.who, r.cause}
		if off[c] == nil {
			order = append(order, c)
		}
		off[c] = append(off[c], r.off)
	}
	var all []string
	for _, c := range order {
		all = append(all, c.who+"may be off: "+strings.Join(off[c], ", ")+c.text)
	}
	if all = append(all, lines...); v.around != "" {
		all = append(all, v.around)
	}
	return all
}

// typical is what a metric's bound is relative to: its median, or its mean where that is
// greater, as of tokens that come in bursts. Of answers that come in one piece, with an ITL and
// a TPOT that no decoding makes, it is the time that an event takes of E2EL.
func (b *Budget) typical(m metrics.Metric) float64 {
	x, e2el, gaps := b.Bounds[m], b.Bounds[metrics.E2EL], b.Bounds[metrics.ITL].Count
	if (m == metrics.ITL || m == metrics.TPOT) && x.ReportedMean < smallGap.Seconds() && x.Count > 0 {
		return e2el.ReportedMean * float64(e2el.Count) / float64(gaps+e2el.Count)
	}
	return max(x.ReportedMedian, x.ReportedMean)
}

// ofMedian is how much a bound is relative to its metric's median.
func ofMedian(bound, median float64) string {
	switch {
	case median <= 0:
		return "its median is 0"
	case bound > 2*median:
		return fmt.Sprintf("%.3g times its median", bound/median)
	}
	return percent(bound/median) + " of its median"
}

// because names what weighs most in the measurement error of a metric.
func because(m metrics.Metric, b *Budget) string {
	if m == metrics.TTFT || m == metrics.E2EL {
		if b.SendDelay.P99 > b.Uncertainty.P99 {
			return fmt.Sprintf(": sending a request took %s (p99)", spell(b.SendDelay.P99))
		}
	}
	if b.Uncertainty.Count > 0 {
		return fmt.Sprintf(": %d arrivals were read together with later ones, up to %s late (p99)", b.Uncertainty.Count, spell(b.Uncertainty.P99))
	}
	return ""
}

// surroundings names what the process and its machine suffered from.
func surroundings(h *health.Report) string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if g := h.Cgroup; g != nil && g.Throttled > 0 {
		add("the processor limit of %.3g cores stopped the process for %s", g.Cores, spell(g.Throttled))
	}
	if used := (h.User + h.System).Seconds(); h.Wall > 0 && used > 0.9*float64(h.Cores)*h.Wall.Seconds() {
		add("loadgen used %.3g of its %d processors", used/h.Wall.Seconds(), h.Cores)
	}
	if share := h.Busiest(); share > 0.9 {
		add("the busiest of %d threads that read used %s of a processor", len(h.Reactors), percent(share))
	}
	if m := h.Machine; m != nil && m.Busy > 0.9 {
		add("the machine was %s busy", percent(m.Busy))
	}
	if m := h.Machine; m != nil && m.Steal > 0.02 {
		add("the hypervisor took %s of the processors' time", percent(m.Steal))
	}
	if n := len(h.Stalls); n > 0 {
		var longest, sum time.Duration
		for _, s := range h.Stalls {
			longest, sum = max(longest, s.To-s.From), sum+s.To-s.From
		}
		if n == 1 {
			add("the process did not get to run for %s", spell(sum))
		} else {
			add("the process did not get to run for %s in %d stalls, %s the longest", spell(sum), n, spell(longest))
		}
	}
	if h.GCPauses.Max > time.Millisecond {
		add("the garbage collector stopped it for up to %s", spell(h.GCPauses.Max))
	}
	return strings.Join(all, "; ")
}
