package judge

import (
	"math"
	"slices"
	"testing"
)

// runsOf is the summary of several runs with the given mean latencies in seconds, each with the
// findings of its own.
func runsOf(ttft, tpot, e2el float64, findings ...[]Finding) *Summary {
	f := brief()
	f.Findings = findings[0]
	for _, own := range findings[1:] {
		f.Later = append(f.Later, later(f, func(l *Summary) { l.Findings = own }))
	}
	for quantity := range f.Series {
		value := map[string]float64{"ttft": ttft, FirstWaveTTFT: ttft, "tpot": tpot, "itl": tpot, "e2el": e2el}[quantity.Metric]
		if quantity.Higher {
			value = 1000
		}
		f.Series[quantity] = nil
		for range findings {
			f.Series[quantity] = append(f.Series[quantity], Series{N: 640, Mean: value, Std: value / 100, Value: value})
		}
	}
	return f
}

// TestAFirstReadThatHeldTokens: it is void for what it moved by a fifth, and for nothing else.
func TestAFirstReadThatHeldTokens(t *testing.T) {
	held := func(first, of float64) []Finding {
		return []Finding{find("held_first_read", "", "tokens_in_first_read", first, "tokens", of)}
	}
	burst := []Finding{find("coalesced", "", "first_burst_share", 0.11)}
	for name, c := range map[string]struct {
		f    *Summary
		want []string
	}{
		"a tenth, after a short wait":   {runsOf(0.155, 0.0045, 0.443, held(8, 64)), []string{"ttft", FirstWaveTTFT}},
		"a tenth, after a long wait":    {runsOf(2.1, 0.0055, 2.5, held(8, 64)), nil},
		"a tenth, without E2EL":         {runsOf(0.155, 0.0045, 0, held(8, 64)), []string{"ttft", FirstWaveTTFT}},
		"a third":                       {runsOf(2.1, 0.0055, 2.5, held(20, 64)), []string{"tpot", "itl"}},
		"a third in one run of three":   {runsOf(2.1, 0.0055, 2.5, held(20, 64), nil, nil), nil},
		"a third in two runs of three":  {runsOf(2.1, 0.0055, 2.5, nil, held(20, 64), held(20, 64)), []string{"tpot", "itl"}},
		"a first burst of a tenth":      {runsOf(2.1, 0.0055, 2.5, burst), []string{"itl"}},
		"as much as there is":           {runsOf(2.1, 0.0055, 2.1, held(64, 64)), []string{"ttft", FirstWaveTTFT, "tpot", "itl"}},
		"by how much it does not say":   {runsOf(2.1, 0.0055, 2.5, []Finding{find("held_first_read", "")}), []string{"ttft", FirstWaveTTFT, "tpot", "itl"}},
		"nothing is known of the times": {runsOf(0, 0, 0, held(8, 64)), []string{"ttft", FirstWaveTTFT}},
	} {
		c.f.Decoding = 10
		base := runsOf(2, 0.005, 3, nil)
		base.Decoding = 10
		if got := voidOf(Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{base, c.f}}, Options{})); !slices.Equal(got, c.want) {
			t.Errorf("%s: not comparable %v, want %v", name, got, c.want)
		}
	}
	tpot := Quantity{Metric: "tpot", Statistic: MeanOf}
	row := func(findings []Finding) *Row {
		return rowOf(Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{runsOf(2.1, 0.005, 2.5, nil), runsOf(2.1, 0.0055, 2.5, findings)}}, Options{}), tpot)
	}
	sure, unsure := row(nil), row(held(8, 64))
	if !sure.Significant || unsure.Significant || unsure.RatioLow > 1 || !(math.Abs(math.Log(unsure.RatioLow/sure.RatioLow)+math.Log1p(0.125)) <= 1e-9) {
		t.Errorf("a difference of a tenth where a tenth was held: %+v, %+v", sure.Interval, unsure.Interval)
	}
}

// TestAClientThatWasLateInOneRun: the mean of the runs is compared, and so is what moved it.
func TestAClientThatWasLateInOneRun(t *testing.T) {
	for _, c := range []struct {
		shares  []float64
		limited int // the run that could not keep up
		want    []string
	}{
		{[]float64{0.5, 0, 0}, 0, nil},
		{[]float64{0.5, 0.1, 0.1}, 0, []string{"tpot"}},
		{[]float64{0, 0, 0.7}, 2, []string{"tpot"}},
		{[]float64{0.15, 0.15, 0.15}, 1, metricsOf()}, // a verdict without a reason
	} {
		f := runsOf(2, 0.005, 3, make([][]Finding, len(c.shares))...)
		for i, share := range c.shares {
			f.Series[Quantity{Metric: "tpot", Statistic: MeanOf}][i].Error = share * 0.005
		}
		f.runs()[c.limited].Verdict = "client-limited"
		if got := voidOf(Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{runsOf(2, 0.005, 3, nil), f}}, Options{})); !slices.Equal(got, c.want) {
			t.Errorf("late by %v: not comparable %v, want %v", c.shares, got, c.want)
		}
	}
}
