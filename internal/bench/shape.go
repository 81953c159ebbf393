package bench

import (
	"fmt"
	"math"
	"time"

	"loadgen/internal/load"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// shape is the load over time, where it is not the original's: one load for a number of
// requests.
type shape struct {
	load.Shape
	*load.Plan
	stages []recording.Stage // nil where the load is the same all along
}

// promptsMost bounds the requests of a run.
const promptsMost = 1 << 28

// distinctLeast is how many prompts a run that ends by time draws at the least unless it is
// said, distinctImages the same of prompts with images, and perSlot how many for each request
// at a time.
const distinctLeast, distinctImages, perSlot = 4096, 256, 16

// shapeOf is what the settings say of the load over time, nil where that is the original's or
// a trace's.
func shapeOf(s *recording.Settings) (*shape, error) {
	if err := checkShape(s); err != nil {
		return nil, err
	}
	x := &shape{Shape: load.Shape{Requests: s.NumPrompts, Burstiness: s.Burstiness, Seed: uint32(s.Seed)}}
	var settled []time.Duration
	switch {
	case s.Stages != nil:
		var err error
		if x.Stages, settled, err = readStages(*s.Stages); err != nil {
			return nil, wrong("stages", err.Error())
		}
		if err := checkStages(s, x.Stages); err != nil {
			return nil, err
		}
	case !s.Timed() && !ramps(s) && s.Stagger == 0:
		return nil, nil
	case rateOf(s) > 0:
		x.Stages = []load.Stage{{Rate: rateOf(s), Length: recording.Seconds(s.Duration)}}
	case s.Concurrency() > 0 && !ownTimes(s):
		x.Stages = []load.Stage{{Concurrency: s.Concurrency(), Length: recording.Seconds(s.Duration)}}
	default:
		return nil, nil
	}
	switch {
	case ramps(s):
		x.ramp(s)
	case s.Stagger > 0:
		x.Stages[0].Ramp = recording.Seconds(s.Stagger)
	}
	if g := x.Stages; g[0].Rate > 0 && x.Requests == 0 {
		due := 0.0
		for i := range g {
			due += max(g[i].Rate, g[i].From) * g[i].Length.Seconds()
		}
		if due > promptsMost {
			return nil, wrong("duration", fmt.Sprintf("%.3g requests would be due, and a run has at most %d", due, promptsMost))
		}
	}
	x.Plan = x.Shape.Plan()
	if wholeRun := ramps(s) && s.RampUp == 0; s.Stagger == 0 && !wholeRun { // else nothing follows the ramp
		x.spans(settled)
	}
	return x, nil
}

// ramps reports whether the load is to grow at the run's beginning.
func ramps(s *recording.Settings) bool { return s.RampUp > 0 || s.RampUpStrategy != nil }

// ownTimes reports whether the data set says when requests are due.
func ownTimes(s *recording.Settings) bool { return s.DatasetName == "trace" }

// rateOf is the rate in requests per second, 0 for none: that at the end of a ramp, if it says
// so.
func rateOf(s *recording.Settings) float64 {
	if s.RampUpEnd != nil && ramps(s) {
		return *s.RampUpEnd
	}
	return s.Rate()
}

// ramp adds the ramp that a run begins with.
func (x *shape) ramp(s *recording.Settings) {
	g := &x.Stages[0]
	g.Exponential = recording.Text(s.RampUpStrategy) == "exponential"
	if s.RampUpStart != nil {
		g.From = *s.RampUpStart
	}
	switch {
	case s.RampUp > 0:
		g.Ramp = recording.Seconds(s.RampUp)
	case g.Length > 0:
		g.Ramp = g.Length
	default: // over all requests
		g.Ramp = rampOf(s)
	}
}

// rampOf is the ramp of the request rate in which as many requests are due as there are.
func rampOf(s *recording.Settings) time.Duration {
	from := 0.0
	if s.RampUpStart != nil {
		from = *s.RampUpStart
	}
	return load.RampTime(s.NumPrompts, from, rateOf(s), recording.Text(s.RampUpStrategy) == "exponential")
}

// spans keeps the stages, where there are several or there is a ramp.
func (x *shape) spans(settled []time.Duration) {
	if len(x.Stages) == 1 && x.Stages[0].Ramp == 0 && settled == nil {
		return
	}
	for i, at := range x.Spans {
		g := recording.Stage{Rate: x.Stages[i].Rate, Concurrency: x.Stages[i].Concurrency, From: at.From, Steady: at.Steady, To: at.To}
		if settled != nil {
			g.Steady += settled[i]
		}
		x.stages = append(x.stages, g)
	}
}

// checkShape checks what is said of the load over time without a file.
func checkShape(s *recording.Settings) error {
	bad := func(setting, format string, args ...any) error { return wrong(setting, fmt.Sprintf(format, args...)) }
	is := func(x float64) string { return pyjson.FormatFloat(x) }
	switch {
	case s.Drain != nil && !s.Timed():
		return bad("drain", "a drain is for what is under way at the end of a run that ends by time, and this one does not: give it a duration or stages")
	case s.DistinctPrompts != nil && !s.Timed():
		return bad("distinct_prompts", "a run that does not end by time sends as many prompts as it has requests: give it a duration or stages, or fewer requests")
	case s.Stages != nil && s.Duration > 0:
		return bad("stages", "stages have their own durations: leave out the run's")
	case s.Stages != nil && ownTimes(s):
		return bad("stages", "a trace has its own arrival times")
	case s.Duration > 0 && s.NumPrompts == 0 && rateOf(s) == 0 && s.Concurrency() == 0 && !ownTimes(s):
		return bad("duration", "without a request rate or a concurrency all requests would be sent at once, and there would be no end of them: give one of the two, or a number of requests")
	}
	if text := recording.Text(s.MaxFailures); s.Timed() && s.NumPrompts == 0 && len(text) > 0 && text[len(text)-1] == '%' {
		return bad("max_failures", "of a run that ends by time it is not known how many requests there will be: give a number of failures in a row, or a number of requests")
	}
	return checkRamp(s, bad, is)
}

// checkRamp checks what is said of the run's beginning.
func checkRamp(s *recording.Settings, bad func(setting, format string, args ...any) error, is func(float64) string) error {
	rate := rateOf(s)
	switch {
	case !ramps(s) && (s.RampUpStart != nil || s.RampUpEnd != nil):
		return bad("ramp_up", "a ramp has a rate that it begins or ends with, but neither a length nor a strategy")
	case s.Stagger > 0 && (ramps(s) || s.Stages != nil):
		return bad("stagger", "a ramp and stages say by themselves when slots open: leave one out")
	case s.Stagger > 0 && (rate > 0 || s.Concurrency() == 0 || ownTimes(s)):
		return bad("stagger", "only slots of a concurrency are opened one after the other: give a concurrency and no rate")
	case s.Stagger > 0 && s.Duration > 0 && s.Stagger > s.Duration:
		return bad("stagger", "not all slots would be opened: it takes %v, and the run %v", recording.Seconds(s.Stagger), recording.Seconds(s.Duration))
	case !ramps(s):
		return nil
	case s.Stages != nil:
		return bad("ramp_up", "stages have their own ramps: give the first of them one")
	case ownTimes(s) && rate == 0:
		return bad("ramp_up", "a trace has its own arrival times")
	case s.RampUpEnd != nil && s.Rate() != 0 && s.Rate() != *s.RampUpEnd:
		return bad("ramp_up_end_rps", "the ramp ends with %s requests per second, and the request rate is %s: leave one out", is(*s.RampUpEnd), is(s.Rate()))
	case s.RampUpEnd != nil && *s.RampUpEnd == 0:
		return bad("ramp_up_end_rps", "a ramp cannot end with no requests per second: give it a rate above 0")
	case s.RampUpStart != nil && rate == 0:
		return bad("ramp_up_start_rps", "there is no rate that the ramp could lead to: a ramp of concurrency begins with 1")
	case rate == 0 && s.Concurrency() == 0:
		return bad("ramp_up", "there is nothing to ramp up: give a request rate or a concurrency")
	case recording.Text(s.RampUpStrategy) == "exponential" && rate > 0 && (s.RampUpStart == nil || *s.RampUpStart == 0):
		return bad("ramp_up_start_rps", "an exponential ramp cannot begin with no requests per second: give it a rate above 0")
	case s.RampUp > 0 && s.Duration > 0 && s.RampUp > s.Duration:
		return bad("ramp_up", "the ramp never ends: it takes %v, and the run %v", recording.Seconds(s.RampUp), recording.Seconds(s.Duration))
	case s.RampUp > 0 && rate > 0 && s.NumPrompts > 0 && rampOf(s) < recording.Seconds(s.RampUp):
		return bad("ramp_up", "the ramp never ends: it takes %v, but %d requests last only %v: give more requests or a shorter ramp",
			recording.Seconds(s.RampUp), s.NumPrompts, rampOf(s).Round(time.Millisecond))
	case s.RampUp == 0 && s.Duration == 0 && rate == 0:
		return bad("ramp_up", "a ramp of concurrency needs a length")
	}
	return nil
}

// checkStages checks what else is said of the load.
func checkStages(s *recording.Settings, stages []load.Stage) error {
	switch {
	case s.Rate() != 0:
		return wrong("stages", "stages have their own load: leave out the request rate")
	case stages[0].Rate == 0 && s.MaxConcurrency != nil:
		return wrong("stages", "stages have their own concurrency: leave out the run's")
	}
	return nil
}

// cycles reports whether a run begins again with its first request after the last one: it
// ends by time, and its requests stand alone.
func cycles(s *recording.Settings) bool {
	return s.Timed() && !ownTimes(s) && s.DatasetName != "conversations"
}

// total is how many requests there will be, load.Unlimited where time alone decides that.
func (b *Bench) total() int {
	n := len(b.planned)
	switch x := b.shape; {
	case b.turns != nil:
	case !cycles(b.s):
		if b.arrivals != nil {
			n = min(n, len(b.arrivals)-1)
		}
	case x == nil:
	case x.Arrivals != nil:
		n = len(x.Arrivals) - 1
	case b.s.NumPrompts > 0:
		n = b.s.NumPrompts
	default:
		n = load.Unlimited
	}
	return n
}

// distinct is how many requests are drawn from the data set.
func (b *Bench) distinct() int {
	s, n := b.s, b.s.NumPrompts
	if !s.Timed() {
		return n
	}
	if n == 0 && ownTimes(s) {
		return promptsMost
	}
	if b.shape != nil && b.shape.Arrivals != nil && cycles(s) {
		n = len(b.shape.Arrivals) - 1
	}
	most := distinctLeast
	if s.DatasetName == "random_image" {
		most = distinctImages
	}
	if b.shape != nil {
		for _, step := range b.shape.Slots {
			most = max(most, perSlot*step.Slots)
		}
	}
	switch {
	case s.DistinctPrompts != nil:
		most = *s.DistinctPrompts
	case s.NumPrompts > 0: // as many as were asked for
		return n
	}
	if n == 0 {
		return most
	}
	return min(n, most)
}

// schedule is when the requests are sent.
func (b *Bench) schedule(arrivals []float64) (o load.Options) {
	o.Concurrency = b.s.Concurrency()
	o.Turns, o.Build = b.turns, b.buildTurn
	o.Server = func(i int) int { return b.servers.inTurn(b.Place(i)) }
	x := b.shape
	switch {
	case x != nil && x.Slots != nil:
		o.Slots, o.Until = x.Slots, x.Until
	case x != nil:
		o.Due, o.End = load.Schedule(arrivals)
		o.Until = x.Until
	default:
		o.Due, o.End = load.Schedule(arrivals)
		o.Until = recording.Seconds(b.s.Duration)
		if o.Until > 0 {
			o.End = min(o.End, o.Until)
		}
	}
	if o.Until > 0 && b.s.Drain != nil {
		o.Cut = o.Until + recording.Seconds(*b.s.Drain)
	}
	return o
}

// before are the recorded arrivals that come before the end of the run, and its end.
func before(recorded []float64, duration float64) []float64 {
	if duration == 0 {
		return recorded
	}
	n := 0
	for n < len(recorded)-1 && recorded[n] < duration {
		n++
	}
	if n == len(recorded)-1 {
		return recorded
	}
	return append(recorded[:n:n], math.Min(duration, recorded[len(recorded)-1]))
}

// Request is a measured request, by its number among this process's.
func (b *Bench) Request(i int) (*client.Prepared, error) {
	if n := b.requests.len(); n > 0 && cycles(b.s) {
		i = b.Place(i) % n
	}
	return b.requests.at(i)
}
