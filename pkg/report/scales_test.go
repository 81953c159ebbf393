package report

import (
	"fmt"
	"strings"
	"testing"
)

// TestWideValuesAreOnALogScale: gaps of 10 us and of a second are both to be seen.
func TestWideValuesAreOnALogScale(t *testing.T) {
	page := func(shortest float64) string {
		detail := fmt.Sprintf(`, "ttfts": [0.1, 0.1], "output_lens": [4, 4], "itls": [[%g, 0.5, 1.0], [%g, 0.5, 1.0]]`, shortest, shortest)
		var out strings.Builder
		if err := HTML(&out, Groups(writtenResults(t, map[string]string{"a/1.json": made(4, detail)}), Naming{})); err != nil {
			t.Fatal(err)
		}
		_, itl, _ := strings.Cut(out.String(), `aria-label="ITL by percentile`)
		itl, _, _ = strings.Cut(itl, "</svg>")
		return itl
	}
	// A linear axis begins at 0, a logarithmic one has ticks of powers of ten.
	linear, log := page(0.4), page(1e-5)
	if !strings.Contains(linear, ">0<") || strings.Contains(log, ">0<") || !strings.Contains(log, ">0.1<") {
		t.Errorf("linear:\n%s\nlogarithmic:\n%s", linear, log)
	}
}

// TestPromptsAsServersCountThem: servers that count prompts of the same lengths in another
// way do not have the same work.
func TestPromptsAsServersCountThem(t *testing.T) {
	own := func(prompt int) string {
		return made(4, fmt.Sprintf(`, "loadgen": {"schema": 1, "version": "v", "server_tokens": {"requests": 40, "prompt": %d, "completion": 400, "cached": 0}, "findings": []}`, prompt))
	}
	for prompt, differ := range map[int]bool{4000: false, 4070: false, 4200: true} {
		g := Groups(writtenResults(t, map[string]string{"a/1.json": own(4000), "b/1.json": own(prompt)}), Naming{})[0]
		found := false
		for _, r := range g.judged.Reasons {
			found = found || r.Code == "workloads_differ" && strings.Contains(r.Text, "as the server counts them")
		}
		if found != differ {
			t.Errorf("prompts of %d and 4000 tokens: differ %v, want %v: %+v", prompt, found, differ, g.judged.Reasons)
		}
	}
}
