package prom

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	text := `# HELP x a comment
# TYPE x counter
x 1
x{a="b"} 2.5e3 1700000000000
 x { a = "q\"\\\n\d" , le="+Inf", } +Inf
y{} NaN
z:count_total -3 # {trace="1"} 0.5
# EOF`
	got, err := Parse([]byte(text))
	if err != nil || len(got) != 5 {
		t.Fatal(got, err)
	}
	if !reflect.DeepEqual(got[1], Sample{"x", []Label{{"a", "b"}}, 2500}) || !reflect.DeepEqual(got[2].Labels, []Label{{"a", "q\"\\\n\\d"}, {"le", "+Inf"}}) || !math.IsInf(got[2].Value, 1) || !math.IsNaN(got[3].Value) || got[4].Name != "z:count_total" || got[4].Value != -3 {
		t.Errorf("%+v", got)
	}
	if sum, ok := Sum(got, "x"); sum != 2501 || !ok {
		t.Error(sum, ok)
	}
	for _, bad := range []string{"1x 3", "x", "x y", `x{a} 1`, `x{a="b} 1`, `x{a="b" c="d"} 1`, `x{a=b} 1`, `x{a="b"`, "x 1 y", "x 1 2 3", "x 0x10", "x 1_000", "{\"json\": 1}", "[]", "<html>"} {
		if got, err := Parse([]byte("ok 1\n" + bad + "\n")); err == nil || !strings.HasPrefix(err.Error(), "line 2: ") {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}

const vllm = `# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{le="0.1",model_name="m",engine="0"} 3
vllm:time_to_first_token_seconds_sum{model_name="m",engine="0"} 0.5
vllm:time_to_first_token_seconds_count{model_name="m",engine="0"} 4
vllm:time_to_first_token_seconds_sum{model_name="m",engine="1"} 0.1
vllm:time_to_first_token_seconds_count{model_name="m",engine="1"} 1
vllm:inter_token_latency_seconds_sum{model_name="m"} 1
vllm:inter_token_latency_seconds_count{model_name="m"} 100
vllm:request_success_total{finished_reason="stop"} 1
vllm:request_success_total{finished_reason="length"} 4
vllm:prompt_tokens_total{engine="0"} 512
vllm:prefix_cache_hits_total 16
`

func TestRead(t *testing.T) {
	read := func(text string) Reading {
		all, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		r, ok := Read(all)
		if !ok {
			t.Fatalf("nothing in %s", text)
		}
		return r
	}
	before, after := read(vllm), read(strings.NewReplacer("0.5\n", "0.9\n", "} 4\n", "} 8\n", "512", "1024", "} 100\n", "} 180\n", "seconds_sum{model_name=\"m\"} 1\n", "seconds_sum{model_name=\"m\"} 1.8\n").Replace(vllm))
	if before.Server != "vLLM" {
		t.Error(before.Server)
	}
	changes := after.Since(before)
	for q, want := range map[Quantity]Change{Requests: {Count: 4}, Prompt: {Count: 512}, Cached: {}, TTFT: {Count: 4, Mean: 0.1}, TPOT: {Count: 80, Mean: 0.01}} {
		got, ok := Find(changes, q)
		if !ok || got.Count != want.Count || !(math.Abs(got.Mean-want.Mean) <= 1e-12) {
			t.Errorf("%s: %+v, want %+v", q.Key(), got, want)
		}
	}
	if c, _ := Find(changes, TPOT); !c.PerToken() {
		t.Errorf("%+v", c)
	}
	if _, ok := Find(changes, Queue); ok {
		t.Error("a queue that the server does not count")
	}
	// A server that restarted counts from 0 again; one that had counted nothing had no series.
	if c, ok := Find(before.Since(after), TTFT); ok {
		t.Errorf("%+v", c)
	}
	if c, _ := Find(after.Since(Reading{}), Requests); c.Count != 9 {
		t.Errorf("%+v", c)
	}
	for text, server := range map[string]string{"sglang:prompt_tokens_total 3": "SGLang", "sglang_cached_tokens_total 3": "SGLang", "trtllm_request_success_total 2": "trtllm-serve", "trtllm:prompt_tokens_total 1": "trtllm-serve", "time_to_first_token_seconds_sum 1\ntime_to_first_token_seconds_count 2": "the server"} {
		if r := read(text); r.Server != server || len(r.Values) != 1 {
			t.Errorf("%s: %+v", text, r)
		}
	}
	if r, ok := Read([]Sample{{Name: "python_info", Value: 1}, {Name: "vllm:time_to_first_token_seconds_sum", Value: 1}}); ok {
		t.Errorf("%+v", r)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(vllm))
	f.Add([]byte("x{a=\"\\n\",} 1 2\n# c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := Parse(text)
		if err != nil {
			return
		}
		for _, s := range all {
			if s.Name == "" {
				t.Errorf("%+v", s)
			}
		}
		if r, ok := Read(all); ok {
			for _, c := range r.Since(Reading{}) {
				if math.IsNaN(c.Mean) {
					t.Errorf("%+v", c)
				}
			}
		}
	})
}
