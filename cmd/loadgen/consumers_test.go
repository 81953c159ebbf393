package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench/benchtest"
)

// perfSanity is what TensorRT-LLM's performance tests look for on stdout, by name: a
// statistic and a metric in the place of STAT and METRIC.
var perfSanity = []string{
	`Request throughput \(req\/s\):\s+(-?[\d\.]+)`, `Output token throughput \(tok\/s\):\s+(-?[\d\.]+)`,
	`Total Token throughput \(tok\/s\):\s+(-?[\d\.]+)`, `User throughput \(tok\/s\):\s+(-?[\d\.]+)`,
	`STAT METRIC \(ms\):\s+(-?[\d\.]+)`,
}

// readers are the keys that programs read of a result file.
var readers = map[string][]string{
	"InferenceX process_result.py": {"max_concurrency", "model_id", "total_token_throughput", "output_throughput"},
	"llm-d-benchmark": {"date", "model_id", "num_prompts", "request_rate", "max_concurrency", "duration", "completed", "total_input_tokens", "total_output_tokens",
		"request_throughput", "output_throughput", "total_token_throughput", "mean_ttft_ms", "std_ttft_ms", "p50_ttft_ms", "p99_ttft_ms", "mean_itl_ms", "mean_tpot_ms", "mean_e2el_ms"},
	"srt-slurm rollup.py": {"max_concurrency", "request_rate", "output_throughput", "total_token_throughput", "request_throughput", "total_input_tokens", "total_output_tokens",
		"mean_ttft_ms", "mean_tpot_ms", "mean_itl_ms", "mean_e2el_ms", "median_ttft_ms", "median_tpot_ms", "median_itl_ms", "median_e2el_ms",
		"p99_ttft_ms", "p99_tpot_ms", "p99_itl_ms", "p99_e2el_ms"},
}

// TestConsumers: what other programs read of a run's console text and result file is there.
func TestConsumers(t *testing.T) {
	t.Chdir(t.TempDir())
	var got outcome
	synctest.Test(t, func(t *testing.T) {
		m := &benchtest.Memory{}
		m.Handle = func(x *benchtest.Exchange) {
			if x.Method == "GET" {
				x.Reply("404 Not Found", "text/plain", "")
				return
			}
			for _, event := range append([]string{"HTTP/1.1 200 OK\r\n\r\n"}, strings.SplitAfter(benchtest.SSE(false, 8), "\n\n")...) {
				time.Sleep(10 * time.Millisecond)
				x.Conn.Write([]byte(event))
			}
		}
		got = runPlan(t, []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "5", "--random-output-len", "8",
			"--num-prompts", "4", "--max-concurrency", "2", "--disable-tqdm", "--save-result", "--result-filename", "r.json", "--metadata", "tensor_parallel_size=2",
			"--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,90,99,99.9"}, nil, m.Dial)
		m.Wait()
	})
	if got.exit != exitOK {
		t.Fatal(got.stderr)
	}
	for _, pattern := range perfSanity {
		for _, statistic := range []string{"Mean", "Median", "P99"} {
			for _, metric := range []string{"TTFT", "ITL", "TPOT", "E2EL"} {
				re := regexp.MustCompile(strings.NewReplacer("STAT", statistic, "METRIC", metric).Replace(pattern))
				found := re.FindStringSubmatch(got.stdout)
				if found == nil {
					t.Fatalf("nothing matches %s in\n%s", re, got.stdout)
				}
				if x, err := strconv.ParseFloat(found[1], 64); err != nil || x <= 0 {
					t.Errorf("%s: %s", re, found[1])
				}
			}
		}
	}
	text, err := os.ReadFile("r.json")
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for program, keys := range readers {
		for _, key := range keys {
			if v, ok := r[key]; !ok || v == nil {
				t.Errorf("%s reads %s, which is %v", program, key, v)
			}
		}
	}
	// InferenceX takes the number of every key that ends in ms, and inverts those of TPOT.
	times := 0
	for key, v := range r {
		if strings.HasSuffix(key, "ms") || strings.Contains(key, "tpot") {
			times++
			if x, ok := v.(float64); !ok || x == 0 && !strings.HasPrefix(key, "std_") {
				t.Errorf("%s is %v", key, v)
			}
		}
	}
	if times != 4*(3+4) {
		t.Errorf("%d times", times)
	}
}
