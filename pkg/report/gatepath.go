package report

import (
	"regexp"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/lazy"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// pathPatterns are the paths of all numbers that a gate may bound.
func pathPatterns() string {
	var all []string
	for _, n := range result.Numbers() {
		pattern := regexp.QuoteMeta(n.Path)
		pattern = strings.ReplaceAll(pattern, `p\*`, `p\d{1,2}(?:\.\d+)?`)
		all = append(all, strings.ReplaceAll(pattern, `\*`, `[A-Za-z0-9_-]+`))
	}
	return "^(?:" + strings.Join(all, "|") + ")$"
}

// pathOf reports whether a key is the path of a number of a result.
func pathOf(key string) bool { return regexp.MustCompile(pathPatterns()).MatchString(key) }

// paths are examples of paths, for a key that was mistyped.
func paths() (all []string) {
	for _, n := range result.Numbers() {
		if strings.HasSuffix(n.Path, ":") { // which gates know without
			continue
		}
		all = append(all, strings.ReplaceAll(strings.ReplaceAll(n.Path, "p*", "p99"), "*", "vllm"))
	}
	return all
}

// pathLatency are the latencies that a path may speak of, by parts of it.
var pathLatency = lazy.Regexp(`(?:^|[._])(ttft|tpot|itl|e2el|time_to_second_token|tokens_per_s_per_user|latency_ms)(?:[._]|$)`)

// pathMetric is the metric whose causes move a number, "" for one that only those move that move
// all.
func pathMetric(path string) string {
	m := pathLatency.Get().FindStringSubmatch(path)
	switch {
	case strings.HasPrefix(path, "loadgen.error_budget.") || strings.HasPrefix(path, "loadgen.selftest."): // of the client
		return ""
	case path == "user_throughput":
		return judge.OutputThroughput
	case m == nil:
		return ""
	case ofFirstWave(path) && m[1] == "ttft":
		return judge.FirstWaveTTFT
	case m[1] == "time_to_second_token":
		return "itl"
	case m[1] == "tokens_per_s_per_user":
		return "tpot"
	case m[1] == "latency_ms":
		return "e2el"
	}
	return m[1]
}

// ofFirstWave reports whether a number is of the first wave's requests alone.
func ofFirstWave(path string) bool { return strings.HasPrefix(path, "loadgen.first_wave.") }

// pathValue is the mean over runs of a number of their files, NaN where one does not have it.
func pathValue(runs []*Stored, path string) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = r.file.Number(path)
	}
	return metrics.Mean(values)
}
