package judge

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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
		f.Add(Request{x, &r.Samples[i], r.Rule.Of(x).AppendSpans(nil), AppendLateness(nil, x, cmp.Or(r.Health, &health.Report{})), r.Asked[i], r.Got[i], tokens})
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
		b.Add(x, r.Rule.Of(x).AppendSpans(nil), AppendLateness(nil, x, h), r.Got[i])
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
		"redirected":        func(s *server) { s.change = func(_ int, r *client.Result) { r.Location = "http://h/v1/completions" } },
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

// TestColdStartTakesTime: answers that came before their requests, as a server sends them
// unasked, say nothing of how warm it is.
func TestColdStartTakesTime(t *testing.T) {
	s := clean(6)
	s.change = func(i int, r *client.Result) {
		if r.Written = r.Events[0].At; i >= s.concurrency {
			r.Written += ms / 20
		}
	}
	if f := s.run().read().coldStart(); f != nil {
		t.Error(f)
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
func readTogether(r *client.Result, n int, uncertainty time.Duration) {
	for k := range r.Events {
		if last := min(k/n*n+n, len(r.Events)) - 1; k < last {
			r.Events[k].At, r.Events[k].Shared, r.Events[k].Uncertainty = r.Events[last].At, true, uint32(uncertainty)
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
	f := Quantity{Metric: "e2el", Statistic: MeanOf}
	if a, b := RunToRun(f, 100), RunToRun(f, 400); a != 0.025 || b != a/2 {
		t.Errorf("%v with 100 requests, %v with 400", a, b)
	}
	if a, b := RunToRun(f, 640), RunToRun(f, 64000); a != b {
		t.Errorf("%v with 640 requests, %v with 64,000", a, b)
	}
	if a, b := RunToRun(f, 100), RunToRun(Quantity{Metric: OutputThroughput, Higher: true}, 100); a != b {
		t.Errorf("mean E2EL %v, throughput %v", a, b)
	}
}

// Times are in milliseconds below a second, as everything that prints latencies has them.
func TestShort(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0 ms", 737.37e-6: "0.737 ms", 34.3e-6: "0.0343 ms", 9.81e-3: "9.81 ms", 0.0364: "36.4 ms", 0.221: "221 ms",
		0.9994: "999 ms", 0.9996: "1 s", 1.2345: "1.23 s", 123.4: "123 s", 12345: "12345 s", -0.0025: "-2.5 ms",
	} {
		if got := short(seconds); got != want {
			t.Errorf("%g s: %q, want %q", seconds, got, want)
		}
	}
}
