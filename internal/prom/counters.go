package prom

import (
	"slices"
	"strings"
)

// Quantity is something that servers count or time.
type Quantity uint8

// The quantities.
const (
	Requests   Quantity = iota // that succeeded
	Prompt                     // tokens
	Generation                 // tokens
	Cached                     // tokens of prompts that were in the prefix cache
	TTFT
	TPOT
	Queue
	Prefill
	E2EL
	quantities
)

// Timed reports whether the quantity is a time: a histogram of seconds.
func (q Quantity) Timed() bool { return q >= TTFT }

// Key is the quantity's name in JSON.
func (q Quantity) Key() string {
	return [quantities]string{"requests", "prompt_tokens", "generation_tokens", "cached_tokens", "ttft", "tpot", "queue", "prefill", "e2el"}[q]
}

// series are the names of a quantity without the server's prefix, the better first. Of
// TPOT those that have a value for each request come before those for each token.
var series = [quantities][]string{
	Requests:   {"request_success_total", "num_requests_total", "request_success"},
	Prompt:     {"prompt_tokens_total"},
	Generation: {"generation_tokens_total"},
	Cached:     {"prompt_cached_tokens_total", "prompt_tokens_cached_total", "cached_tokens_total", "prefix_cache_hits_total", "gpu_prefix_cache_hits_total"},
	TTFT:       {"time_to_first_token_seconds"},
	TPOT:       {"request_time_per_output_token_seconds", "time_per_output_token_seconds", "inter_token_latency_seconds"},
	Queue:      {"request_queue_time_seconds", "queue_time_seconds"},
	Prefill:    {"request_prefill_time_seconds"},
	E2EL:       {"e2e_request_latency_seconds"},
}

// servers are the prefixes of names, with a colon or an underscore after them; some releases
// of trtllm-serve write none.
var servers = []struct{ prefix, name string }{{"vllm", "vLLM"}, {"sglang", "SGLang"}, {"trtllm", "trtllm-serve"}, {"", "the server"}}

// Reading is what a server's metrics say at a moment: sums over all series of a name.
type Reading struct {
	Server string // whose names they are
	Values map[Quantity]Value
}

// Value is a counter, or a histogram's sum and count.
type Value struct {
	Name  string  // of the metric
	Sum   float64 // of a counter its value
	Count float64 // of a histogram
}

// Read finds the quantities in an exposition. ok is false where it has none of them.
func Read(all []Sample) (r Reading, ok bool) {
	for _, s := range servers {
		for _, join := range []string{":", "_"} {
			prefix := s.prefix + join
			if s.prefix == "" {
				prefix = ""
			}
			r = Reading{Server: s.name, Values: map[Quantity]Value{}}
			for q, names := range series {
				for _, name := range names {
					if v, found := value(all, prefix+name, Quantity(q).Timed()); found {
						r.Values[Quantity(q)] = v
						break
					}
				}
			}
			if len(r.Values) > 0 {
				return r, true
			}
		}
	}
	return Reading{}, false
}

// value reads a counter, with _total or without, or a histogram.
func value(all []Sample, name string, histogram bool) (v Value, found bool) {
	v.Name = name
	if histogram {
		var counted bool
		v.Sum, found = Sum(all, name+"_sum")
		v.Count, counted = Sum(all, name+"_count")
		return v, found && counted
	}
	v.Sum, found = Sum(all, name)
	return v, found
}

// Change is what a server counted between two readings.
type Change struct {
	Quantity Quantity
	Name     string  // of the metric
	Count    float64 // of a counter its increase, of a time the number of values
	Mean     float64 // of a time, in seconds; 0 without values
}

// Since is what changed since an earlier reading: quantities that only one of the two has,
// or that went back (the server restarted), are left out. Of one that is not in the earlier
// reading because the server had not served anything yet, all of it counts.
func (r Reading) Since(earlier Reading) (all []Change) {
	for q := range quantities {
		now, have := r.Values[q]
		before, had := earlier.Values[q]
		if !have || had && before.Name != now.Name || now.Sum < before.Sum || now.Count < before.Count {
			continue
		}
		c := Change{Quantity: q, Name: now.Name, Count: now.Sum - before.Sum}
		if q.Timed() {
			c.Count = now.Count - before.Count
			if c.Count > 0 {
				c.Mean = (now.Sum - before.Sum) / c.Count
			}
		}
		all = append(all, c)
	}
	return all
}

// Find is the change of a quantity.
func Find(all []Change, q Quantity) (Change, bool) {
	i := slices.IndexFunc(all, func(c Change) bool { return c.Quantity == q })
	if i < 0 {
		return Change{}, false
	}
	return all[i], true
}

// PerToken reports whether a TPOT has a value for each token, not for each request.
func (c Change) PerToken() bool {
	return strings.HasSuffix(c.Name, "inter_token_latency_seconds")
}
