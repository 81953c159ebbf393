package metrics

import (
	"math"
	"slices"
	"testing"
	"time"

	"loadgen/internal/stream"
	"loadgen/pkg/client"
	"loadgen/pkg/client/answer"
)

// scripted is a result whose events come at the given milliseconds; kinds by letter:
// r role, t text, e a token without text, h reasoning, c a tool call.
func scripted(due, permit, start int, kinds string, at ...int) *client.Result {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	r := &client.Result{Due: ms(due), Handed: ms(due), Permit: ms(permit), Start: ms(start), Written: ms(start)}
	for i, n := range at {
		kind := map[byte]stream.Kind{'r': stream.Role, 't': stream.Text, 'e': stream.Token, 'h': stream.Reasoning, 'c': stream.ToolCall}[kinds[i]]
		r.Events = append(r.Events, client.Event{At: ms(n), Kind: kind, Choices: true, Tokens: -1})
		r.End = ms(n)
	}
	return r
}

// extended reads a run with the given output lengths.
func extended(results []*client.Result, lens []int, chat bool, o ExtendedOptions) *Extended {
	summary := NewSummaryReader(Options{Percentiles: o.Percentiles})
	o.Values = summary.Values()
	x := NewExtendedReader(o)
	for i, r := range results {
		s := NewSample(r, 0, Rule{Chat: chat})
		s.OutputTokens = lens[i]
		summary.Add(&s)
		x.Add(r, &s, lens[i])
	}
	return x.Extended(summary.Summary(1), func(i int) *client.Result { return results[i] })
}

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9) {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
}

func TestExtended(t *testing.T) {
	a := scripted(1, 1, 1, "rhtt", 51, 61, 71, 101)
	b := scripted(1, 101, 101, "rhet", 151, 161, 171, 191)
	x := extended([]*client.Result{a, b}, []int{3, 3}, true, ExtendedOptions{Start: time.Millisecond, Concurrency: 1, Percentiles: []float64{100}})
	near(t, "first content", x.FirstContent.Mean, 0.060)
	near(t, "first visible", x.FirstVisible.Mean, 0.080)
	near(t, "second token", x.SecondToken.Mean, 0.010)
	near(t, "TTFT from due", x.DueTTFT.Mean, 0.100) // as TTFT, to the role
	near(t, "E2EL from due", x.DueE2EL.Percentiles[0], 0.190)
	near(t, "queue", x.Queue.Max, 0.100)
	near(t, "pace", x.UserPace.Mean, (2/0.040+2/0.030)/2)
	near(t, "per token", x.PerToken.Mean, 0.070/4)
	near(t, "mean concurrency", x.MeanConcurrency, 1)
	if x.PeakConcurrency != 1 || x.Means[TTFT] != nil {
		t.Errorf("%+v", x)
	}
	if s := x.Series; len(s) != 1 || s[0].Tokens != 6 || s[0].Started != 2 || s[0].Completed != 2 || !(math.Abs(s[0].Concurrency-0.190) <= 1e-9) {
		t.Errorf("%+v", s)
	}
	if s := x.Steady; s == nil || s.Requests != 2 || s.Dropped != 0 || !(math.Abs(s.TokensPerSecond-6/0.190) <= 1e-9) {
		t.Errorf("%+v", s)
	}
}

// TestWaitsAreOfTheirCause: a queue is left with the slot, and latencies from the due time have
// all that passes until the request starts, too.
func TestWaitsAreOfTheirCause(t *testing.T) {
	x := extended([]*client.Result{scripted(1, 101, 111, "ht", 121, 131)}, []int{2}, true, ExtendedOptions{Start: time.Millisecond})
	near(t, "queue", x.Queue.Mean, 0.100)
	near(t, "TTFT from due", x.DueTTFT.Mean, 0.120)
	near(t, "E2EL from due", x.DueE2EL.Mean, 0.130)
}

// TestAToolCallIsVisible: what a user waits for is text, or the call that an agent makes.
func TestAToolCallIsVisible(t *testing.T) {
	x := extended([]*client.Result{scripted(1, 1, 1, "rhct", 11, 21, 31, 41)}, []int{3}, true, ExtendedOptions{Start: 1})
	near(t, "first content", x.FirstContent.Mean, 0.020)
	near(t, "first visible", x.FirstVisible.Mean, 0.030)
}

// TestChoicesAreStreams: a choice has the latencies of its own events; of answers with different
// numbers of choices the largest is reported.
func TestChoicesAreStreams(t *testing.T) {
	of := func(choices ...[]int32) *client.Result {
		r := scripted(1, 1, 1, "tttttt", 11, 21, 31, 41, 51, 61)
		r.Details = &answer.Details{}
		for i, events := range choices {
			r.Details.Choices = append(r.Details.Choices, answer.Choice{Index: i, Events: events})
		}
		return r
	}
	x := extended([]*client.Result{of([]int32{0, 3}, []int32{1, 4}, []int32{2, 5}), of([]int32{0, 2, 4}, []int32{1, 3, 5})}, []int{6, 6}, false, ExtendedOptions{Start: 1})
	if by := x.ByChoice; by == nil || by.Choices != 3 || by.Requests != 2 {
		t.Fatalf("%+v", by)
	}
	near(t, "TTFT", x.ByChoice.TTFT.Mean, (0.010+0.020+0.030+0.010+0.020)/5)
	near(t, "TPOT", x.ByChoice.TPOT.Mean, (3*0.030+2*0.020)/5)
	near(t, "ITL", x.ByChoice.ITL.Mean, (3*0.030+4*0.020)/7)
}

func TestPerTokenNeedsCounts(t *testing.T) {
	r := scripted(1, 1, 1, "ttt", 11, 31, 41)
	results, lens, o := []*client.Result{r}, []int{6}, ExtendedOptions{Start: 1}
	x := extended(results, lens, false, o)
	near(t, "tokens per chunk", x.TokensPerChunk.Mean, 2)
	if x.PerToken != nil || x.Steady != nil {
		t.Errorf("%+v", x)
	}
	for i, n := range []int32{1, 5, 6} {
		r.Events[i].Tokens = n
	}
	x = extended(results, lens, false, o)
	// Four tokens share 20 ms, one has 10 ms.
	near(t, "per token", x.PerToken.Mean, (4*0.005+0.010)/5)
	near(t, "most tokens of a chunk", x.TokensPerChunk.Max, 4)
}

// A server's count may be any number; weighing by it must not take its memory.
func TestAbsurdCounts(t *testing.T) {
	r := scripted(1, 1, 1, "ttt", 11, 31, 41)
	r.Events[2].Tokens, r.Events[1].Tokens, r.Events[0].Tokens = math.MaxInt32, 2, 1
	results, lens := []*client.Result{r, r}, []int{math.MaxInt, math.MaxInt}
	if x := extended(results, lens, false, ExtendedOptions{Start: 1}); x.PerToken != nil {
		t.Errorf("latencies per token of %v tokens", math.MaxInt32)
	}
	sample := Sample{Success: true, PromptLen: 9, OutputTokens: math.MaxInt, TTFT: 1, Latency: 2}
	if s := Compute([]Sample{sample, sample}, 1, Options{}); s.OutputTokens != math.MaxInt || s.TotalTokenThroughput < math.MaxInt {
		t.Errorf("%d tokens, %v a second", s.OutputTokens, s.TotalTokenThroughput)
	}
}

func TestSteadyStateDropsRampAndTail(t *testing.T) {
	var results []*client.Result
	var lens []int
	for i := range 6 { // two slots: starts at 0, 50, 100, ... each 100 ms long
		results = append(results, scripted(0, 50*i, 50*i, "tt", 50*i+40, 50*i+100))
		lens = append(lens, 2)
	}
	results[0].Start++ // zero is no instant
	x := extended(results, lens, false, ExtendedOptions{Concurrency: 2})
	// Both slots are busy from 50 ms to 300 ms; the first and the last stick out.
	if s := x.Steady; s == nil || s.Requests != 4 || s.Dropped != 2 || s.From != 0.050 || s.To != 0.300 {
		t.Fatalf("%+v", s)
	}
	near(t, "TTFT", x.Steady.Latency[TTFT].Mean, 0.040)
	// Inside: four whole requests, the first's last token, the last's first.
	near(t, "tokens/s", x.Steady.TokensPerSecond, 10/0.250)
}

// TestMeanIntervals checks that intervals of a drifting run are wider than those
// of independent requests would be, and hold the mean.
func TestMeanIntervals(t *testing.T) {
	var results []*client.Result
	var lens []int
	for i := range 200 {
		level := 100 + i/50*40 // four regimes
		results = append(results, scripted(0, 1000*i+1, 1000*i+1, "tt", 1000*i+1+level+i%7, 1000*i+500))
		lens = append(lens, 2)
	}
	x := extended(results, lens, false, ExtendedOptions{})
	i := x.Means[TTFT]
	if i == nil || !(i.Low < 0.163 && 0.163 < i.High) || i.High-i.Low < 0.03 {
		t.Errorf("%+v", i)
	}
}

// TestMeanIntervalIsStudents: five blocks of five requests with means of 1 to 5 have an interval
// with t(0.975, 4) = 2.776 and the sample's standard deviation; fewer requests have none.
func TestMeanIntervalIsStudents(t *testing.T) {
	var results []*client.Result
	var lens []int
	for i := range 25 {
		at := 100*i + 1
		results, lens = append(results, scripted(at, at, at, "tt", at+i/5+1, at+50)), append(lens, 2)
	}
	x := extended(results, lens, false, ExtendedOptions{})
	if i := x.Means[TTFT]; i == nil {
		t.Error("no interval")
	} else {
		half := 2.7764451051977987 * math.Sqrt(2.5) / math.Sqrt(5) * 1e-3
		near(t, "low", i.Low, 3e-3-half)
		near(t, "high", i.High, 3e-3+half)
	}
	if x = extended(results[1:], lens[1:], false, ExtendedOptions{}); x.Means != [4]*Interval{} {
		t.Errorf("of 24 requests: %+v", x.Means)
	}
}

// TestFailuresAreUnderWay: the mean concurrency is over the time in which there are requests, and
// has failures in it; what was completed has none.
func TestFailuresAreUnderWay(t *testing.T) {
	failed := scripted(101, 101, 101, "t", 151)
	failed.Err, failed.End = &client.Error{Class: "cut"}, 201*time.Millisecond
	failed.Events[0].At = failed.End
	x := extended([]*client.Result{scripted(101, 101, 101, "tt", 151, 301), failed}, []int{2, 0}, false, ExtendedOptions{Start: time.Millisecond})
	near(t, "mean concurrency", x.MeanConcurrency, 1.5)
	if s := x.Series[0]; s.Started != 2 || s.Completed != 1 || s.Peak != 2 || !(math.Abs(s.Concurrency-0.300) <= 1e-9) {
		t.Errorf("%+v", s)
	}
}

// TestChunkTokens shares the tokens out among chunks where it is known how.
func TestChunkTokens(t *testing.T) {
	of := func(kind stream.Kind, counts ...int32) *client.Result {
		r := &client.Result{}
		for _, c := range counts {
			r.Events = append(r.Events, client.Event{Kind: stream.Text, Choices: true, Tokens: c})
		}
		r.Events[len(counts)-1].Kind = kind
		return r
	}
	for _, c := range []struct {
		r    *client.Result
		n    int
		want []int
	}{
		{of(stream.Text, 1, 3, 4), 4, []int{1, 2, 1}},
		{of(stream.Text, 1, 1, 3), 3, []int{1, 0, 2}},
		{of(stream.Text, 2, 1, 3), 4, nil},
		{of(stream.Text, -1, -1, -1), 3, []int{1, 1, 1}},
		{of(stream.Finish, -1, -1, -1), 3, []int{1, 1, 1}},
		{of(stream.Finish, -1, -1, -1), 2, []int{1, 1, 0}},
		{of(stream.Text, -1, -1, -1), 2, nil},
		{of(stream.Text, -1, -1, -1), 5, nil},
	} {
		if got, known := ChunkTokens(nil, c.r, c.n); known != (c.want != nil) || known && !slices.Equal(got, c.want) {
			t.Errorf("%d tokens: %v, want %v", c.n, got, c.want)
		}
	}
}
