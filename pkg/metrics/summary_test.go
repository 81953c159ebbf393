package metrics

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

// TestSummary computes five requests by hand: two ordinary ones, one whose length the text
// says, one that took no time, and failures.
func TestSummary(t *testing.T) {
	samples := []Sample{
		{Success: true, PromptLen: 10, OutputTokens: 5, TTFT: 1, Latency: 3, ITL: []float64{0.25, 0.75}},
		{Success: true, PromptLen: 20, OutputTokens: 1, TTFT: 2, Latency: 2, NullDecodedPerIter: true},
		{Success: true, PromptLen: 30, Text: []byte("a b c"), TTFT: 0.5, Latency: 2.5, ITL: []float64{2}, DecodedPerIter: 4},
		{Success: true, PromptLen: 40},
		{PromptLen: 1000, OutputTokens: 1000, TTFT: 9, Latency: 9, Exception: "cut"},
		{PromptLen: 1000, Exception: "reset"}, {Exception: "cut"}, {Error: "Service Unavailable"},
	}
	s := Compute(samples, 4, Options{Percentiles: []float64{50}, CountTokens: func(text []byte) int { return len(bytes.Fields(text)) }})
	if s.Total != 8 || s.Completed != 4 || s.InputTokens != 100 || s.OutputTokens != 9 || s.Goodput != nil {
		t.Errorf("%+v", s)
	}
	if !slices.Equal(s.OutputLens, []int{5, 1, 3, 0, 0, 0, 0, 0}) {
		t.Errorf("lengths %v", s.OutputLens)
	}
	for m, want := range [4][]float64{TTFT: {1, 2, 0.5, 0}, TPOT: {0.5, 1}, ITL: {0.25, 0.75, 2}, E2EL: {3, 2, 2.5, 0}} {
		values := s.Values[m].Values()
		if !slices.Equal(values, want) {
			t.Errorf("%v: %v, want %v", Metric(m), values, want)
		}
		if slices.Sort(want); s.Latency[m].Mean != Mean(values) || s.Latency[m].Percentiles[0] != Median(want) {
			t.Errorf("%v: %+v", Metric(m), s.Latency[m])
		}
	}
	if s.RequestThroughput != 1 || s.OutputThroughput != 2.25 || s.TotalTokenThroughput != 27.25 || !(math.Abs(s.UserThroughput-(5.0/3+0.5+1.2)/3) < 1e-12) {
		t.Errorf("throughputs %v %v %v %v", s.RequestThroughput, s.OutputThroughput, s.TotalTokenThroughput, s.UserThroughput)
	}
	if s.DecodedPerIter.Max != 4 || s.DecodedPerIter.Mean != 4.0/3 {
		t.Errorf("%+v", s.DecodedPerIter)
	}
	if want := []ClassCount{{"cut", 2}, {"reset", 1}}; !slices.Equal(s.Exceptions, want) {
		t.Errorf("exceptions %v, want %v", s.Exceptions, want)
	}
	if s := Compute(samples, 0, Options{}); s.RequestThroughput != 0 || s.TotalTokenThroughput != 0 {
		t.Errorf("%+v", s)
	}
}

// TestGoodput: an objective holds at its limit, and the last of a metric's counts.
func TestGoodput(t *testing.T) {
	samples := []Sample{
		{Success: true, OutputTokens: 3, TTFT: 1, Latency: 3},
		{Success: true, OutputTokens: 3, TTFT: 0.5, Latency: 4},
		{TTFT: 0.1, Latency: 0.1},
	}
	for _, c := range []struct {
		slos []SLO
		want float64 // per second, of two seconds
	}{
		{[]SLO{{TTFT, 1}}, 1},
		{[]SLO{{TTFT, 0.75}}, 0.5},
		{[]SLO{{TTFT, 5}, {TTFT, 0.25}}, 0},
		{[]SLO{{TTFT, 1}, {E2EL, 3}}, 0.5},
		{[]SLO{{TPOT, 1}}, 0.5},
	} {
		if s := Compute(samples, 2, Options{Goodput: c.slos}); s.Goodput == nil || *s.Goodput != c.want {
			t.Errorf("%v: %v, want %v", c.slos, *s.Goodput, c.want)
		}
	}
}
