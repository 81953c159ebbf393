package judge

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// mean is a number of tokens by request.
func (f *Summary) mean(tokens int) float64 { return float64(tokens) / float64(max(1, f.completed())) }

// differences are what the workloads of two variants do not have in common. Other clients
// may count prompts otherwise, and where time decides how many there are, runs have not all of
// them in common.
func differences(a, b *Summary, acrossClients bool) (texts []string) {
	differ := func(what string, x, y any) { texts = append(texts, differing(what, x, y)) }
	texts = unlike(a, b)
	if x, y := a.mean(a.Input), b.mean(b.Input); x != y && a.completed() == a.Requests && b.completed() == b.Requests && !((acrossClients || a.ByTime && b.ByTime) && math.Abs(x-y) <= promptMarks+lengthShare*max(x, y)) {
		differ("prompt tokens a request", rounded(x), rounded(y))
	}
	if x, y := a.Prompt, b.Prompt; x > 0 && y > 0 && math.Abs(x-y) > promptMarks+lengthShare*max(x, y) {
		differ("prompt tokens a request, as the server counts them", rounded(x), rounded(y))
	}
	for _, key := range ownToRepeats {
		if x, y := a.Settings[key], b.Settings[key]; x != "" && y != "" && x != y {
			differ(key, x, y)
		}
	}
	return texts
}

// ownToRepeats are the settings that repeats do not have in common, since each has prompts
// of its own.
var ownToRepeats = []string{"seed", "prompts", "random_id_step"}

// unlike are the settings that two runs should have in common, repeats as well as
// variants, and have not.
func unlike(a, b *Summary) (texts []string) {
	differ := func(what string, x, y any) { texts = append(texts, differing(what, x, y)) }
	if a.Requests != b.Requests && !(a.ByTime && b.ByTime) {
		differ("requests", a.Requests, b.Requests)
	}
	if a.Concurrency != b.Concurrency {
		differ("concurrency", a.Concurrency, b.Concurrency)
	}
	for _, key := range slices.Sorted(maps.Keys(a.Settings)) {
		if y, both := b.Settings[key]; both && y != a.Settings[key] && !slices.Contains(ownToRepeats, key) {
			differ(key, a.Settings[key], y)
		}
	}
	return texts
}

func differing(what string, here, there any) string {
	for _, value := range []*any{&here, &there} {
		if *value == "<nil>" {
			*value = "none"
		}
	}
	return fmt.Sprintf("%s: %v here, %v there", what, there, here)
}

func rounded(x float64) string { return fmt.Sprintf("%.5g", x) }
