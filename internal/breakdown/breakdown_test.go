package breakdown

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/client/answer"
	"loadgen/pkg/metrics"
)

const ms = time.Millisecond

// request is a success: sent from start to written, its tokens at the given times.
func request(start, written time.Duration, events ...time.Duration) *client.Result {
	r := &client.Result{Start: start, Written: written}
	for _, at := range events {
		r.Events = append(r.Events, client.Event{At: at, Kind: client.Text, Choices: true})
	}
	return r
}

func close2(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// sumOf adds the known spans up.
func sumOf(q *Request) (sum float64) {
	for _, s := range q.Spans {
		if !math.IsNaN(s) {
			sum += s
		}
	}
	return sum
}

// spans compares the spans of a request in ms; those that are not named must be unknown.
func spans(t *testing.T, q Request, want map[Span]float64) {
	t.Helper()
	for s := range Spans {
		w, known := want[s]
		switch got := q.Spans[s]; {
		case known && !(math.Abs(1e3*got-w) < 1e-6):
			t.Errorf("%s: %v ms, want %v", s.Key(), 1e3*got, w)
		case !known && !math.IsNaN(got):
			t.Errorf("%s: %v ms, want unknown", s.Key(), 1e3*got)
		}
	}
	if sum := sumOf(&q); !close2(sum, q.TTFT+q.Excess) {
		t.Errorf("spans of %v s, TTFT %v s, excess %v", sum, q.TTFT, q.Excess)
	}
}

const aggregated = `{"request_id": 7, "perf_metrics": {"timing_metrics": {"server_arrival_time": 100.001, "arrival_time": 100.003, "first_scheduled_time": 100.010,
 "first_token_time": 100.040, "server_first_token_time": 100.041, "last_token_time": 100.5}, "kv_cache_metrics": {"num_reused_blocks": 3, "num_missed_blocks": 4}}}`

const disaggregated = `{"ctx_perf_metrics": {"request_id": 3, "perf_metrics": {"timing_metrics": {"server_arrival_time": 2.000, "arrival_time": 2.003, "first_scheduled_time": 2.008,
 "first_token_time": 2.035, "server_first_token_time": 2.038}}}, "gen_perf_metrics": {"request_id": 9, "perf_metrics": {"timing_metrics": {"server_arrival_time": 2.050, "arrival_time": 2.052,
 "kv_cache_transfer_start": 2.053, "kv_cache_transfer_end": 2.060, "first_scheduled_time": 2.065, "first_token_time": 2.080, "server_first_token_time": 2.083, "last_token_time": 2.3}}},
 "disagg_server_arrival_time": 1.995, "disagg_server_first_token_time": 2.090}`

func parse(t *testing.T, texts ...string) (all []Record) {
	t.Helper()
	for _, text := range texts {
		records, bad := Parse([]byte(strings.ReplaceAll(text, "\n", "")))
		if bad > 0 || len(records) == 0 {
			t.Fatalf("%d records, %d bad in %s", len(records), bad, text)
		}
		all = append(all, records...)
	}
	return all
}

func TestSpans(t *testing.T) {
	first := request(0, 2*ms, 50*ms, 500*ms)
	// 42 ms of 50 are of the record: 48 after sending leave 8 for the network.
	whole := map[Span]float64{Send: 2, Network: 8, FrontEnd: 2, Queue: 7, Prefill: 30, Flush: 1}
	for name, c := range map[string]struct {
		text string
		r    *client.Result
		want map[Span]float64
	}{
		"aggregated": {aggregated, first, whole},
		"disaggregated": {disaggregated, request(0, 2*ms, 100*ms, 400*ms), map[Span]float64{Send: 2, Network: 3, Router: 5, FrontEnd: 3, Queue: 5, Prefill: 27, Flush: 3, Relay: 12,
			GenFrontEnd: 2, GenQueue: 1, Transfer: 7, GenSchedule: 5, GenFlush: 18, RouterBack: 7}},
		"no transfer noted": {strings.ReplaceAll(disaggregated, "2.060", "0.0"), request(0, 2*ms, 100*ms, 400*ms), map[Span]float64{Send: 2, Network: 3, Router: 5, FrontEnd: 3, Queue: 5, Prefill: 27, Flush: 3, Relay: 12,
			GenFrontEnd: 2, GenQueue: 13, GenFlush: 18, RouterBack: 7}},
		"an instant is missing":  {strings.ReplaceAll(aggregated, "100.010", "NaN"), first, map[Span]float64{Send: 2, Network: 8, FrontEnd: 2, Unknown: 37, Flush: 1}},
		"the first is missing":   {strings.ReplaceAll(aggregated, "100.001", "0"), first, map[Span]float64{Send: 2, Unknown: 10, Queue: 7, Prefill: 30, Flush: 1}},
		"the last is missing":    {strings.ReplaceAll(aggregated, "100.041", "null"), first, map[Span]float64{Send: 2, FrontEnd: 2, Queue: 7, Prefill: 30, Unknown: 9}},
		"an instant goes back":   {strings.ReplaceAll(aggregated, "100.040", "90.0"), first, map[Span]float64{Send: 2, Network: 8, FrontEnd: 2, Queue: 7, Unknown: 31}},
		"read while it was sent": {aggregated, request(0, 12*ms, 50*ms, 500*ms), map[Span]float64{Send: 10, Network: 0, FrontEnd: 2, Queue: 7, Prefill: 30, Flush: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b := Of([]*client.Result{c.r}, metrics.Rule{}, parse(t, c.text))
			if b == nil || b.Joined[ByOrder] != 1 {
				t.Fatalf("%+v", b)
			}
			spans(t, b.Requests[0], c.want)
			if b.Excess != 0 {
				t.Errorf("excess %v", b.Excess)
			}
		})
	}
}

// TestContradiction: a record that is longer than the client waited is said to be.
func TestContradiction(t *testing.T) {
	b := Of([]*client.Result{request(0, ms, 30*ms, 31*ms)}, metrics.Rule{}, parse(t, aggregated))
	if !close2(b.Excess, 0.010) || b.Excessive(0.001) != 1 || b.Excessive(0.02) != 0 {
		t.Errorf("%+v", b)
	}
	spans(t, b.Requests[0], map[Span]float64{Send: 0, Network: 0, FrontEnd: 2, Queue: 7, Prefill: 30, Flush: 1})
}

// TestNothingKnown: without records there is no breakdown, and failures have none.
func TestNothingKnown(t *testing.T) {
	r := request(0, ms, 30*ms)
	if b := Of([]*client.Result{r, nil}, metrics.Rule{}, nil); b != nil {
		t.Errorf("%+v", b)
	}
	if b := Of([]*client.Result{r}, metrics.Rule{Whole: true}, parse(t, aggregated)); b != nil {
		t.Errorf("%+v", b)
	}
	failed := request(0, ms, 30*ms)
	failed.Err = &client.Error{}
	if b := Of([]*client.Result{failed, {}}, metrics.Rule{}, parse(t, aggregated)); b != nil {
		t.Errorf("%+v", b)
	}
}

func TestAnswers(t *testing.T) {
	of := func(text string) *client.Result {
		r := request(0, 2*ms, 50*ms)
		r.Details = &answer.Details{Metrics: []byte(text)}
		return r
	}
	b := Of([]*client.Result{of(`{"time_to_first_token_ms": 40, "queue_time_ms": 12.5}`), of(`{"time_to_first_token_ms": 40}`), of(`{"time_to_first_token_ms": 40, "queue_time_ms": 41}`), of(`{"queue_time_ms": 3}`), of(`[]`)},
		metrics.Rule{}, nil)
	if b.Joined != [ByOrder + 1]int{2, 3, 0, 0} {
		t.Fatalf("%+v", b.Joined)
	}
	spans(t, b.Requests[0], map[Span]float64{Send: 2, Network: 8, Queue: 12.5, Server: 27.5})
	spans(t, b.Requests[1], map[Span]float64{Send: 2, Network: 8, Server: 40})
	spans(t, b.Requests[2], map[Span]float64{Send: 2, Network: 8, Server: 40})
	spans(t, b.Requests[3], map[Span]float64{Send: 2, Unknown: 48})
}

// served makes the record of a request on a clock that shows 1,000 s more.
func served(id string, arrival, first, last time.Duration) string {
	at := func(d time.Duration) float64 { return 1000 + d.Seconds() }
	return fmt.Sprintf(`{"request_id": %s, "perf_metrics": {"timing_metrics": {"server_arrival_time": %f, "arrival_time": %f, "first_scheduled_time": %f, "first_token_time": %f, "server_first_token_time": %f, "last_token_time": %f}}}`,
		id, at(arrival), at(arrival+ms), at(arrival+2*ms), at(first-ms), at(first), at(last))
}

// TestJoinByID: an id joins whatever the order; one that two servers gave joins nothing.
func TestJoinByID(t *testing.T) {
	a, b, c := request(0, ms, 50*ms, 90*ms), request(ms, 2*ms, 60*ms, 90*ms), request(2*ms, 3*ms, 80*ms, 90*ms)
	a.Details = &answer.Details{CtxRequestID: "2"}
	b.ID, c.ID = "cmpl-1", "cmpl-2"
	records := parse(t, served(`"cmpl-1"`, 2*ms, 59*ms, 89*ms), served("2", 2*ms, 49*ms, 89*ms), served(`"cmpl-2"`, 4*ms, 79*ms, 89*ms))
	got := Of([]*client.Result{a, b, c}, metrics.Rule{}, records)
	if got.Joined[ByID] != 3 {
		t.Fatalf("%v", got.Joined)
	}
	for i, prefill := range []float64{44, 54, 72} {
		if p := 1e3 * got.Requests[i].Spans[Prefill]; !(math.Abs(p-prefill) <= 1e-6) {
			t.Errorf("request %d: %v", i, p)
		}
	}
	again := append(records, parse(t, served("2", 2*ms, 49*ms, 89*ms))...)
	if got := Of([]*client.Result{a, b, c}, metrics.Rule{}, again); got.Joined[ByID] != 2 || got.Joined[ByOrder] != 1 {
		t.Errorf("%v", got.Joined)
	}
}

// TestJoinByOrder: requests that were sent together arrive in another order; first and last
// tokens tell which is which. One that failed has a record or none.
func TestJoinByOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 200
	var results []*client.Result
	var texts []string
	for i := range n {
		sent := time.Duration(i/50) * time.Second
		arrival := sent + time.Duration(rng.Int64N(int64(20*ms)))
		first := arrival + 30*ms + time.Duration(rng.Int64N(int64(400*ms)))
		last := first + 100*ms + time.Duration(rng.Int64N(int64(100*ms)))
		results = append(results, request(sent, sent+time.Duration(i%50)*10*time.Microsecond+ms, first+ms/10, last+ms/10))
		texts = append(texts, served(fmt.Sprint(1000-i), arrival, first, last))
	}
	check := func(t *testing.T, records []Record, want int) {
		t.Helper()
		b := Of(results, metrics.Rule{}, records)
		if b.Joined[ByOrder] != want {
			t.Fatalf("%v joined", b.Joined)
		}
		for _, q := range b.Requests {
			if q.Joined == Unjoined {
				continue
			}
			var mine Record
			for _, r := range parse(t, texts[q.Index]) {
				mine = r
			}
			if p := mine.Context.FirstToken - mine.Context.Scheduled; !close2(q.Spans[Prefill], p) {
				t.Errorf("request %d has the prefill %v, its own is %v", q.Index, q.Spans[Prefill], p)
			}
		}
	}
	all := parse(t, texts...)
	rng.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
	check(t, all, n)
	results[3].Err, results[60].Err = &client.Error{}, &client.Error{}
	check(t, parse(t, append(texts[:3:3], texts[4:]...)...), n-2) // one of the two has a record
}

// TestJoinOnABusyMachine: first tokens of a wave come in one step of the engine, and the server
// is held up for milliseconds between noting one and writing it. No request is given a record
// that is longer than it waited by a millisecond or more, which would contradict it.
func TestJoinOnABusyMachine(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		upTo := func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d))) }
		var results []*client.Result
		var texts []string
		for wave := range 5 {
			begin := time.Duration(wave) * time.Second
			for i := range 16 {
				start := begin + upTo(6*ms)
				arrival := start + ms/10 + upTo(ms/5)
				step := begin + time.Duration(50+i/4*40)*ms // four prompts in a step
				first := step + time.Duration(i%4)*ms/20
				last := begin + 800*ms + time.Duration(i%4)*ms/20
				results = append(results, request(start, start+ms/20, first+upTo(4*ms), last+upTo(4*ms)))
				texts = append(texts, served(fmt.Sprint(len(texts)), arrival, first, last))
			}
		}
		b := Of(results, metrics.Rule{}, parse(t, texts...))
		if b.Joined[ByOrder] != len(results) || b.Excess > 1e-4 {
			t.Errorf("seed %d: %v joined, %d requests have a record that is longer than they waited, by up to %.3f ms", seed, b.Joined, b.Excessive(1e-4), 1e3*b.Excess)
		}
	}
}

func TestParse(t *testing.T) {
	all, bad := Parse([]byte(strings.ReplaceAll(aggregated, "\n", "") + "\n\nnull\n" + `{"request_id": 8, "perf_metrics": null}` + "\n" + `{"request_id": 9, "perf_me`))
	if len(all) != 1 || bad != 3 || all[0].IDs[0] != "7" || all[0].Reused != 3 || all[0].Missed != 4 || all[0].Context.LastToken != 100.5 {
		t.Errorf("%+v, %d bad", all, bad)
	}
	if all, bad := Parse([]byte(" [" + aggregated + ", " + disaggregated + "]")); len(all) != 2 || bad != 0 || all[1].Generation == nil || all[1].IDs[0] != "3" {
		t.Errorf("%+v, %d bad", all, bad)
	}
	if all, bad := Parse([]byte("[]")); len(all)+bad != 0 {
		t.Errorf("%v, %d bad", all, bad)
	}
}

// TestMerge: what the two servers of a request wrote apart is one record, and a combined
// record takes the engines' steps.
func TestMerge(t *testing.T) {
	context := `{"ctx_request_id": 5, "request_id": 1, "perf_metrics": {"timing_metrics": {"server_arrival_time": 1, "arrival_time": 1.1, "first_scheduled_time": 1.2, "first_token_time": 1.5, "server_first_token_time": 1.6, "kv_cache_transfer_start": 1.5}}, "time_breakdown_metrics": {"ctx_chunk_metrics": [{"forward_start_time": 51.2, "forward_end_time": 51.4, "sample_start_time": 51.41, "sample_end_time": 51.42, "token_time": 51.5, "gpu_forward_time": 190.0}]}}`
	generation := `{"ctx_request_id": 5, "request_id": 2, "perf_metrics": {"timing_metrics": {"server_arrival_time": 2, "arrival_time": 2.1, "first_scheduled_time": 2.5, "first_token_time": 2.6, "server_first_token_time": 2.7, "last_token_time": 3, "kv_cache_transfer_start": 2.2, "kv_cache_transfer_end": 2.4}}}`
	orphan := strings.Replace(generation, `"ctx_request_id": 5`, `"ctx_request_id": 6`, 1)
	all := Merge(parse(t, generation, context, orphan))
	if len(all) != 2 || all[0].Generation == nil || all[0].Generation.Scheduled != 2.5 || all[0].Context.Scheduled != 1.2 || all[1].Context != (Instants{}) || all[1].Generation == nil {
		t.Fatalf("%+v", all)
	}
	b := Of([]*client.Result{request(0, 100*ms, 2*time.Second)}, metrics.Rule{}, all[:1])
	spans(t, b.Requests[0], map[Span]float64{Send: 100, Network: 200, FrontEnd: 100, Queue: 100, Prefill: 300, Flush: 100, Relay: 400, GenFrontEnd: 100, GenQueue: 100, Transfer: 200, GenSchedule: 100, GenFlush: 200})
	// Without a context server's record its part is not known.
	b = Of([]*client.Result{request(0, 100*ms, 2*time.Second)}, metrics.Rule{}, all[1:])
	spans(t, b.Requests[0], map[Span]float64{Send: 100, GenFrontEnd: 100, GenQueue: 100, Transfer: 200, GenSchedule: 100, GenFlush: 200, Unknown: 1200})

	both := Merge(parse(t, strings.Replace(disaggregated, `"request_id": 3`, `"ctx_request_id": 5`, 1), context, generation))
	if len(both) != 1 || len(both[0].Chunks) != 1 {
		t.Errorf("%+v", both)
	}
	if plain := parse(t, aggregated, aggregated); len(Merge(plain)) != 2 {
		t.Error("records of one server were merged")
	}
}

// TestOriginal are the spans under the original's names, the engine's passes among them.
func TestOriginal(t *testing.T) {
	passes := `"time_breakdown_metrics": {"ctx_chunk_metrics": [
 {"forward_start_time": 50.012, "forward_end_time": 50.020, "sample_start_time": 50.021, "sample_end_time": 50.023, "token_time": 50.024, "gpu_forward_time": 7.5, "gpu_sample_time": 1},
 {"forward_start_time": 50.025, "forward_end_time": 50.035, "sample_start_time": 50.036, "sample_end_time": 50.038, "token_time": 50.040, "gpu_forward_time": 9.5}]}, "request_id": 7`
	records := parse(t, strings.Replace(aggregated, `"request_id": 7`, passes, 1), disaggregated)
	got := map[string]OriginalSpan{}
	var names []string
	for _, s := range Original(records) {
		got[s.Name] = s
		names = append(names, s.Name)
	}
	want := "ctx_preprocessing ctx_queue ctx_processing ctx_postprocessing chunk_preprocessing chunk_forward chunk_update chunk_sample chunk_postprocessing chunk_gpu_forward chunk_gpu_sample " +
		"gen_preprocessing gen_queue gen_postprocessing gen_queue_wait gen_kv_transfer gen_post_transfer disagg_preprocessing disagg_relay disagg_postprocessing"
	if strings.Join(names, " ") != want {
		t.Errorf("%v", names)
	}
	for name, mean := range map[string]float64{"ctx_queue": 6, "ctx_processing": 28.5, "chunk_preprocessing": 1.5, "chunk_forward": 9, "chunk_update": 1, "chunk_sample": 2, "chunk_postprocessing": 1.5,
		"chunk_gpu_forward": 8.5, "chunk_gpu_sample": 1, "gen_queue": 13, "gen_kv_transfer": 7, "disagg_relay": 12} {
		if !(math.Abs(1e3*got[name].Stats.Mean-mean) < 1e-6) {
			t.Errorf("%s: mean %v ms, want %v", name, 1e3*got[name].Stats.Mean, mean)
		}
	}
	if s := got["ctx_queue"]; s.Count != 2 || !(math.Abs(1e3*s.Stats.Percentiles[0]-6.5) <= 1e-6) { // p75 of 5 and 7
		t.Errorf("%+v", s)
	}
}

func TestP99(t *testing.T) {
	b := &Breakdown{}
	for i := range 200 {
		b.Requests = append(b.Requests, Request{Index: i, TTFT: float64((i*37)%200) / 10})
	}
	// The percentile lies between 19.7 and 19.8.
	if q := b.P99(); q.TTFT != 19.8 {
		t.Errorf("%+v", q)
	}
	if (&Breakdown{}).P99() != nil {
		t.Error("there is a p99 of nothing")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(aggregated))
	f.Add([]byte("[" + disaggregated + "]"))
	f.Add([]byte(`{"request_id": 1e999, "perf_metrics": {"timing_metrics": {"arrival_time": -1, "first_token_time": Infinity}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		records, _ := Parse(text)
		records = Newest(Merge(records), 100)
		b := Of([]*client.Result{request(0, ms, 50*ms, 90*ms), request(0, 2*ms, 60*ms)}, metrics.Rule{}, records)
		Original(records)
		if b == nil {
			return
		}
		for _, q := range b.Requests {
			for s, v := range q.Spans {
				if v < 0 || math.IsInf(v, 0) {
					t.Errorf("span %d is %v", s, v)
				}
			}
			if sum := sumOf(&q); !(math.Abs(sum-q.TTFT-q.Excess) <= 1e-6*(1+sum)) {
				t.Errorf("spans of %v, TTFT %v, excess %v", sum, q.TTFT, q.Excess)
			}
		}
	})
}
