package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"loadgen/internal/sweep"
)

// planned is a table of the loads that would be measured. How long a closed loop takes is up to the
// server, which is not asked; a rate says how long.
func planned(w io.Writer, loads []sweep.Load, least func(l sweep.Load) (runs, requests int), most int) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "concurrency"
	if loads[0].Concurrency == 0 {
		head = "requests/s"
	}
	fmt.Fprintf(out, "%s\truns\trequests\tat most\tseconds\t\n", head)
	for _, l := range loads {
		runs, requests := least(l)
		seconds := "n/a"
		if l.Rate > 0 {
			seconds = strconv.FormatFloat(float64(requests)/l.Rate, 'f', 0, 64) + " to " + strconv.FormatFloat(float64(max(most, requests))/l.Rate, 'f', 0, 64)
		}
		fmt.Fprintf(out, "%v\t%d or more\t%d\t%d\t%s\t\n", l.Number(), runs, requests, max(most, requests), seconds)
	}
	out.Flush()
	if loads[0].Concurrency > 0 {
		fmt.Fprintln(w, "How long a run at a concurrency takes depends on the server: requests / concurrency x E2EL.")
	}
}

// dryRun says what a sweep would measure.
func (p *sweepPlan) dryRun(w io.Writer) {
	o := &p.options
	loads := o.Loads
	if len(loads) == 0 {
		loads = sweep.Doubled(o.From, o.To)
		fmt.Fprintf(w, "Loads double until the server is saturated, at the latest at %s; then up to six are added around the knee.\n", o.To.Words())
	}
	planned(w, loads, o.Least, o.MaxRequests)
	fmt.Fprintf(w, "Results would go to %s. Nothing was sent.\n", p.runs.dir)
}

// dryRun says what a search would measure.
func (p *sloPlan) dryRun(w io.Writer) {
	o := &p.options
	fmt.Fprintf(w, "The load doubles until an objective fails, at the latest at %s, and is halved in between to %g %%.\n", o.To.Words(), 100*o.Resolution)
	for i := range o.Objectives {
		fmt.Fprintf(w, "Objective: %s\n", o.Objectives[i].String())
	}
	planned(w, sweep.Doubled(o.From, o.To), o.Least, o.MaxRequests)
	more := fmt.Sprintf("up to %d times as many", sweep.MostConfirmed)
	if o.Budget > 0 {
		more = "more as long as all runs take less than " + timeWords(time.Duration(o.Budget*float64(time.Second)))
	}
	fmt.Fprintf(w, "The answer is confirmed by %d runs of %d requests in all, or %s, at one load or several.\nResults would go to %s. Nothing was sent.\n", o.Confirm, o.MaxRequests, more, p.runs.dir)
}
