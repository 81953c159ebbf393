package breakdown

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strconv"

	"loadgen/internal/pyjson"
)

// Record is what a server noted of one request. Instants are seconds on the server's
// clock; 0 is one that was not noted.
type Record struct {
	// IDs are the names by which answers may know the request.
	IDs []string `json:"ids,omitempty"`
	// Context are the instants of the server, or of the context server in disaggregated
	// serving, where Generation are the generation server's.
	Context    Instants  `json:"context"`
	Generation *Instants `json:"generation,omitempty"`
	// RouterArrival and RouterFirst are when the server in front of both got the request
	// and sent the first token.
	RouterArrival float64 `json:"router_arrival,omitempty"`
	RouterFirst   float64 `json:"router_first,omitempty"`
	// Reused and Missed count blocks of the KV cache that the prompt found there or not.
	Reused int `json:"reused,omitempty"`
	Missed int `json:"missed,omitempty"`
	// Chunks are the steps of the prefill, Steps those of the decoding.
	Chunks []Step `json:"chunks,omitempty"`
	Steps  []Step `json:"steps,omitempty"`
}

// Instants are those of one server.
type Instants struct {
	ServerArrival float64 `json:"server_arrival"` // at the HTTP server
	Arrival       float64 `json:"arrival"`        // at the engine
	Scheduled     float64 `json:"scheduled"`
	TransferStart float64 `json:"transfer_start,omitempty"` // of the KV cache
	TransferEnd   float64 `json:"transfer_end,omitempty"`
	FirstToken    float64 `json:"first_token"`        // in the engine
	ServerFirst   float64 `json:"server_first_token"` // handed to the connection
	LastToken     float64 `json:"last_token"`
}

// Step is one pass of the engine. GPU times are in milliseconds, NaN where they are not known.
type Step struct {
	ForwardStart float64 `json:"forward_start"`
	ForwardEnd   float64 `json:"forward_end"`
	SampleStart  float64 `json:"sample_start"`
	SampleEnd    float64 `json:"sample_end"`
	Token        float64 `json:"token"`
	GPUForward   float64 `json:"gpu_forward,omitempty"`
	GPUSample    float64 `json:"gpu_sample,omitempty"`
}

// last is the end of what the record covers of TTFT, 0 where it was not noted.
func (r *Record) last() float64 {
	switch {
	case r.RouterFirst > 0:
		return r.RouterFirst
	case r.Generation != nil:
		return r.Generation.ServerFirst
	}
	return r.Context.ServerFirst
}

// end is the instant of the last token.
func (r *Record) end() float64 {
	if r.Generation != nil {
		return r.Generation.LastToken
	}
	return r.Context.LastToken
}

// Parse reads the records of GET /perf_metrics (an array) or of a file of lines. Lines that
// are no record, such as one that is being written, are counted.
func Parse(text []byte) (records []Record, bad int) {
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '[' {
		if v, err := pyjson.Parse(text); err == nil {
			if list, ok := v.([]any); ok {
				for _, one := range list {
					records, bad = add(records, bad, one)
				}
				return records, bad
			}
		}
	}
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, err := pyjson.Parse(line)
		if err != nil {
			bad++
			continue
		}
		records, bad = add(records, bad, v)
	}
	return records, bad
}

func add(records []Record, bad int, v any) ([]Record, int) {
	o, ok := v.(pyjson.Object)
	if !ok {
		return records, bad + 1
	}
	r, ok := recordOf(o)
	if !ok {
		return records, bad + 1
	}
	return append(records, r), bad
}

// recordOf reads a record of one server, or of the server in front of two.
func recordOf(o pyjson.Object) (r Record, ok bool) {
	context, generation := object(o, "ctx_perf_metrics"), object(o, "gen_perf_metrics")
	if context == nil && generation == nil {
		r.one(o)
		return r, r.Context != Instants{}
	}
	r.name(o)
	r.one(context)
	if generation != nil {
		var g Record
		g.one(generation)
		r.Generation, r.Steps = &g.Context, g.Steps
		if context == nil {
			r.Reused, r.Missed = g.Reused, g.Missed
		}
	}
	r.RouterArrival, r.RouterFirst = instant(o, "disagg_server_arrival_time"), instant(o, "disagg_server_first_token_time")
	return r, r.Context != Instants{} || r.Generation != nil && *r.Generation != Instants{}
}

// one reads what one server noted.
func (r *Record) one(o pyjson.Object) {
	r.name(o)
	perf := object(o, "perf_metrics")
	t := object(perf, "timing_metrics")
	r.Context = Instants{
		ServerArrival: instant(t, "server_arrival_time"), Arrival: instant(t, "arrival_time"), Scheduled: instant(t, "first_scheduled_time"),
		TransferStart: instant(t, "kv_cache_transfer_start"), TransferEnd: instant(t, "kv_cache_transfer_end"),
		FirstToken: instant(t, "first_token_time"), ServerFirst: instant(t, "server_first_token_time"), LastToken: instant(t, "last_token_time"),
	}
	cache := object(perf, "kv_cache_metrics")
	r.Reused, r.Missed = int(number(cache, "num_reused_blocks")), int(number(cache, "num_missed_blocks"))
	detail := object(o, "time_breakdown_metrics")
	if detail == nil {
		detail = object(perf, "time_breakdown_metrics")
	}
	r.Chunks, r.Steps = steps(detail, "ctx_chunk_metrics"), steps(detail, "step_metrics")
}

// name notes the names of a request.
func (r *Record) name(o pyjson.Object) {
	for _, key := range []string{"ctx_request_id", "disagg_request_id", "request_id", "id"} {
		text := ""
		switch v := o.Get(key).(type) {
		case string:
			text = v
		case int:
			text = strconv.Itoa(v)
		case pyjson.Raw:
			text = string(v)
		}
		if text != "" && !slices.Contains(r.IDs, text) {
			r.IDs = append(r.IDs, text)
		}
	}
}

func steps(o pyjson.Object, key string) (out []Step) {
	list, _ := o.Get(key).([]any)
	for _, v := range list {
		if s, ok := v.(pyjson.Object); ok {
			out = append(out, Step{
				ForwardStart: instant(s, "forward_start_time"), ForwardEnd: instant(s, "forward_end_time"),
				SampleStart: instant(s, "sample_start_time"), SampleEnd: instant(s, "sample_end_time"), Token: instant(s, "token_time"),
				GPUForward: number(s, "gpu_forward_time"), GPUSample: number(s, "gpu_sample_time"),
			})
		}
	}
	return out
}

func object(o pyjson.Object, key string) pyjson.Object {
	inner, _ := o.Get(key).(pyjson.Object)
	return inner
}

// number is a finite number, 0 where there is none.
func number(o pyjson.Object, key string) float64 {
	switch v := o.Get(key).(type) {
	case float64:
		if !math.IsNaN(v) && math.Abs(v) < 1e15 {
			return v
		}
	case int:
		if v > -1e15 && v < 1e15 {
			return float64(v)
		}
	}
	return 0
}

// instant is a number that is not negative: servers write 0 or NaN for what they did not note.
func instant(o pyjson.Object, key string) float64 { return max(number(o, key), 0) }

// Merge joins what the servers of disaggregated serving wrote apart of the same request. The
// records of the server in front of them, where there are some, hold the others' instants and
// replace them, but for the steps of the engines.
func Merge(all []Record) []Record {
	combined := func(r Record) bool { return r.Generation != nil || r.RouterArrival > 0 }
	if slices.ContainsFunc(all, combined) {
		return mergeSteps(all, combined)
	}
	// The context server notes the transfer's start, too, but only the receiver its end.
	received := func(r Record) bool { return r.Context.TransferEnd > 0 }
	if !slices.ContainsFunc(all, received) {
		return all
	}
	at := map[string]int{} // the generation server's record by name
	for i, r := range all {
		if received(r) && len(r.IDs) > 0 {
			at[r.IDs[0]] = i
		}
	}
	var out []Record
	used := map[int]bool{}
	for _, r := range all {
		if received(r) {
			continue
		}
		if len(r.IDs) > 0 {
			if i, ok := at[r.IDs[0]]; ok && !used[i] {
				used[i] = true
				g := all[i].Context
				r.Generation, r.Steps = &g, all[i].Steps
			}
		}
		out = append(out, r)
	}
	for i, r := range all {
		if received(r) && !used[i] {
			g := r.Context
			r.Context, r.Generation = Instants{}, &g
			out = append(out, r)
		}
	}
	return out
}

// mergeSteps keeps the combined records, with the steps that the engines wrote apart.
func mergeSteps(all []Record, combined func(Record) bool) (out []Record) {
	chunks, later := map[string][]Step{}, map[string][]Step{}
	for _, r := range all {
		if combined(r) {
			out = append(out, r)
			continue
		}
		for _, id := range r.IDs {
			if len(r.Chunks) > 0 {
				chunks[id] = r.Chunks
			}
			if len(r.Steps) > 0 {
				later[id] = r.Steps
			}
		}
	}
	for i := range out {
		for _, id := range out[i].IDs {
			if len(out[i].Chunks) == 0 {
				out[i].Chunks = chunks[id]
			}
			if len(out[i].Steps) == 0 {
				out[i].Steps = later[id]
			}
		}
	}
	return out
}

// Newest keeps the n records that arrived last, in the order of their arrival: a server may
// note requests late that were sent before the run.
func Newest(records []Record, n int) []Record {
	slices.SortStableFunc(records, func(a, b Record) int { return cmp.Compare(a.arrival(), b.arrival()) })
	return records[max(len(records)-n, 0):]
}

// arrival is the first instant that was noted.
func (r *Record) arrival() float64 {
	all := []float64{r.RouterArrival, r.Context.ServerArrival, r.Context.Arrival}
	if r.Generation != nil {
		all = append(all, r.Generation.ServerArrival, r.Generation.Arrival)
	}
	for _, at := range all {
		if at > 0 {
			return at
		}
	}
	return 0
}
