package judge

import (
	"math"
	"slices"
)

// By how much metrics may have been moved, relative to themselves: a metric that stands is
// never called not comparable, and its interval is as much wider.

// late finds the metrics that the client may have moved too much.
func (at *finder) late(f *Summary) {
	said := make([]bool, len(f.runs())) // by run: in which metrics the client could not keep up
	late := f.movedMetrics("client_late", func(metric string, run int) float64 {
		moved := f.clientError(metric, run)
		said[run] = said[run] || moved > DefaultLimits.LimitedShare
		return moved
	})
	if len(late) > 0 {
		at.addFor("client_late", "the client was late: its measurement error is over "+percent(DefaultLimits.LimitedShare)+" of the metric", late)
	}
	for i, run := range f.runs() {
		if run.LateSchedule || run.Verdict == string(ClientLimited) && !said[i] {
			at.add("client_limited", "the client could not keep up")
			return
		}
	}
}

// held finds the metrics that were moved too much by tokens that came with the first one.
func (at *finder) held(f *Summary) {
	if held := f.movedMetrics("held_first_read", f.heldError); len(held) > 0 {
		at.addFor("held_first_read", "the first read held many tokens: they were delayed on the way, so TTFT is too long and TPOT too short", held)
	}
}

// movedMetrics are the metrics of a cause that it moved too much: what is compared is the mean
// of the runs' values, and so what moved it is the mean of what moved them.
func (f *Summary) movedMetrics(cause string, by func(metric string, run int) float64) (moved []string) {
	for _, m := range causeOf(cause).Moves {
		sum, n := 0.0, len(f.runs())
		for run := range n {
			sum += by(m, run)
		}
		if sum > DefaultLimits.LimitedShare*float64(n) {
			moved = append(moved, m)
		}
	}
	return moved
}

// clientError is by how much the client may have moved a metric of a run, at most, relative to
// its mean or median, whichever is greater: the largest of its statistics.
func (f *Summary) clientError(metric string, run int) (most float64) {
	for quantity, runs := range f.Series {
		if quantity.Metric != metric || run >= len(runs) {
			continue
		}
		typical := runs[run].Value
		if !quantity.Higher {
			typical = max(f.valueOf(Quantity{Metric: metric, Statistic: MeanOf}, run), f.valueOf(Quantity{Metric: metric, Statistic: MedianOf}, run))
		}
		if s := runs[run]; s.Error > 0 && typical > 0 {
			most = max(most, s.Error/typical)
		}
	}
	return most
}

// heldShare is the share of a run's tokens that came with the first one and were generated
// before, where that is much: 1 where it is not known.
func (f *Summary) heldShare() (share float64) {
	own := Summary{Findings: f.Findings}
	if own.has("held_first_read") {
		first, _ := own.figure("held_first_read", "tokens_in_first_read")
		if of, _ := own.figure("held_first_read", "tokens"); of > 1 {
			share = (first - 1) / (of - 1)
		} else {
			share = 1
		}
	}
	if burst, _ := own.figure("coalesced", "first_burst_share"); burst >= firstBurstShare {
		share = max(share, burst)
	}
	return share
}

// heldError is by how much a metric of a run was moved, at most, relative to itself, by tokens
// that came with the first one: the time that their generation took is missing in TPOT, and
// is in TTFT.
func (f *Summary) heldError(metric string, run int) float64 {
	share := f.runs()[run].heldShare()
	if share <= 0 {
		return 0
	}
	missing := missingTime(share)
	if metric == "tpot" || metric == "itl" {
		return missing
	}
	of := func(quantity Quantity) float64 { return f.valueOf(quantity, run) }
	if moved := missing * f.decodeTime(of) / of(Quantity{Metric: metric, Statistic: MeanOf}); moved >= 0 {
		return moved
	}
	return math.Inf(1)
}

// missingTime is how much of a request's time of decoding passed before its first token was
// seen, relative to what is left of it, where a share of its tokens came with that one.
func missingTime(share float64) float64 { return share / (1 - share) }

// valueOf is a quantity of one run, 0 where there is none.
func (f *Summary) valueOf(quantity Quantity, run int) float64 {
	if runs := f.Series[quantity]; run < len(runs) && runs[run].Value > 0 {
		return runs[run].Value
	}
	return 0
}

// withHeld are the values of a quantity, which may be off by tokens that were held, too.
func (f *Summary) withHeld(all []Series, quantity Quantity) []Series {
	if !slices.Contains(causeOf("held_first_read").Moves, quantity.Metric) {
		return all
	}
	all = slices.Clone(all)
	for i := range all {
		if moved := f.heldError(quantity.Metric, min(i, len(f.Later))); moved > 0 {
			all[i].Error += moved * all[i].Value
		}
	}
	return all
}
