package live

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/internal/prom"
	"loadgen/internal/prom/expose"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

const ms = time.Millisecond

// success is a request with a TTFT and gaps, of so many tokens by the server's count.
func success(ttft, gap time.Duration, events, tokens int) *client.Result {
	r := &client.Result{Start: time.Second, Written: time.Second, End: time.Second + ttft + time.Duration(events)*gap}
	for i := range events {
		r.Events = append(r.Events, client.Event{At: r.Start + ttft + time.Duration(i)*gap, Choices: true})
	}
	r.Usage.Completion, r.SeenUsage.Prompt = tokens, 512
	r.Text = []byte("text")
	return r
}

func failure(class client.Class) *client.Result {
	r := &client.Result{}
	r.Err = &client.Error{Class: class}
	return r
}

// near is a duration to two digits.
func near(got, want time.Duration) bool {
	return math.Abs(float64(got-want)) <= 0.01*float64(want)
}

func TestState(t *testing.T) {
	chunks := int64(0)
	tally := New(Options{Planned: 100, Detailed: true, UnderWay: func() (int64, int64) { return 7, chunks }, Queued: func() int { return 5 }})
	s := tally.State(0)
	if s.Left >= 0 || s.Queued != 5 || s.InFlight != 7 || s.Requests.Run != 0 || s.Counted || s.Recent != [4]Quantiles{} || s.Verdict != nil {
		t.Errorf("%+v", s)
	}
	// One request a second of 4 events and 8 tokens; the first ten have TTFTs ten times as long.
	for i := range 30 {
		at := time.Duration(i)*time.Second + time.Second/2
		ttft := 10 * ms
		if i < 10 {
			ttft = 100 * ms
		}
		tally.Add(success(ttft, 20*ms, 4, 8))
		chunks += 4
		tally.State(at)
	}
	for _, class := range []client.Class{"timeout", "cut", "timeout", client.Interrupted} {
		tally.Add(failure(class))
	}
	s = tally.State(29900 * ms)
	if s.Done != 34 || s.Failed != 3 || s.OnPurpose != 1 || !reflect.DeepEqual(s.Failures, []metrics.ClassCount{{Class: "timeout", Count: 2}, {Class: "cut", Count: 1}}) {
		t.Errorf("%+v", s)
	}
	if q := s.Run[metrics.TTFT]; q.Count != 30 || !near(q.P50, 10*ms) || !near(q.P90, 100*ms) || s.RunRequests != 30 {
		t.Errorf("%+v", q)
	}
	if q := s.Recent[metrics.TTFT]; q.Count != 10 || !near(q.P99, 10*ms) || s.RecentRequests != 10 {
		t.Errorf("%+v", q)
	}
	if q := s.Recent[metrics.ITL]; q.Count != 30 || !near(q.P50, 20*ms) {
		t.Errorf("%+v", q)
	}
	// TPOT is 60 ms over 7 tokens, E2EL 70 ms.
	if q, e := s.Recent[metrics.TPOT], s.Recent[metrics.E2EL]; !near(q.P50, 60*ms/7) || !near(e.P50, 70*ms) {
		t.Errorf("%+v %+v", q, e)
	}
	if !s.Counted || !(math.Abs(s.Tokens.Run-8*30/29.9) <= 1e-9) || !(math.Abs(s.Tokens.Recent-8) <= 0.5) || len(s.Tokens.Seconds) < 28 || s.Tokens.Seconds[5] != 8 {
		t.Errorf("%+v", s.Tokens)
	}
	if want := 29900 * ms / 34 * 66; (s.Left-want).Abs() > ms || !near(s.TTFT, 10*ms) || !near(s.ITL, 20*ms) {
		t.Errorf("%v left, %v %v", s.Left, s.TTFT, s.ITL)
	}
	// What was recent is not any more.
	tally.State(34 * time.Second)
	if s = tally.State(45 * time.Second); s.RecentRequests != 0 || s.Recent != [4]Quantiles{} || s.Requests.Recent != 0 || s.RunRequests != 30 {
		t.Errorf("%+v", s)
	}
}

// TestLeft: a run lasts at least as long as its schedule.
func TestLeft(t *testing.T) {
	tally := New(Options{Planned: 10, End: 100 * time.Second})
	if p := tally.Progress(20 * time.Second); p.Left != 80*time.Second {
		t.Errorf("%+v", p)
	}
	tally.Add(success(ms, ms, 2, 2))
	if p := tally.Progress(20 * time.Second); p.Left != 180*time.Second {
		t.Errorf("%+v", p)
	}
	for range 9 {
		tally.Add(success(ms, ms, 2, 2))
	}
	if p := tally.Progress(90 * time.Second); p.Left != 10*time.Second || p.Share() != 1 {
		t.Errorf("%+v", p)
	}
	// Time decides, or the number of requests, whichever ends the run first.
	for planned, want := range map[int][2]float64{0: {45, 0.25}, 2: {15, 0.5}, 100: {45, 0.25}} {
		tally := New(Options{Planned: planned, Most: time.Minute})
		tally.Add(success(ms, ms, 2, 2))
		if p := tally.Progress(15 * time.Second); p.Left.Seconds() != want[0] || p.Share() != want[1] {
			t.Errorf("%d: %+v", planned, p)
		}
	}
}

// TestWholeAnswers: without streaming there is E2EL alone, and tokens come with the answers.
func TestWholeAnswers(t *testing.T) {
	chunks := int64(3)
	tally := New(Options{Planned: 3, Detailed: true, Rule: metrics.Rule{Whole: true}, UnderWay: func() (int64, int64) { return 0, chunks }})
	for range 3 {
		r := &client.Result{Start: time.Second}
		r.LastByte, r.Usage.Completion = 3*time.Second, 40
		tally.Add(r)
	}
	s := tally.State(2 * time.Second)
	if s.Run[metrics.TTFT].Count != 0 || !near(s.Run[metrics.E2EL].P50, 2*time.Second) || s.Tokens.Run != 60 || s.TTFT != 0 {
		t.Errorf("%+v", s)
	}
}

// TestBars: every value is in one bar, and those above p99 in the last.
func TestBars(t *testing.T) {
	tally := New(Options{})
	for i := range 1000 {
		tally.Add(success(time.Duration(10+i%100)*ms, ms, 2, 2))
	}
	tally.Add(success(9*time.Second, ms, 2, 2))
	tally.Progress(time.Second)
	bars := tally.Bars(metrics.TTFT)
	sum := int64(0)
	for i, b := range bars {
		sum += b.Count
		if i < 10 && (b.Count < 60 || b.Count > 140 || b.To <= b.From) {
			t.Errorf("%+v", b)
		}
	}
	if last := bars[len(bars)-1]; sum != 1001 || len(bars) != 11 || !near(last.To, 9*time.Second) || last.Count > 11 {
		t.Errorf("%d in %+v", sum, bars)
	}
	if tally = New(Options{}); tally.Bars(metrics.TTFT) != nil {
		t.Error("bars of nothing")
	}
	tally.Add(success(5*ms, ms, 2, 2))
	tally.Progress(0)
	if bars := tally.Bars(metrics.TTFT); len(bars) != 1 || bars[0].Count != 1 {
		t.Errorf("%+v", bars)
	}
}

// TestVerdictSoFar: it is that of package judge on the same requests, every two seconds.
func TestVerdictSoFar(t *testing.T) {
	asked := 0
	report := health.Report{Wall: time.Second, User: 500 * ms, Cores: 2}
	tally := New(Options{Planned: 10, Detailed: true, Health: func() health.Report { asked++; return report }})
	if s := tally.State(0); s.Verdict != nil || s.CPU != 0.5 || s.Health == nil {
		t.Errorf("%+v", s)
	}
	late := success(50*ms, 10*ms, 3, 3)
	for i := range late.Events {
		late.Events[i].Uncertainty = uint32(8 * ms)
	}
	tally.Add(late)
	if s := tally.State(time.Second); s.Verdict != nil || asked != 1 {
		t.Errorf("%+v", s)
	}
	report.Wall, report.User = 3*time.Second, 1500*ms
	s := tally.State(2 * time.Second)
	if s.Verdict == nil || s.Verdict.Level != judge.ClientLimited || s.Judged != 1 || s.CPU != 0.5 || s.Budget.Bounds[metrics.ITL].Count != 2 {
		t.Errorf("%+v", s)
	}
}

// TestSample: it is bounded, by requests and by events, and drawn from the whole run.
func TestSample(t *testing.T) {
	var s sample
	for i := range 20000 {
		s.add(&client.Result{Start: time.Duration(i)})
	}
	mean := 0.0
	for _, r := range s.of {
		mean += float64(r.Start) / float64(len(s.of))
	}
	if len(s.of) != mostSampled || mean < 8500 || mean > 11500 {
		t.Errorf("%d requests, around %v", len(s.of), mean)
	}
	s = sample{}
	for range 1000 {
		s.add(success(ms, ms, 1000, 1000))
	}
	events := 0
	for _, r := range s.of {
		if events += len(r.Events); r.Text != nil {
			t.Error("the text is kept")
		}
	}
	if events != s.events || events > mostEvents || events < mostEvents/2 {
		t.Errorf("%d events in %d requests, %d counted", events, len(s.of), s.events)
	}
	s = sample{}
	for range 20 {
		s.add(success(ms, ms, 10000, 10000))
	}
	if len(s.of) != fewSampled {
		t.Errorf("%d requests", len(s.of))
	}
}

// TestAtOnce: requests end while others look.
func TestAtOnce(t *testing.T) {
	tally := New(Options{Planned: 4000, Detailed: true, Health: func() health.Report { return health.Report{Cores: 2, Wall: time.Second} }})
	var adding sync.WaitGroup
	r := success(20*ms, 5*ms, 8, 8)
	for range 4 {
		adding.Go(func() {
			for range 1000 {
				tally.Add(r)
			}
		})
	}
	for i := range 50 {
		at := time.Duration(i) * 100 * ms
		tally.State(at)
		tally.Progress(at)
		tally.Families(at)
	}
	adding.Wait()
	if s := tally.State(5 * time.Second); s.Done != 4000 || s.Run[metrics.ITL].Count != 4000*7 || s.RecentRequests != 4000 {
		t.Errorf("%+v", s.Progress)
	}
}

// TestAddIsCheap: a request that nobody judges takes no memory of its own.
func TestAddIsCheap(t *testing.T) {
	tally, r := New(Options{}), success(50*ms, 10*ms, 128, 128)
	if n := testing.AllocsPerRun(100, func() { tally.Add(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestFamilies(t *testing.T) {
	tally := New(Options{Planned: 50, UnderWay: func() (int64, int64) { return 3, 200 }, Queued: func() int { return 4 },
		Health: func() health.Report { return health.Report{User: 2 * time.Second, System: time.Second} }})
	for range 20 {
		tally.Add(success(40*ms, 10*ms, 4, 6))
	}
	tally.Add(success(700*ms, 10*ms, 4, 6))
	tally.Add(failure("http_503"))
	tally.Add(failure(`odd"\class`))
	page, err := os.ReadFile("../../docs/live.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tally.Families(9 * time.Second) {
		if !strings.Contains(string(page), "`"+f.Name+"`") {
			t.Errorf("docs/live.md does not have %s", f.Name)
		}
	}
	text := expose.Append(nil, tally.Families(9*time.Second))
	all, err := prom.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	got, last := map[string]float64{}, map[string]float64{}
	for _, s := range all {
		name := s.Name
		for _, l := range s.Labels {
			name += fmt.Sprintf("{%s=%s}", l.Name, l.Value)
		}
		got[name] = s.Value
		if strings.HasSuffix(s.Name, "_bucket") {
			if s.Value < last[s.Name] {
				t.Errorf("%s falls", name)
			}
			last[s.Name] = s.Value
		}
	}
	for name, want := range map[string]float64{
		"loadgen_run_seconds": 9, "loadgen_requests_planned": 50, "loadgen_requests_in_flight": 3, "loadgen_requests_queued": 4,
		"loadgen_requests_succeeded_total": 21, "loadgen_requests_failed_total{class=http_503}": 1, `loadgen_requests_failed_total{class=odd"\class}`: 1,
		"loadgen_output_tokens_total": 126, "loadgen_prompt_tokens_total": 21 * 512, "loadgen_output_chunks_total": 200, "loadgen_cpu_seconds_total": 3,
		"loadgen_ttft_seconds_bucket{le=0.03}": 0, "loadgen_ttft_seconds_bucket{le=0.05}": 20, "loadgen_ttft_seconds_bucket{le=0.5}": 20,
		"loadgen_ttft_seconds_bucket{le=0.75}": 21, "loadgen_ttft_seconds_bucket{le=+Inf}": 21, "loadgen_ttft_seconds_count": 21,
		"loadgen_itl_seconds_count": 63, "loadgen_tpot_seconds_count": 21, "loadgen_e2el_seconds_count": 21,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v (%v), want %v", name, v, ok, want)
		}
	}
	if sum := got["loadgen_ttft_seconds_sum"]; !(math.Abs(sum-(20*0.04+0.7)) <= 1e-9) {
		t.Errorf("the sum of TTFTs is %v", sum)
	}
	bounds := bounds()
	for i := 1; i < len(bounds); i++ {
		if bounds[i] <= bounds[i-1] || len(strconv.FormatFloat(bounds[i], 'g', -1, 64)) > 7 {
			t.Errorf("%v after %v", bounds[i], bounds[i-1])
		}
	}
}
