package judge

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// plants make each cause of the table, in the one side and what the other has to be.
var plants = map[string]struct {
	plant func(f, other *Summary)
	moves []string // of a cause that moves only what it is found for
	text  string
}{
	"workloads_differ": {func(f, _ *Summary) { f.Requests, f.Input, f.Output = 320, f.Input/2, f.Output/2 }, nil, "requests: 320 here, 640 there"},
	"clients_differ":   {func(f, _ *Summary) { f.Client = "loadgen other" }, nil, "client: "},
	"repeats_differ": {func(f, _ *Summary) { f.Later = []*Summary{later(f, func(l *Summary) { l.Requests = 64 })} }, nil,
		"repeat 2: requests: 64 here, 640 there"},
	"server_changed": {func(f, _ *Summary) { f.Became = "m (version 2)" }, nil, "the server was m before the run, and m (version 2) after it"},
	"failures":       {func(f, _ *Summary) { f.Failed, f.Unsent, f.Output = 7, 3, 630*128 }, nil, "7 of 637 requests failed, and 3 more were not sent"},
	"few_failures":   {func(f, _ *Summary) { f.Failed, f.Output = 3, 637*128 }, nil, "3 of 640 requests failed"},
	"rate_not_reached": {func(f, other *Summary) {
		f.Settings["request_rate"], other.Settings["request_rate"] = "20", "20"
		f.Findings = []Finding{find("rate_not_reached", "", "sent_per_s", 15.0)}
	}, nil, "15.0 requests/s were sent, vs 20.0 of the baseline"},
	"client_late":    {func(f, _ *Summary) { moveBy(f, "itl", 0.3) }, []string{"itl"}, "the client was late: its measurement error is over 20 % of the metric"},
	"client_limited": {func(f, _ *Summary) { f.Verdict = "client-limited" }, nil, "the client could not keep up"},
	"batch_limited":  {func(f, _ *Summary) { f.Findings = []Finding{find("batch_limited", "", "served", 7.5)} }, nil, "about 7.5 requests were served at a time"},
	"decoding_differs": {func(f, other *Summary) { f.Decoding, other.Decoding = 7.2, 44.6 }, nil,
		"7.2 requests were decoding at a time, vs 44.6 of the baseline"},
	"multi_token_chunks": {func(f, other *Summary) { f.TokensPerChunk, other.TokensPerChunk = 1.18, 1 }, nil, "chunks had 1.18 tokens on average, vs 1.00 of the baseline"},
	"coalesced":          {func(f, _ *Summary) { f.Findings = []Finding{find("coalesced", "")} }, nil, "that does not move TPOT"},
	"held_first_read": {func(f, _ *Summary) { f.Findings = []Finding{find("held_first_read", "")} }, []string{"ttft", FirstWaveTTFT, "tpot", "itl"},
		"TTFT is too long and TPOT too short"},
	"whole_answers":         {func(f, _ *Summary) { f.Findings = []Finding{find("whole_answers", "")} }, nil, "were not measured"},
	"token_count_disagrees": {func(f, _ *Summary) { f.Findings = []Finding{find("token_count_disagrees", "")} }, nil, "how long its answers are is not known"},
	"hidden_reasoning":      {func(f, _ *Summary) { f.Findings = []Finding{find("hidden_reasoning", "")} }, nil, "TPOT is divided by them"},
	"several_choices":       {func(f, _ *Summary) { f.Findings = []Finding{find("several_choices", "")} }, nil, "which TPOT and ITL mix"},
	"output_lengths_differ": {func(f, _ *Summary) { f.Output = f.Output * 9 / 10 }, nil,
		"completion tokens a request: 115.2 here, 128 there"},
	"prefix_cache_hits": {func(f, _ *Summary) {
		f.Findings = []Finding{find("prefix_cache_hits", "", "cached_tokens", 320, "prompt_tokens", 640)}
	}, nil, "50.0 % of the prompt tokens came from the server's prefix cache, vs 0.00 % of the baseline"},
	"definitions_differ": {func(f, _ *Summary) { f.Client = "guidellm" }, []string{"tpot", "itl", "e2el", "ttft", FirstWaveTTFT}, ""},
}

// moveBy sets the client's error of a metric's mean, relative to the metric.
func moveBy(f *Summary, metric string, share float64) {
	for quantity, runs := range f.Series {
		if quantity.Metric == metric && (quantity.Higher || quantity.Statistic == MeanOf) {
			for i := range runs {
				runs[i].Error = share * runs[i].Value
			}
		}
	}
}

func metricsOf() (all []string) {
	for _, f := range Quantities {
		if !slices.Contains(all, f.Metric) {
			all = append(all, f.Metric)
		}
	}
	return all
}

// voidOf are the metrics that do not stand.
func voidOf(c *Comparison) (void []string) {
	for _, r := range c.Rows {
		if r.Void != "" && !slices.Contains(void, r.Quantity.Metric) {
			void = append(void, r.Quantity.Metric)
		}
	}
	return void
}

// TestCausesAndMetrics plants every cause of the table in either side: every metric that
// it moves is void, and no other.
func TestCausesAndMetrics(t *testing.T) {
	for _, cause := range Causes {
		p, ok := plants[cause.Code]
		if !ok {
			t.Errorf("no plant for %s", cause.Code)
			continue
		}
		moves := cause.Moves
		if cause.Own {
			moves = p.moves
		} else if moves == nil {
			moves = metricsOf()
		}
		for planted := range 2 {
			variants := []*Summary{brief(), brief()}
			p.plant(variants[planted], variants[1-planted])
			c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{variants}, Options{AcrossClients: cause.Code == "definitions_differ"})
			void := voidOf(c)
			for _, m := range metricsOf() {
				if got, want := slices.Contains(void, m), slices.Contains(moves, m); got != want {
					t.Errorf("%s planted in side %d: %s not comparable %v, want %v", cause.Code, planted, m, got, want)
				}
			}
			for _, r := range c.Reasons {
				if r.Code != cause.Code || r.Hint != cause.Hint {
					t.Errorf("%s planted in side %d: %+v", cause.Code, planted, r)
				}
				if planted == 1 && !strings.Contains(r.Text, p.text) {
					t.Errorf("%s: %q, want %q", cause.Code, r.Text, p.text)
				}
			}
			if len(c.Reasons) == 0 {
				t.Errorf("%s planted in side %d: no reason", cause.Code, planted)
			}
		}
	}
}

// TestRunsOfASweep: a sweep's runs have prompts of their own and are as long as their precision needs:
// one server's stand, and are not compared with another's.
func TestRunsOfASweep(t *testing.T) {
	swept := func() *Summary {
		f := brief()
		f.Settings["random_id_step"] = "3"
		f.Later = []*Summary{later(f, func(l *Summary) { l.Requests, l.Settings["random_id_step"] = 64, "7" })}
		return f
	}
	if c := Judge([]string{"A"}, []string{"64"}, [][]*Summary{{swept()}}, Options{}); len(c.Reasons) > 0 {
		t.Errorf("%+v", c.Reasons)
	}
	c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{swept(), swept()}}, Options{})
	for _, r := range c.Reasons {
		if r.Code != "repeats_differ" || r.Text != "repeat 2: requests: 64 here, 640 there" {
			t.Errorf("%+v", r)
		}
	}
	other := swept()
	other.Settings["random_id_step"] = "5"
	if c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{swept(), other}}, Options{}); !slices.ContainsFunc(c.Reasons, func(r Reasons) bool { return r.Text == "random_id_step: 5 here, 3 there" }) {
		t.Errorf("%+v", c.Reasons)
	}
	different := swept()
	different.Later[0].Settings["temperature"] = "1"
	different.Settings["temperature"] = "0"
	if c := Judge([]string{"A"}, []string{"64"}, [][]*Summary{{different}}, Options{}); len(c.Reasons) != 1 || c.Reasons[0].Code != "repeats_differ" {
		t.Errorf("%+v", c.Reasons)
	}
}

// brief is a summary whose requests are not needed.
func brief() *Summary {
	f := summary(1, 0.1)
	for quantity, runs := range f.Series {
		for i := range runs {
			runs[i].Requests = nil
		}
		f.Series[quantity] = runs
	}
	return f
}

// TestAClientThatIsLateForOneMetric plants the error of each metric: that one is void.
func TestAClientThatIsLateForOneMetric(t *testing.T) {
	for _, m := range metricsOf() {
		for share, void := range map[float64]bool{0.19: false, 0.21: true} {
			f := brief()
			moveBy(f, m, share)
			f.Verdict = map[bool]string{false: "degraded", true: "client-limited"}[void]
			c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{brief(), f}}, Options{})
			want := []string(nil)
			if void {
				want = []string{m}
			}
			if got := voidOf(c); !slices.Equal(got, want) {
				t.Errorf("%s late by %v: not comparable %v", m, share, got)
			}
		}
	}
	f := brief()
	moveBy(f, "itl", 0.3)
	f.Verdict, f.LateSchedule = "client-limited", true
	c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{brief(), f}}, Options{})
	if got := voidOf(c); !slices.Equal(got, metricsOf()) {
		t.Errorf("a client that did not keep the schedule: %v", got)
	}
}

// TestTheClientsErrorIsNoDifference: what the client may have moved is not significant.
func TestTheClientsErrorIsNoDifference(t *testing.T) {
	f := Quantity{Metric: "tpot", Statistic: MeanOf}
	run := func(value, off float64) []Series {
		return []Series{{N: 640, Mean: value, Std: value / 100, Value: value, Error: off}}
	}
	sure, late := Compare(run(0.01, 0), run(0.011, 0), f), Compare(run(0.01, 0), run(0.011, 0.0012), f)
	if sure.P > 1e-6 || late.P < 0.9 || late.RatioLow > 1 || !(math.Abs(math.Log(late.RatioLow)-math.Log(sure.RatioLow)+math.Log1p(0.0012/0.011)) <= 1e-9) {
		t.Errorf("%+v, %+v", sure, late)
	}
}

func TestWhatIsNoCause(t *testing.T) {
	pair := func(f, g func(a *Summary)) []*Summary {
		a, b := brief(), brief()
		f(a)
		g(b)
		return []*Summary{a, b}
	}
	same := func(f func(a *Summary)) []*Summary { return pair(f, f) }
	hits := func(a *Summary) {
		a.Findings = []Finding{find("prefix_cache_hits", "", "cached_tokens", 600.0, "prompt_tokens", 640.0)}
	}
	waits := func(ttft, e2el, n float64) func(a *Summary) {
		return func(a *Summary) {
			a.Series[meanTTFT][0].Value, a.Series[Quantity{Metric: "e2el", Statistic: MeanOf}][0].Value, a.Decoding = ttft, e2el, n
		}
	}
	open := func(n float64) func(a *Summary) { return func(a *Summary) { a.OpenLoop, a.Decoding = true, n } }
	many := func(failed int) func(a *Summary) {
		return func(a *Summary) {
			a.Requests, a.Failed, a.Input, a.Output = 2000, failed, (2000-failed)*512, (2000-failed)*128
		}
	}
	untimed := func(n float64) func(a *Summary) {
		return func(a *Summary) {
			a.Decoding = n
			delete(a.Series, Quantity{Metric: "e2el", Statistic: MeanOf})
			delete(a.Series, Quantity{Metric: "tpot", Statistic: MeanOf})
		}
	}
	withoutE2EL := func(ttft, tpot, n float64) func(a *Summary) {
		return func(a *Summary) {
			untimed(n)(a)
			a.Series[meanTTFT][0].Value, a.Series[Quantity{Metric: "tpot", Statistic: MeanOf}] = ttft, []Series{{Value: tpot}}
		}
	}
	none := func(*Summary) {}
	for name, c := range map[string]struct {
		variants []*Summary
		void     string
	}{
		"a failure of a thousand": {pair(many(0), many(1)), ""},
		"a mark more":             {pair(none, func(a *Summary) { a.Prompt = 513 }), ""},
		"other prompts by count":  {pair(none, func(a *Summary) { a.Prompt = 700 }), "all"},
		"a token more":            {pair(none, func(a *Summary) { a.Output += 640 }), ""},
		"a prompt token more":     {pair(none, func(a *Summary) { a.Input += 640 }), "all"},
		"a seed":                  {pair(none, func(a *Summary) { a.Settings["seed"] = "2" }), "all"},
		"another client":          {pair(none, func(a *Summary) { a.Client = "benchmark_serving" }), "all"},
		"a flag less":             {pair(none, func(a *Summary) { a.Settings["temperature"] = "<nil>" }), "all"},
		"a cold start":            {pair(none, func(a *Summary) { a.Findings = []Finding{find("cold_start", "")} }), ""},
		"prompts of repeats": {pair(none, func(a *Summary) {
			a.Later = []*Summary{later(a, func(l *Summary) { l.Settings["seed"], l.Settings["prompts"], l.Input = "7", "sha256:7", 5 })}
		}), ""},
		"a server of repeats": {pair(none, func(a *Summary) { a.Later = []*Summary{later(a, func(l *Summary) { l.Server = "2" })} }), "all"},
		"the same cache hits": {same(hits), ""},
		"times of tokens": {same(func(a *Summary) {
			a.TokensPerChunk = 2
			a.Series[Quantity{Metric: PerTokenITL, Statistic: MeanOf}] = []Series{{Value: 0.01}}
		}), ""},
		"tokens a chunk alike":  {pair(func(a *Summary) { a.TokensPerChunk = 1.035 }, func(a *Summary) { a.TokensPerChunk = 1.02 }), ""},
		"tokens a chunk unlike": {pair(func(a *Summary) { a.TokensPerChunk = 1.04 }, func(a *Summary) { a.TokensPerChunk = 1 }), "itl"},
		"two tokens a chunk":    {same(func(a *Summary) { a.TokensPerChunk = 2 }), "itl"},
		// 64 requests each: one waits as long and decodes four times as fast.
		"fewer by its own speed":          {pair(waits(0.4, 4.5, 58), waits(0.6, 1.9, 44)), ""},
		"fewer, as others wait":           {pair(waits(0.4, 2.4, 53), waits(1.6, 3.6, 36)), "tpot itl"},
		"an open loop":                    {pair(open(10), open(5)), ""},
		"within a quarter":                {pair(waits(0.1, 1, 60), waits(0.1, 1, 46)), ""},
		"fewer by its own speed, no E2EL": {pair(withoutE2EL(0.4, 4.1/127, 58), withoutE2EL(0.6, 1.3/127, 44)), ""},
		"fewer, as others wait, no E2EL":  {pair(withoutE2EL(0.4, 2./127, 53), withoutE2EL(1.6, 2./127, 36)), "tpot itl"},
		"within a third, no times":        {pair(untimed(60), untimed(40)), "tpot itl"},
	} {
		want := c.void
		if want == "all" {
			want = strings.Join(metricsOf(), " ")
		}
		got := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{c.variants}, Options{})
		if void := strings.Join(voidOf(got), " "); void != want {
			t.Errorf("%s: not comparable %q, want %q: %+v", name, void, want, got.Reasons)
		}
	}
}

// TestPerTokenTimesAreCompared: where both variants have them they are ITL.
func TestPerTokenTimesAreCompared(t *testing.T) {
	variants := []*Summary{brief(), brief()}
	for i, f := range variants {
		f.TokensPerChunk = 2
		f.Series[Quantity{Metric: PerTokenITL, Statistic: MeanOf}] = []Series{{N: 640, Mean: 0.01, Std: 0.001, Value: 0.01 * float64(i+1)}}
	}
	c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{variants}, Options{})
	if r := rowOf(c, Quantity{Metric: "itl", Statistic: MeanOf}); r == nil || r.Void != "" || r.Base != 0.01 || r.Other != 0.02 || !r.Significant {
		t.Errorf("%+v", r)
	}
	for _, f := range variants {
		f.TokensPerChunk = 1
	}
	c = Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{variants}, Options{})
	if r := rowOf(c, Quantity{Metric: "itl", Statistic: MeanOf}); r.Base < 0.09 {
		t.Errorf("one token a chunk: %+v", r)
	}
}

// TestAcrossClients: another client's results are compared on purpose only, by one
// definition, or not in a metric that has two.
func TestAcrossClients(t *testing.T) {
	itl := Quantity{Metric: "itl", Statistic: MeanOf}
	variants := func(client string, defined map[string]map[Quantity]float64) [][]*Summary {
		a, b := brief(), brief()
		a.Client, b.Defined = client, defined
		return [][]*Summary{{a, b}}
	}
	judged := func(summaries [][]*Summary, across bool) *Comparison {
		return Judge([]string{"A", "B"}, []string{"64"}, summaries, Options{AcrossClients: across})
	}
	if c := judged(variants("benchmark_serving", nil), false); len(voidOf(c)) != len(metricsOf()) {
		t.Errorf("not on purpose: %v stand not", voidOf(c))
	}
	if c := judged(variants("benchmark_serving", nil), true); len(voidOf(c)) > 0 || !slices.Equal(c.Definitions, []string{"benchmark_serving does not state its measurement error"}) {
		t.Errorf("the same definitions: %v, %v", voidOf(c), c.Definitions)
	}
	if c := judged(variants("vllm", map[string]map[Quantity]float64{"vllm": {itl: 0.12}}), true); len(voidOf(c)) > 0 || !(math.Abs(rowOf(c, itl).Other-0.12) <= 1e-12) || rowOf(c, itl).Restated != "vllm" || rowOf(c, meanTTFT).Restated != "" {
		t.Errorf("%v, %+v", voidOf(c), rowOf(c, itl))
	}
	c := judged(variants("sglang 0.5", nil), true)
	if got := voidOf(c); !slices.Equal(got, []string{"ttft", FirstWaveTTFT, "itl", "e2el"}) || !strings.Contains(c.Reasons[2].Text, "ITL is the time between chunks in loadgen, and the time between chunks divided by the tokens of a chunk in sglang") {
		t.Errorf("other definitions: %v, %+v", got, c.Reasons)
	}
	all := map[Quantity]float64{}
	for _, f := range Quantities {
		all[f] = 0.2
	}
	if c := judged(variants("aiperf", map[string]map[Quantity]float64{"aiperf": all}), true); !slices.Equal(voidOf(c), []string(nil)) || len(c.Definitions) < 4 || !(math.Abs(rowOf(c, itl).Other-0.2) <= 1e-12) {
		t.Errorf("restated: %v, %v", voidOf(c), c.Definitions)
	}
	if c := judged(variants("another", nil), true); len(voidOf(c)) > 0 || !slices.Contains(c.Definitions, "how another defines its metrics is not known") {
		t.Errorf("an unknown client: %v, %v", voidOf(c), c.Definitions)
	}
}

// TestDrift: all servers become slower from repeat to repeat, or only vary.
func TestDrift(t *testing.T) {
	variants := func(values ...float64) (row []*Summary) {
		for range 2 {
			f := brief()
			for quantity, runs := range maps.Clone(f.Series) {
				f.Series[quantity] = nil
				for _, v := range values {
					s := runs[0]
					s.Value *= v
					f.Series[quantity] = append(f.Series[quantity], s)
				}
			}
			for range values[1:] {
				f.Later = append(f.Later, later(f, func(*Summary) {}))
			}
			row = append(row, f)
		}
		return row
	}
	judged := func(values ...float64) []Drift {
		return Judge([]string{"A", "B"}, []string{"16", "64"}, [][]*Summary{variants(values...), variants(values...)}, Options{}).Drifts
	}
	if got := judged(1, 1.01, 0.99, 1); got != nil {
		t.Errorf("%+v", got)
	}
	got := judged(1, 1.01, 1.02, 1.03)
	if len(got) != 3 || got[0].Metric != "ttft" || !(math.Abs(got[0].Change-0.03/1.015) <= 1e-3) || !strings.HasPrefix(got[2].Text, "E2EL changed from repeat to repeat, by +3 %") {
		t.Errorf("%+v", got)
	}
}

// TestDelivery: bursts are causes by what they hold: whole answers, or many tokens in the first.
func TestDelivery(t *testing.T) {
	for _, c := range []struct {
		finding Finding
		want    string
	}{
		{find("coalesced", "", "small_gaps", 5), "coalesced"},
		{find("coalesced", "", "whole_answers", 5), "whole_answers"},
		{find("coalesced", "", "whole_answers", 5.0), "whole_answers"},
		{find("coalesced", "", "first_burst_share", 0.12), "coalesced"},
		{find("coalesced", "", "first_burst_share", 0.25), "held_first_read coalesced"},
		{find("whole_answers", "", "answers", 5), "whole_answers"},
		{find("batch_limited", "", "served", 5), "batch_limited"},
	} {
		f := brief()
		f.Findings = []Finding{c.finding}
		codes := map[string]bool{}
		for _, r := range Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{brief(), f}}, Options{}).Reasons {
			codes[r.Code] = true
		}
		if got := strings.Join(slices.SortedFunc(maps.Keys(codes), func(a, b string) int { return strings.Compare(b, a) }), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.finding, got, c.want)
		}
	}
}
