package judge

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var meanTTFT = Quantity{Metric: "ttft", Statistic: MeanOf}

// summary is that of a server whose requests take as long as the scale says.
func summary(seed uint64, scale float64) *Summary {
	rng := rand.New(rand.NewPCG(seed, 1))
	f := &Summary{Client: "loadgen 1", Model: "m", Settings: map[string]string{"seed": "1", "prompts": "sha256:1", "temperature": "0"}, Requests: 640, Prompt: 512, Input: 640 * 512, Output: 640 * 128, Concurrency: 64, Series: map[Quantity][]Series{}}
	for _, quantity := range Quantities {
		s := Series{N: 640, Mean: scale, Std: scale / 5}
		for range 640 {
			s.Requests = append(s.Requests, []float64{scale * math.Exp(0.2*rng.NormFloat64())})
		}
		if s.Value = 1 / scale; !quantity.Higher {
			s.Value = valueOf(s, quantity.Statistic)
		}
		f.Series[quantity] = []Series{s}
	}
	return f
}

// later is another repeat of the same, but for one thing.
func later(f *Summary, but func(l *Summary)) *Summary {
	l := *f
	l.Settings, l.Series = maps.Clone(f.Settings), nil
	but(&l)
	return &l
}

func TestComparisonInWords(t *testing.T) {
	c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{summary(1, 0.1), summary(2, 0.2)}}, Options{})
	if len(c.Reasons) != 0 || len(c.Rows) != len(Quantities) || c.Void() {
		t.Fatalf("%+v", c)
	}
	words := func(c *Comparison, f Quantity) string { return c.Describe(rowOf(c, f)) }
	for _, x := range []struct {
		got, want string
	}{
		{words(c, meanTTFT), `^B [12]\.\d+x slower to the first token \(95 % CI 1\.\d+ to 2\.\d+\)$`},
		{words(c, Quantity{Metric: OutputThroughput, Higher: true}), `^B 2\.00x fewer output tokens/s with one run \(95 % CI 1\.\d+ to 2\.\d+, assuming 0\.99 % from run to run\)$`},
		{words(Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{summary(1, 0.1), summary(3, 0.1)}}, Options{}), meanTTFT), `^B to the first token: no significant difference \(\d\.\d+x (faster|slower), 95 % CI 0\.\d+ to 1\.\d+, assuming 3\.8 % from run to run\)$`},
	} {
		if !regexp.MustCompile(x.want).MatchString(x.got) {
			t.Errorf("%q, want %s", x.got, x.want)
		}
	}
	if !rowOf(c, meanTTFT).Significant || rowOf(c, Quantity{Metric: OutputThroughput, Higher: true}).Significant || rowOf(c, Quantity{Metric: "e2el", Statistic: MeanOf}).Significant {
		t.Error("with one run each TTFT can be significant, E2EL and throughput cannot")
	}
}

func rowOf(c *Comparison, f Quantity) *Row {
	for i := range c.Rows {
		if c.Rows[i].Quantity == f {
			return &c.Rows[i]
		}
	}
	return nil
}

// TestWordsWithoutAnInterval: a ratio of 0 is none, and a median needs ten requests.
func TestWordsWithoutAnInterval(t *testing.T) {
	of := func(base, other float64, quantity Quantity) string {
		c := &Comparison{Labels: []string{"A", "B"}}
		return c.Describe(&Row{Variant: 1, Quantity: quantity, Base: base, Other: other})
	}
	throughput := Quantity{Metric: OutputThroughput, Higher: true}
	for want, got := range map[string]string{
		"B to the first token: 20 ms vs 0 ms (ratio undefined)":                         of(0, 0.02, meanTTFT),
		"B output tokens/s: 0 vs 100 (ratio undefined)":                                 of(100, 0, throughput),
		"B 2.00x more output tokens/s; not enough data for a confidence interval":       of(100, 200, throughput),
		"B 1e+08x slower to the first token; not enough data for a confidence interval": of(1e-6, 100, meanTTFT),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f := summary(1, 1)
	for n, few := range map[int]bool{9: true, 10: false, 499: false} {
		if f.Requests = n; f.TooFew(MedianOf) != few || !f.TooFew(P99Of) || f.TooFew(MeanOf) {
			t.Errorf("%d requests: too few for a median %v", n, f.TooFew(MedianOf))
		}
	}
}

// TestTimes: a ratio is 1 or more in both directions, with its interval on the same scale.
func TestTimes(t *testing.T) {
	throughput := Quantity{Metric: OutputThroughput, Higher: true}
	for _, x := range []struct {
		base, other      float64
		quantity         Quantity
		ratio, low, high float64 // of other to base
		text, interval   string
	}{
		{0.1, 0.2, meanTTFT, 2, 1.9, 2.1, "2.00x slower", "1.90 to 2.10"},
		{0.2, 0.1, meanTTFT, 0.5, 0.4, 0.6, "2.00x faster", "1.67 to 2.50"},
		{100, 200, throughput, 2, 1.9, 2.1, "2.00x more", "1.90 to 2.10"},
		{200, 100, throughput, 0.5, 0.4, 0.6, "2.00x fewer", "1.67 to 2.50"},
		{0.1, 0.103, meanTTFT, 1.03, 0.98, 1.08, "1.030x slower", "0.980 to 1.080"},
		{0.1, 0.1, meanTTFT, 1, 0.9, 1.1, "1.000x", "0.909 to 1.11"},
		{0, 0.1, meanTTFT, math.NaN(), math.NaN(), math.NaN(), "", ""},
	} {
		r := &Row{Quantity: x.quantity, Base: x.base, Other: x.other, Interval: &Interval{Ratio: x.ratio, RatioLow: x.low, RatioHigh: x.high}}
		if text, interval := r.TimesText(); text != x.text || interval != x.interval {
			t.Errorf("%v vs %v: %q, %q; want %q, %q", x.other, x.base, text, interval, x.text, x.interval)
		}
		r.Interval = nil
		if text, interval := r.TimesText(); text != x.text || interval != "" {
			t.Errorf("without an interval: %q, %q", text, interval)
		}
	}
}

func TestAServerThatChangedBetweenLevels(t *testing.T) {
	var loads [][]*Summary
	for i := range 3 {
		a, b := summary(uint64(i), 0.1), summary(uint64(9+i), 0.1)
		b.Server = "1.2"
		if i == 2 {
			b.Server = "1.3"
		}
		loads = append(loads, []*Summary{a, b})
	}
	c := Judge([]string{"A", "B"}, []string{"16", "64", "128"}, loads, Options{})
	if len(c.Reasons) != 1 || c.Reasons[0].Code != "server_changed" || !slices.Equal(c.Reasons[0].Loads, []int{2}) || !strings.Contains(c.Reasons[0].Text, "1.3), and m (version 1.2) before") {
		t.Errorf("%+v", c.Reasons)
	}
}

// TestHolm checks the correction against the procedure by hand.
func TestHolm(t *testing.T) {
	c := &Comparison{}
	for _, p := range []float64{0.01, 0.04, 0.03, 0.005} {
		c.Rows = append(c.Rows, Row{Interval: &Interval{P: p}})
	}
	c.Rows = append(c.Rows, Row{Interval: &Interval{P: 0}, Void: "coalesced"}, Row{})
	c.correct()
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if got := c.Rows[i].Adjusted; !(math.Abs(got-want) <= 1e-12) || c.Rows[i].Significant != (want <= 0.05) {
			t.Errorf("p %v becomes %v, want %v", c.Rows[i].P, got, want)
		}
	}
	if c.Rows[4].Significant || c.Rows[5].Significant {
		t.Error("a row that is void or has no interval is significant")
	}
}

func TestMethods(t *testing.T) {
	detailed := func(seed uint64) []Series { return summary(seed, 0.1).Series[meanTTFT] }
	summary := []Series{{N: 200, Mean: 0.1, Std: 0.02, Value: 0.1}}
	repeats := func(values ...float64) (out []Series) {
		for _, v := range values {
			out = append(out, Series{Value: v})
		}
		return out
	}
	if v := Compare(detailed(1), detailed(2), Quantity{Statistic: MeanOf}); v.Method != FromBlocks || !(v.RatioLow < 1 && 1 < v.RatioHigh) {
		t.Errorf("%+v", v)
	}
	// Welch's interval by hand: 0.02 / sqrt(199) each, t(398) = 1.966.
	v := Compare(summary, []Series{{N: 200, Mean: 0.1, Std: 0.02, Value: 0.11}}, Quantity{Statistic: MeanOf})
	if want := 1.966 * 0.02 / math.Sqrt(199) * math.Sqrt2; v.Method != FromSummary || !(math.Abs(v.DiffHigh-v.Diff-want) <= 1e-5) {
		t.Errorf("%+v, want +-%v", v, want)
	}
	if v := Compare(summary, detailed(1), Quantity{Statistic: MedianOf}); v != nil {
		t.Errorf("a median's interval from a summary: %+v", v)
	}
	// Three repeats each: deviation 1 / sqrt(3) each, t(4) = 2.776.
	v = Compare(repeats(9, 10, 11), repeats(19, 20, 21), Quantity{Statistic: P99Of})
	if want := 2.7764 * math.Sqrt(2./3); v.Method != FromRepeats || !(math.Abs(v.DiffHigh-10-want) <= 1e-3) {
		t.Errorf("%+v, want +-%v", v, want)
	}
	for method, pair := range map[string][2][]Series{FromRepeats: {repeats(0.1, 0.11, 0.09), detailed(1)}, FromSummary: {summary, detailed(1)}} {
		for range 2 {
			if v := Compare(pair[0], pair[1], Quantity{Statistic: MeanOf}); v == nil || v.Method != method || !(v.DiffLow < v.Diff && v.Diff < v.DiffHigh) {
				t.Errorf("%s: %+v", method, v)
			}
			pair[0], pair[1] = pair[1], pair[0]
		}
	}
	for _, odd := range [][]Series{nil, {{Value: math.NaN()}}, {{N: 1, Mean: 1, Value: 1}}, {{Requests: [][]float64{{1}}, Value: 1}}, {{Requests: [][]float64{{}, {}, {}, {}, {}}, Value: 0}}} {
		if v := Compare(odd, odd, Quantity{Statistic: MeanOf}); v != nil {
			t.Errorf("%+v: %+v", odd, v)
		}
	}
	zero := []Series{{N: 10, Mean: 0, Std: 0, Value: 0}}
	if v := Compare(zero, zero, Quantity{Statistic: MeanOf}); v == nil || !math.IsNaN(v.Ratio) || v.P != 1 {
		t.Errorf("%+v", v)
	}
}

// TestFlatValues: all equal is no reason for a certain difference of nothing.
func TestFlatValues(t *testing.T) {
	flat := func(x float64) []Series {
		s := Series{Value: x, N: 50}
		for range 50 {
			s.Requests = append(s.Requests, []float64{x})
		}
		return []Series{s}
	}
	if v := Compare(flat(1), flat(1), Quantity{Statistic: MeanOf}); v.P < 0.99 || !(math.Abs(v.DiffLow) <= 1e-12) || !(math.Abs(v.DiffHigh) <= 1e-12) {
		t.Errorf("%+v", v)
	}
	if v := Compare(flat(1), flat(2), Quantity{Statistic: MedianOf}); v.P > 1e-12 || v.Ratio != 2 {
		t.Errorf("%+v", v)
	}
}

func TestDigits(t *testing.T) {
	got := ""
	for _, x := range []float64{0.012345, 0.5, 1.01234, 2.005, 12.34, 123.4} {
		got += fmt.Sprint(Digits(x), " ")
	}
	if want := "0.012 0.50 1.012 2.00 12.3 123 "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
