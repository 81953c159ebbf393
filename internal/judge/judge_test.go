package judge

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/stream"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

const ms = time.Millisecond

// run is a run and its requests.
type run struct {
	Run
	Results    []*client.Result
	Samples    []metrics.Sample
	Asked, Got []int
	Health     *health.Report
}

func (r *run) Judge() (findings, notes []Finding) { return r.read().Findings() }

func (r *run) read() *FindingsReader {
	f := NewFindingsReader(r.Run, nil)
	for i, x := range r.Results {
		tokens := metrics.CountOf(x, r.Rule.Whole, nil)
		tokens.Of[metrics.ByServer] = r.Got[i]
		f.Add(Request{x, &r.Samples[i], AppendLateness(nil, x, cmp.Or(r.Health, &health.Report{})), r.Asked[i], r.Got[i], tokens})
	}
	return f
}

// server is a scripted server and the load on it.
type server struct {
	n, concurrency int
	batch          int // 0 for no limit
	step           time.Duration
	tokens         int
	asked          int // tokens, where that is not how many there are
	burst          int // so many tokens arrive together
	rng            *rand.Rand
	change         func(i int, r *client.Result)
}

func clean(seed uint64) server {
	return server{n: 200, concurrency: 16, step: 10 * ms, tokens: 32, burst: 1, rng: rand.New(rand.NewPCG(seed, 0))}
}

// run makes the time lines: a slot sends its next request when its last is
// answered; a request waits for a place in the batch, is prefilled and decodes.
func (s server) run() *run {
	r := &run{Run: Run{Concurrency: s.concurrency, TextPrompts: true, Tested: true, IgnoreEOS: true}}
	slots := make([]time.Duration, s.concurrency)
	places := make([]time.Duration, max(s.batch, 1))
	for i := range s.n {
		slot := least(slots)
		x := &client.Result{Due: 1, Handed: 1, Permit: slots[slot], Start: slots[slot] + 20*time.Microsecond}
		x.Connect, x.Written, x.KernelStamps = x.Start+10*time.Microsecond, x.Start+30*time.Microsecond, true
		begin := x.Written
		place := least(places)
		if s.batch > 0 {
			begin = max(begin, places[place])
		}
		at := begin + 15*ms + time.Duration(s.rng.ExpFloat64()*float64(3*ms))
		for k := range s.tokens {
			e := client.Event{At: at, Kind: stream.Text, Choices: true, Tokens: -1}
			if (k+1)%s.burst == 0 {
				at += time.Duration(s.burst) * time.Duration(float64(s.step)*(0.9+0.2*s.rng.Float64()))
			} else {
				at += 10 * time.Microsecond
			}
			x.Events = append(x.Events, e)
		}
		last := x.Events[s.tokens-1].At
		x.LastByte, x.Ended, x.End, x.Done, x.FinishReason = last+50*time.Microsecond, last+50*time.Microsecond, last+100*time.Microsecond, true, "length"
		x.Usage = stream.UsageCounts{Prompt: 513, Completion: s.tokens, Cached: 0}
		x.SeenUsage = x.Usage
		places[place], slots[slot] = last, x.End
		if s.change != nil {
			s.change(i, x)
		}
		r.Results = append(r.Results, x)
		r.Samples = append(r.Samples, metrics.NewSample(x, 512, metrics.Rule{}))
		r.Asked, r.Got = append(r.Asked, cmp.Or(s.asked, s.tokens)), append(r.Got, max(x.Usage.Completion, 0))
	}
	return r
}

func least(all []time.Duration) (at int) {
	for i, t := range all {
		if t < all[at] {
			at = i
		}
	}
	return at
}

func (s server) judged(h *health.Report) Verdict {
	r := s.run()
	b := NewBudgetReader(r.Rule, h, false, nil)
	for i, x := range r.Results {
		b.Add(x, AppendLateness(nil, x, h), r.Got[i])
	}
	return Decide(b.Budget(metrics.Compute(r.Samples, 1, metrics.Options{}), 0), h, 0, DefaultLimits)
}

func TestCleanRunsHaveNothingToSay(t *testing.T) {
	for seed := range uint64(50) {
		s := clean(seed)
		findings, notes := s.run().Judge()
		if v := s.judged(&health.Report{}); len(findings)+len(notes) > 0 || v.Level != Clean {
			t.Errorf("seed %d: %v %v %+v", seed, findings, notes, v)
		}
	}
}

func TestFindings(t *testing.T) {
	failed := &stream.Error{Class: stream.Cut, Message: "cut"}
	for code, plant := range map[string]func(s *server){
		"batch_limited": func(s *server) { s.batch = 4 },
		"coalesced":     func(s *server) { s.burst = 8 },
		"failures": func(s *server) {
			s.change = func(i int, r *client.Result) {
				if i == 7 {
					r.Err = failed
				}
			}
		},
		"prompt_length_mismatch": func(s *server) { s.change = func(_ int, r *client.Result) { r.SeenUsage.Prompt = 600 } },
		"prefix_cache_hits":      func(s *server) { s.change = func(_ int, r *client.Result) { r.SeenUsage.Cached = 256 } },
		"short_outputs":          func(s *server) { s.change = func(_ int, r *client.Result) { r.Usage.Completion = 20 } },
		"multi_token_chunks": func(s *server) {
			s.change, s.asked = func(_ int, r *client.Result) { r.Usage.Completion = 64 }, 64
		},
		"cold_start": func(s *server) {
			s.change = func(i int, r *client.Result) {
				for k := range r.Events {
					if i < 16 {
						r.Events[k].At += time.Duration(k) * 20 * ms
					}
				}
			}
		},
		"compressed_stream": func(s *server) { s.change = func(_ int, r *client.Result) { r.ContentEncoding = "gzip" } },
		"end_mark_missing":  func(s *server) { s.change = func(i int, r *client.Result) { r.Done = i > 3 } },
		"syn_retransmit":    func(s *server) { s.change = func(i int, r *client.Result) { r.SYNRetransmits = i % 2 } },
	} {
		t.Run(code, func(t *testing.T) {
			s := clean(1)
			plant(&s)
			findings, _ := s.run().Judge()
			if len(findings) != 1 || findings[0].Code != code || findings[0].Text == "" || len(findings[0].Figures) == 0 {
				t.Errorf("%+v", findings)
			}
		})
	}
}

// A prefix that the user asked for is in the cache by intent, as text a little longer.
func TestCommonPrefix(t *testing.T) {
	for _, c := range []struct {
		prefix, cached int
		ids, hit       bool
	}{{1000, 1056, false, false}, {1000, 1000, true, false}, {1000, 1056, true, true}, {1000, 1200, false, true}, {0, 32, false, true}} {
		s := clean(1)
		s.change = func(_ int, r *client.Result) { r.SeenUsage.Cached = c.cached }
		run := s.run()
		run.PrefixLen, run.TextPrompts = c.prefix, !c.ids
		findings, _ := run.Judge()
		if hit := slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == "prefix_cache_hits" }); hit != c.hit {
			t.Errorf("%+v: %+v", c, findings)
		}
	}
}

// TestChatTemplate allows for what the model's chat template is known to add, and for no more.
func TestChatTemplate(t *testing.T) {
	for _, c := range []struct {
		template float64
		counted  int
		want     string
	}{
		{0, 512 + 40, ""}, {0, 512 + 120, "prompt_length_mismatch"},
		{120, 512 + 120, ""}, {120, 512 + 128, ""}, {120, 512, ""}, {120, 512 + 200, "prompt_length_mismatch"},
		{10, 512 + 10, ""}, {10, 512 + 80, "prompt_length_mismatch"}, {10, 300, "prompt_length_mismatch"},
	} {
		s := clean(1)
		s.change = func(_ int, r *client.Result) { r.SeenUsage.Prompt = c.counted }
		run := s.run()
		run.Rule.Chat, run.TextPrompts, run.Template = true, true, c.template
		findings, _ := run.Judge()
		got := ""
		for _, f := range findings {
			if f.Code == "prompt_length_mismatch" {
				got = f.Code
			}
		}
		if got != c.want {
			t.Errorf("%+v: %+v", c, findings)
		}
	}
	// 160 tokens stand before every prompt: no other prompts would change that.
	for prefix, want := range map[int]bool{0: true, 160: false} {
		s := clean(1)
		s.change = func(_ int, r *client.Result) { r.SeenUsage.Prompt, r.SeenUsage.Cached = 512+170, 160 }
		run := s.run()
		run.Rule.Chat, run.TextPrompts, run.Template, run.TemplatePrefix = true, true, 170, prefix
		findings, _ := run.Judge()
		if got := slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == "prefix_cache_hits" }); got != want {
			t.Errorf("%d tokens before the prompt: %+v", prefix, findings)
		}
	}
}

// open makes requests that begin at random and are served at once, or as many at a
// time as the limit says; prefill takes its share of a request's time.
func open(seed uint64, underWay float64, limit int, prefill float64) *run {
	rng := rand.New(rand.NewPCG(seed, 1))
	const whole = 500 * ms
	r := &run{Run: Run{Rate: underWay / whole.Seconds()}}
	places := make([]time.Duration, max(limit, 1))
	start := time.Duration(0)
	for range 600 {
		start += time.Duration(rng.ExpFloat64() * float64(whole) / underWay)
		begin, place := start, least(places)
		if limit > 0 {
			begin = max(begin, places[place])
		}
		first := begin + time.Duration(prefill*(0.5+rng.Float64())*float64(whole))
		last := first + time.Duration((1-prefill)*float64(whole))
		places[place] = last
		r.Results = append(r.Results, &client.Result{Start: start, Answer: stream.Answer{Events: []client.Event{{At: first, Choices: true}, {At: last, Choices: true}}}})
		r.Samples, r.Asked, r.Got = append(r.Samples, metrics.Sample{}), append(r.Asked, 2), append(r.Got, 2)
	}
	return r
}

// TestPlateaus tells a limit from a load that is as large as it is.
func TestPlateaus(t *testing.T) {
	for seed := range uint64(10) {
		for _, underWay := range []float64{2, 8, 30, 300} {
			for _, prefill := range []float64{0.05, 0.5, 0.9} {
				if f := open(seed, underWay, 0, prefill).read().batchLimited(); f != nil {
					t.Errorf("seed %d, %v under way, prefill %v: %v", seed, underWay, prefill, f)
				}
			}
		}
	}
	for _, limit := range []int{1, 2, 8, 100} {
		f := open(1, 2*float64(limit), limit, 0.08).read().batchLimited()
		if f == nil || f.Figures.Get("served") != limit {
			t.Errorf("limit %d: %v", limit, f)
		}
	}
}

func TestFigures(t *testing.T) {
	s := clean(2)
	s.batch = 4
	findings, _ := s.run().Judge()
	if served := findings[0].Figures.Get("served"); served != 4 {
		t.Errorf("about %v served, want 4", served)
	}
	s = clean(2)
	s.burst = 8
	s.change = func(_ int, r *client.Result) { readTogether(r, s.burst, 70*ms) }
	findings, _ = s.run().Judge()
	if where := findings[0].Figures.Get("where"); where != "client" {
		t.Errorf("the bursts are made by the %v, want client", where)
	}
}

// TestColdStart tells a first wave that is slow as a whole from one whose requests
// wait for each other.
func TestColdStart(t *testing.T) {
	for name, c := range map[string]struct {
		more func(i int) time.Duration
		want bool
	}{
		"cold":            {func(i int) time.Duration { return 300 * ms }, true},
		"one by one":      {func(i int) time.Duration { return time.Duration(i) * 40 * ms }, false},
		"hardly slower":   {func(i int) time.Duration { return 30 * ms }, false},
		"but for the one": {func(i int) time.Duration { return time.Duration(min(i, 1)) * 300 * ms }, false},
	} {
		s := clean(6)
		s.change = func(i int, r *client.Result) {
			for k := range r.Events {
				if i < s.concurrency {
					r.Events[k].At += c.more(i)
				}
			}
		}
		r := s.run()
		if f := r.read().coldStart(); (f != nil) != c.want {
			t.Errorf("%s: %v", name, f)
		}
		for _, x := range r.Results[:s.concurrency] { // and if the client was stopped meanwhile
			x.Events[0].Shared = true
		}
		r.Health = &health.Report{Stalls: []health.Stall{{Since: 0, From: ms, To: 500 * ms}}}
		if f := r.read().coldStart(); f != nil {
			t.Errorf("%s: of a stopped client: %v", name, f)
		}
	}
}

func TestRateNotReached(t *testing.T) {
	for held, want := range map[time.Duration]int{0: 0, ms / 5: 0, ms: 1, 20 * ms: 1} {
		r := &run{Run: Run{Rule: metrics.Rule{Whole: true}, Rate: 100, Concurrency: 4}}
		for i := range 50 {
			due := time.Duration(i) * 10 * ms
			r.Results = append(r.Results, &client.Result{Due: due, Start: due + time.Duration(i)*held})
			r.Samples = append(r.Samples, metrics.Sample{})
			r.Asked, r.Got = append(r.Asked, 0), append(r.Got, 0)
		}
		findings, _ := r.Judge()
		findings = slices.DeleteFunc(findings, func(f Finding) bool { return f.Code == "whole_answers" })
		if len(findings) != want || want == 1 && findings[0].Code != "rate_not_reached" {
			t.Errorf("held for %v: %+v", held, findings)
		}
	}
}

func TestNotes(t *testing.T) {
	s := clean(3)
	s.change = func(_ int, r *client.Result) { r.SeenUsage.Prompt = 540 }
	r := s.run()
	r.Percentiles = []float64{50, 95, 99}
	findings, notes := r.Judge()
	var codes []string
	for _, n := range notes {
		codes = append(codes, n.Code+fmt.Sprint(n.Figures.Get("percentile")))
	}
	// 200 requests bear p95 (100) and not p99 (500).
	if len(findings) != 0 || !slices.Equal(codes, []string{"prompt_length_drift<nil>", "too_few_samples99"}) {
		t.Errorf("%v %v", findings, codes)
	}
}

// readTogether makes each burst of n events one read, with the stamp of its last.
func readTogether(r *client.Result, n int, slack time.Duration) {
	for k := range r.Events {
		if last := min(k/n*n+n, len(r.Events)) - 1; k < last {
			r.Events[k].At, r.Events[k].Shared, r.Events[k].Slack = r.Events[last].At, true, uint32(slack)
		}
	}
}

// TestWhereBurstsAreMade blames the client for bursts where it was stopped.
func TestWhereBurstsAreMade(t *testing.T) {
	s := clean(3)
	s.burst = 8
	s.change = func(_ int, r *client.Result) { readTogether(r, s.burst, 0) }
	r := s.run()
	where := func() any {
		findings, _ := r.Judge()
		if len(findings) != 1 || findings[0].Code != "coalesced" {
			t.Fatalf("%v", findings)
		}
		return findings[0].Figures.Get("where")
	}
	if got := where(); got != "server" {
		t.Errorf("%v", got)
	}
	r.Health = &health.Report{Stalls: []health.Stall{{Since: 0, From: ms, To: time.Hour}}}
	if got := where(); got != "client" {
		t.Errorf("%v", got)
	}
}

func TestVerdicts(t *testing.T) {
	stalls := &health.Report{Stalls: []health.Stall{{Since: 100 * ms, From: 100 * ms, To: 400 * ms}}}
	for name, c := range map[string]struct {
		plant func(s *server)
		h     *health.Report
		want  Level
		what  []string
		text  string
	}{
		"a slow reader": {func(s *server) {
			s.change = func(_ int, r *client.Result) {
				for k := 0; k+1 < len(r.Events); k += 2 { // two at a time, up to a step late
					r.Events[k].At, r.Events[k].Shared, r.Events[k].Slack = r.Events[k+1].At, true, uint32(10*ms)
				}
			}
		}, nil, ClientLimited, []string{"itl"}, "read together"},
		"a blocked scheduler": {func(s *server) {
			s.change = func(_ int, r *client.Result) { r.Connect += 8 * ms; r.Written += 10 * ms }
		}, nil, Degraded, []string{"ttft"}, "sending a request took"},
		"a stopped process": {func(s *server) {
			s.change = func(_ int, r *client.Result) {
				for k := range r.Events {
					if e := &r.Events[k]; 100*ms < e.At && e.At < 400*ms {
						e.At, e.Shared, e.Slack = 400*ms, true, 1
					}
				}
			}
		}, stalls, ClientLimited, []string{"itl"}, "did not get to run"},
		"slots that stand empty": {func(s *server) { s.change = func(_ int, r *client.Result) { r.Permit -= 50 * ms } }, nil, Degraded, []string{"throughput"}, "were idle"},
		"a clock step":           {func(s *server) {}, &health.Report{Steps: []health.Step{{At: ms, By: time.Second}}}, Degraded, []string{"clock"}, "stepped"},
		"a processor limit": {func(s *server) {
			s.change = func(_ int, r *client.Result) { r.Permit -= 50 * ms }
		}, &health.Report{Cgroup: &health.Cgroup{Cores: 0.5, Throttled: time.Second, Periods: 9}}, Degraded, []string{"throughput"}, "processor limit of 0.5 cores"},
	} {
		t.Run(name, func(t *testing.T) {
			s := clean(4)
			c.plant(&s)
			if c.h == nil {
				c.h = &health.Report{}
			}
			v := s.judged(c.h)
			var what, text []string
			for _, r := range v.Reasons {
				what, text = append(what, r.What), append(text, r.Text)
			}
			missing := slices.ContainsFunc(c.what, func(w string) bool { return !slices.Contains(what, w) })
			if v.Level != c.want || missing || !strings.Contains(strings.Join(text, "\n"), c.text) {
				t.Errorf("%s %v\n%s", v.Level, what, strings.Join(text, "\n"))
			}
		})
	}
}

// TestLimits: from which measurement error on a metric is no longer clean, and the client
// could not keep up.
func TestLimits(t *testing.T) {
	const µs = 1e-6
	for _, c := range []struct {
		name   string
		bounds [4]Bound
		want   Level
	}{
		{"below the floor", [4]Bound{{P99: 190 * µs}}, Clean},
		{"above the floor of next to nothing", [4]Bound{{Mean: 210 * µs, ReportedMedian: 2000 * µs}}, Degraded},
		{"below 2 % of the median", [4]Bound{{Median: 1900 * µs, ReportedMedian: 100000 * µs}}, Clean},
		{"above 2 % of the median in its p99", [4]Bound{{P99: 2100 * µs, ReportedMedian: 100000 * µs}}, Degraded},
		{"over 20 % of the median", [4]Bound{{Mean: 2100 * µs, ReportedMedian: 10000 * µs}}, ClientLimited},
		{"over 20 % of the median, not of the mean", [4]Bound{{Mean: 2100 * µs, ReportedMedian: 100 * µs, ReportedMean: 20000 * µs}}, Degraded},
		{"the worst of two, second", [4]Bound{{Mean: 2100 * µs, ReportedMedian: 100000 * µs}, {Mean: 2100 * µs, ReportedMedian: 1000 * µs}}, ClientLimited},
		{"the worst of two, first", [4]Bound{{Mean: 2100 * µs, ReportedMedian: 1000 * µs}, {Mean: 2100 * µs, ReportedMedian: 100000 * µs}}, ClientLimited},
	} {
		if v := Decide(&Budget{Bounds: c.bounds}, &health.Report{}, 0, DefaultLimits); v.Level != c.want {
			t.Errorf("%s: %s, want %s", c.name, v.Level, c.want)
		}
	}
}

func TestLateSchedule(t *testing.T) {
	var results []*client.Result
	for i := range 100 {
		due := time.Duration(i) * 10 * ms
		results = append(results, &client.Result{Due: due, Handed: due + 15*ms, Permit: due + 15*ms, Start: due + 15*ms})
	}
	late := NewBudgetReader(metrics.Rule{}, &health.Report{}, false, nil)
	for _, r := range results {
		late.Add(r, nil, 0)
	}
	b := late.Budget(metrics.Compute(nil, 1, metrics.Options{}), 0)
	if v := Decide(b, &health.Report{}, 0.01, DefaultLimits); v.Level != ClientLimited || v.Reasons[0].What != "schedule" {
		t.Errorf("%+v", v)
	}
	if v := Decide(b, &health.Report{}, 0.1, DefaultLimits); v.Level != Clean {
		t.Errorf("%+v", v)
	}
}

func TestOfMedian(t *testing.T) {
	for want, bound := range map[string]float64{"2.5 % of its median": 0.025, "200 % of its median": 2, "16.1 times its median": 16.1} {
		if got := ofMedian(bound, 1); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := ofMedian(1, 0); got != "its median is 0" {
		t.Errorf("%q", got)
	}
}

// TestDecodingAtATime: ten answers in 4 s that decode 2 s each decode five at a time, and a
// chunk of 50 tokens an answer comes each 100 ms after the first.
func TestDecodingAtATime(t *testing.T) {
	if got := DecodingAtATime(10, 3, 1, 4); got != 5 {
		t.Errorf("%v at a time, want 5", got)
	}
	if got := TokensPerChunk(10, 420, 3, 1, 0.1); got != 2 {
		t.Errorf("%v tokens a chunk, want 2", got)
	}
	for _, got := range []float64{DecodingAtATime(10, 3, 1, 0), DecodingAtATime(10, 1, 3, 4), TokensPerChunk(10, 420, 3, 1, 0), TokensPerChunk(10, 420, 1, 3, 0.1)} {
		if !math.IsNaN(got) {
			t.Errorf("%v of what cannot be", got)
		}
	}
}

// TestRunToRun: four times the requests halve the variation, up to as many as were measured.
func TestRunToRun(t *testing.T) {
	f := Figure{Metric: "e2el", Statistic: MeanOf}
	if a, b := RunToRun(f, 100), RunToRun(f, 400); a != 0.025 || b != a/2 {
		t.Errorf("%v with 100 requests, %v with 400", a, b)
	}
	if a, b := RunToRun(f, 640), RunToRun(f, 64000); a != b {
		t.Errorf("%v with 640 requests, %v with 64,000", a, b)
	}
	if a, b := RunToRun(f, 100), RunToRun(Figure{Metric: OutputThroughput, Higher: true}, 100); a != b {
		t.Errorf("mean E2EL %v, throughput %v", a, b)
	}
}
