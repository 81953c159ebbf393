package bench

import (
	"testing"
	"time"

	"loadgen/internal/recording"
)

// TestDifferentPlans: ranks whose files of stages have one name and other contents do not begin.
func TestDifferentPlans(t *testing.T) {
	a := prepared{Tokenizer: "t", Prompts: "p", Planned: 5, Stages: []recording.Stage{{Concurrency: 3, To: time.Second}, {Concurrency: 4, From: time.Second, To: 2 * time.Second}}}
	b := a
	if what, _, _ := differentPlans(a, b); what != "" {
		t.Errorf("equal plans have different %s", what)
	}
	b.Stages = []recording.Stage{{Rate: 9, To: time.Second}}
	what, ours, theirs := differentPlans(a, b)
	if what != "schedules, as their files of stages differ" || ours != "3 at a time until 1s, 4 at a time until 2s" || theirs != "9/s until 1s" {
		t.Errorf("%q: %q, %q", what, ours, theirs)
	}
	b.Stages = nil
	if _, _, theirs := differentPlans(a, b); theirs != "none" {
		t.Errorf("%q", theirs)
	}
	b = a
	b.Planned = 6
	if _, _, theirs := differentPlans(a, b); theirs != `6 with the digest p, tokenizer "t"` {
		t.Errorf("%q", theirs)
	}
}
