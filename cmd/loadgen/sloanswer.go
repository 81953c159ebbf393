package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"loadgen/internal/pyjson"
	"loadgen/internal/sweep"
)

// sloAnswer is what a search brought, for people and for programs.
type sloAnswer struct {
	plan  *sloPlan
	limit *sweep.Limit
	ended bool // early
	took  time.Duration
}

// writeText writes the loads that were tried, in their order, and the answer.
func (a *sloAnswer) writeText(w io.Writer) {
	if len(a.limit.Trials) == 0 {
		return
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "concurrency"
	if a.limit.Trials[0].Load.Concurrency == 0 {
		head = "requests/s"
	}
	fmt.Fprintf(out, "%s\truns\trequests\tfailed\t", head)
	for i := range a.plan.options.Objectives {
		fmt.Fprintf(out, "%s\t", a.plan.options.Objectives[i].String())
	}
	fmt.Fprintln(out, "outcome\t")
	for i := range a.limit.Trials {
		t := &a.limit.Trials[i]
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t", strings.TrimSuffix(t.Load.String(), "/s"), t.Runs, t.Requests, t.Failed)
		for k := range a.plan.options.Objectives {
			text := ""
			if k < len(t.Standings) {
				text = standing(&a.plan.options.Objectives[k], &t.Standings[k])
			}
			fmt.Fprintf(out, "%s\t", text)
		}
		fmt.Fprintf(out, "%s\t\n", trialOutcome(t))
	}
	out.Flush()
	fmt.Fprintln(w)
	for _, line := range a.sentences() {
		fmt.Fprintln(w, line+".")
	}
}

func trialOutcome(t *sweep.Trial) string {
	if t.Runs == 0 { // the server died in the first
		return "not measured"
	}
	text := t.Outcome.String()
	if t.Outcome == sweep.Undecided && t.Leans && t.Runs == 1 {
		text = "seems to hold" // on the way up
	} else if t.Outcome == sweep.Undecided {
		text += map[bool]string{true: ", seems to hold", false: ", seems to fail"}[t.Leans]
	}
	if t.Grows {
		text += ", queue grows"
	}
	if t.Confirms {
		text += " (confirming)"
	}
	if t.Limited > 0 {
		text += ", client late"
	}
	return text
}

// sentences are the answer, the most important one first.
func (a *sloAnswer) sentences() (lines []string) {
	l, by := a.limit, a.plan.options.From
	what := "concurrency"
	if by.Concurrency == 0 {
		what = "request rate"
	}
	zero := sweep.Load{}
	switch best := l.Best; {
	case best != nil:
		lines = append(lines, fmt.Sprintf("Highest %s that holds: %s (%g %% confidence, by %d runs of %d requests of its own)", what, best.Load, 100*l.Confidence, best.Runs, best.Requests))
	case a.ended:
		lines = append(lines, "No answer: the search ended early")
	case l.Low == zero:
		lines = append(lines, "No load holds: "+a.failing(&l.Trials[len(l.Trials)-1]))
	default:
		lines = append(lines, "No load was confirmed within the requests that --max-requests allows")
	}
	if a.ended && l.Best != nil {
		lines = append(lines, "The search ended early: higher loads may hold")
	}
	switch {
	case l.Low != zero && l.High == zero:
		lines = append(lines, fmt.Sprintf("Every load that was tried seems to hold, up to %s; --to goes further", a.plan.options.To))
	case l.Low != zero:
		lines = append(lines, fmt.Sprintf("By the estimates alone the limit lies between %s and %s", l.Low, l.High))
	}
	if l.Enough > 0 {
		lines = append(lines, fmt.Sprintf("Values that miss a limit come in clusters, so that %s: %s brings it nearer", howLow(l), a.more()))
	}
	if l.Best != nil && l.Above != nil {
		lines = append(lines, fmt.Sprintf("Next above: %s: %s, %s", l.Above.Load, l.Above.Outcome, a.failing(l.Above)))
	}
	loads, runs, requests := map[sweep.Load]bool{}, 0, 0
	for i := range l.Trials {
		t := &l.Trials[i]
		if t.Runs > 0 {
			loads[t.Load] = true
		}
		runs, requests = runs+t.Runs, requests+t.Requests
	}
	cost := fmt.Sprintf("It took %s GPU-minutes (%s, --gpus %d): %d loads, %d runs, %d requests", strconv.FormatFloat(a.gpuMinutes(), 'f', 1, 64), a.took.Round(time.Second), a.plan.gpus, len(loads), runs, requests)
	if a.plan.runs.kept > 0 {
		cost += fmt.Sprintf("; %d of the runs were made before", a.plan.runs.kept)
	}
	return append(lines, cost)
}

// more is what brings the answer nearer to the limit. Runs that were made need not be made again.
func (a *sloAnswer) more() string {
	if a.plan.options.Budget == 0 {
		return fmt.Sprintf("--max-requests %d", a.limit.Enough)
	}
	const step = 10 * time.Minute
	budget := (time.Duration(a.limit.EnoughSeconds*float64(time.Second))/step + 1) * step
	return "--resume --budget " + timeWords(budget)
}

// timeWords is a time without the zeros at its end: 1h, 1h10m, 1m30s.
func timeWords(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// howLow says how far below the limit the answer may be, by the estimates.
func howLow(l *sweep.Limit) string {
	switch {
	case l.Best == nil:
		return "it takes more requests to confirm a load"
	case l.High == sweep.Load{} || l.High.Value() <= l.Best.Load.Value():
		return "the answer may be low"
	}
	return fmt.Sprintf("the answer may be low, by the estimates by up to %.0f %%", 100*(1-l.Best.Load.Value()/l.High.Value()))
}

func (a *sloAnswer) gpuMinutes() float64 { return a.took.Minutes() * float64(a.plan.gpus) }

// failing names the objectives that a load does not keep to, or may not.
func (a *sloAnswer) failing(t *sweep.Trial) string {
	var parts []string
	for i := range t.Standings {
		if s := &t.Standings[i]; !s.Held {
			o := &a.plan.options.Objectives[i]
			parts = append(parts, o.String()+" is "+standing(o, s))
		}
	}
	if t.Grows {
		parts = append(parts, "the queue grows while requests come")
	}
	if float64(t.Failed) > sweep.MostFailed*float64(t.Requests) {
		parts = append(parts, fmt.Sprintf("%d of %d requests failed", t.Failed, t.Requests))
	}
	return strings.Join(parts, "; ") + " at " + t.Load.Words()
}

// writeJSON writes the answer for programs: milliseconds, and shares of 1.
func (a *sloAnswer) writeJSON(w io.Writer) error {
	number := func(x float64) any {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
		return x
	}
	of := func(t *sweep.Trial) any {
		if t == nil {
			return nil
		}
		return t.Load.Number()
	}
	objectives, trials := []string{}, []pyjson.Object{}
	for i := range a.plan.options.Objectives {
		objectives = append(objectives, a.plan.options.Objectives[i].String())
	}
	for i := range a.limit.Trials {
		t := &a.limit.Trials[i]
		standings := []pyjson.Object{}
		for k, s := range t.Standings {
			scale := 1e3
			if a.plan.options.Objectives[k].Quantity.Metric == "" {
				scale = 1
			}
			one := pyjson.Object{{Key: "objective", Value: objectives[k]}, {Key: "value", Value: number(scale * s.Value)}, {Key: "attained", Value: number(s.Attained)}, {Key: "holds", Value: s.Held}, {Key: "fails", Value: s.Broken}}
			standings = append(standings, one)
		}
		trials = append(trials, pyjson.Object{{Key: "load", Value: t.Load.Number()}, {Key: "runs", Value: t.Runs}, {Key: "requests", Value: t.Requests}, {Key: "failed", Value: t.Failed},
			{Key: "confirms", Value: t.Confirms}, {Key: "outcome", Value: t.Outcome.String()}, {Key: "queue_grows", Value: t.Grows}, {Key: "seems_to_hold", Value: t.Leans}, {Key: "objectives", Value: standings}})
	}
	by := "concurrency"
	if a.plan.options.From.Concurrency == 0 {
		by = "request_rate"
	}
	o := pyjson.Object{{Key: "by", Value: by}, {Key: "objectives", Value: objectives}, {Key: "highest_that_holds", Value: of(a.limit.Best)}, {Key: "confidence", Value: number(a.limit.Confidence)},
		{Key: "next_above", Value: of(a.limit.Above)}, {Key: "estimate", Value: []any{a.limit.Low.Number(), a.limit.High.Number()}}, {Key: "gpu_minutes", Value: a.gpuMinutes()},
		{Key: "ended_early", Value: a.ended}, {Key: "answer", Value: a.sentences()}, {Key: "loads", Value: trials}}
	_, err := w.Write(append(pyjson.Append(nil, o), '\n'))
	return err
}
