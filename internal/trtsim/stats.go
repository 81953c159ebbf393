package trtsim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"loadgen/internal/pause"
	"loadgen/internal/pyjson"
)

// statsKept bounds what the routes below hold until they are read.
const statsKept = 1000

// drained is a list that reading empties, its oldest lost when it is full.
type drained struct {
	mu  sync.Mutex
	all []pyjson.Object
}

func (d *drained) add(o pyjson.Object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.all) == statsKept {
		d.all = d.all[1:]
	}
	d.all = append(d.all, o)
}

func (d *drained) take() []pyjson.Object {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.all
	d.all = nil
	if all == nil {
		all = []pyjson.Object{}
	}
	return all
}

// iteration is one step's entry in /metrics.
func (e *engine) iteration(took time.Duration) pyjson.Object {
	c, tokens, prefilled := e.cache, 0, 0
	for _, j := range e.batch {
		if tokens += j.prompt + j.made; j.made == 0 {
			prefilled++
		}
	}
	used := 0
	if c.size > 0 {
		used = min((tokens+c.size-1)/c.size, blocksMost)
	}
	return pyjson.Object{
		{Key: "iter", Value: e.iter},
		{Key: "iterLatencyMS", Value: 1e3 * took.Seconds()},
		{Key: "gpuMemUsage", Value: gpuMemory},
		{Key: "numActiveRequests", Value: len(e.batch)},
		{Key: "numQueuedRequests", Value: len(e.wait)},
		{Key: "kvCacheStats", Value: pyjson.Object{
			{Key: "maxNumBlocks", Value: blocksMost},
			{Key: "freeNumBlocks", Value: blocksMost - used},
			{Key: "usedNumBlocks", Value: used},
			{Key: "tokensPerBlock", Value: c.size},
			{Key: "allocTotalBlocks", Value: c.reused + c.missed},
			{Key: "allocNewBlocks", Value: c.missed},
			{Key: "reusedBlocks", Value: c.reused},
			{Key: "missedBlocks", Value: c.missed},
			{Key: "cacheHitRate", Value: share(c.reused, c.reused+c.missed)},
		}},
		{Key: "inflightBatchingStats", Value: pyjson.Object{
			{Key: "numScheduledRequests", Value: len(e.batch)},
			{Key: "numContextRequests", Value: prefilled},
			{Key: "numGenRequests", Value: len(e.batch) - prefilled},
			{Key: "numPausedRequests", Value: 0},
		}},
	}
}

// gpuMemory is the bytes of a GPU that /metrics reports, 90 % of an H200's.
const gpuMemory = 135_000_000_000

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// perf is one choice's record of times, in seconds since the server's start. The spans
// between its instants up to server_first_token_time sum up to the true TTFT.
func (g *generation) perf(c *choice) pyjson.Object {
	at := func(t time.Time) float64 { return t.Sub(g.s.began).Seconds() }
	j, blocks := c.job, 0
	if b := g.s.o.Profile.Blocks; b > 0 {
		blocks = (j.prompt + j.output + b - 1) / b
	}
	first := c.written
	if first.IsZero() { // the answer came in one piece
		first = j.firstAt
	}
	record := pyjson.Object{{Key: "request_id", Value: g.record.number}}
	if g.s.o.Disaggregated {
		record.Set("ctx_request_id", g.record.number)
	}
	record.Set("perf_metrics", pyjson.Object{
		{Key: "first_iter", Value: j.firstIter}, {Key: "last_iter", Value: j.lastIter},
		{Key: "timing_metrics", Value: pyjson.Object{
			{Key: "server_arrival_time", Value: g.record.read.Seconds()},
			{Key: "arrival_time", Value: at(j.submitted)},
			{Key: "first_scheduled_time", Value: at(j.scheduled)},
			{Key: "first_token_time", Value: at(j.firstAt)},
			{Key: "server_first_token_time", Value: at(first)},
			{Key: "last_token_time", Value: at(j.lastAt)},
		}},
		{Key: "kv_cache_metrics", Value: pyjson.Object{
			{Key: "num_total_allocated_blocks", Value: blocks}, {Key: "num_new_allocated_blocks", Value: blocks - j.hits},
			{Key: "num_reused_blocks", Value: j.hits}, {Key: "num_missed_blocks", Value: j.misses},
		}},
	})
	return record
}

// keepPerf keeps a record where the release does: until /perf_metrics is read, or in the
// file of perf_metrics_output_dir.
func (s *Server) keepPerf(record pyjson.Object) {
	if s.o.PerfLog == nil {
		s.perf.add(record)
		return
	}
	line := append(pyjson.Append(nil, record), '\n')
	s.perf.mu.Lock()
	defer s.perf.mu.Unlock()
	if _, err := s.o.PerfLog.Write(line); err != nil {
		s.note("WARNING:  perf metrics are lost: %v\n", err)
	}
}

// PerfFileName is what the newest release calls the file of its records in
// perf_metrics_output_dir.
func PerfFileName(host string, pid int, at time.Time) string {
	return fmt.Sprintf("perf_metrics-server-%s-%d-%s.jsonl", host, pid, at.Format("20060102-150405"))
}

func iterations(ctx context.Context, s *Server, req *fasthttp.Request, a *answer) {
	if s.o.Exposition != TRTLLMMetrics { // other servers have their metrics here
		exposition(ctx, s, req, a)
		return
	}
	all := s.engine.stats.take()
	if len(all) == 0 {
		s.waitLikeOld(ctx)
		all = s.engine.stats.take()
	}
	a.json(all)
}

// cacheEvents lists the KV cache's events, of which there are none.
func cacheEvents(ctx context.Context, s *Server, _ *fasthttp.Request, a *answer) {
	s.waitLikeOld(ctx)
	a.whole(200, jsonType, []byte("[]"))
}

// waitLikeOld waits as old releases do for statistics of which there are none yet.
func (s *Server) waitLikeOld(ctx context.Context) {
	if s.o.Dialect.age == 0 {
		pause.For(ctx, 2*time.Second)
	}
}

func perfMetrics(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
	if s.o.PerfLog != nil { // releases that write a file have no such route
		a.whole(404, jsonType, []byte(notFound))
		return
	}
	a.json(s.perf.take())
}

// energy is the meter, of a constant draw, where there is one.
func energy(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
	if s.o.Watts <= 0 {
		a.whole(503, jsonType, []byte(`{"error":"Energy monitoring is not available"}`))
		return
	}
	now := s.now().Seconds()
	a.whole(200, jsonType, fmt.Appendf(nil, `{"total_energy_j":%s,"query_time":%s}`, pyjson.FormatFloat(now*s.o.Watts), pyjson.FormatFloat(now)))
}

// health answers that the executor works, unless it has broken down, of which older
// releases know nothing, or a fault is asked for.
func health(_ context.Context, s *Server, req *fasthttp.Request, a *answer) {
	if Fault(req.Header.Peek(faultHeader)) == Fault503 || s.broken() && s.o.Dialect.ReportsHealth {
		a.whole(503, "", []byte(unavailable))
		return
	}
	a.whole(200, "", nil)
}

// healthGenerate generates one token, as an answer in a chat.
func healthGenerate(ctx context.Context, s *Server, req *fasthttp.Request, a *answer) {
	if asked := Fault(req.Header.Peek(faultHeader)); asked == Fault503 || asked == Fault500 || s.broken() {
		a.whole(500, "", []byte("Generation health check failed: the simulated engine has failed"))
		return
	}
	ctx, release := a.watch(ctx)
	defer release()
	user := "user"
	r := &request{messages: []message{{&user, []byte(`"hi"`)}}, answerFollows: true}
	j := newJob(s.tok.Encode(r.template(), true), 1)
	defer j.box.leave()
	s.engine.submit(j)
	if _, a.err = j.box.wait(ctx); a.err == nil {
		a.whole(200, "", []byte("Generation health check OK"))
	}
}

// broken reports whether the executor has broken down.
func (s *Server) broken() bool { return s.o.UnhealthyAfter > 0 && s.now() >= s.o.UnhealthyAfter }
