package report

import (
	"fmt"
	"testing"
)

// byTimeRun is a result of so many requests that were sent, and what of its settings is said.
func byTimeRun(t *testing.T, sent, completed, cancelled, cut int, effective string) *Stored {
	t.Helper()
	text := fmt.Sprintf(`{"num_prompts": %d, "completed": %d, "duration": 5.0, "total_input_tokens": %d, "total_output_tokens": %d, "max_concurrency": 4,
		"loadgen": {"schema": 1, "version": "1", "effective": {%s}, "requests": {"asked": %d, "planned": %d, "sent": %d, "cancelled": %d, "cut_at_end": %d}}}`,
		sent, completed, 5*completed, 8*completed, effective, sent, sent, sent, cancelled, cut)
	s, err := ParseStored("a.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEndedOnPurpose: what loadgen ended itself is no failure, and its run is complete.
func TestEndedOnPurpose(t *testing.T) {
	s := byTimeRun(t, 100, 80, 15, 5, `"duration": 5.0`)
	if f := s.summarized(); f.Failed != 0 || f.Requests != 80 || f.Unsent != 0 || !f.ByTime || !s.Complete() {
		t.Errorf("%+v, complete %v", f, s.Complete())
	}
	s = byTimeRun(t, 100, 79, 15, 5, `"duration": 0.0`)
	if f := s.summarized(); f.Failed != 1 || f.ByTime || s.Complete() {
		t.Errorf("%+v, complete %v", f, s.Complete())
	}
	for effective, want := range map[string]bool{`"duration": 5`: true, `"duration": 0.5`: true, `"stages": "f"`: true, `"stages": null`: false, ``: false} {
		if got := byTimeRun(t, 1, 1, 0, 0, effective).byTime(); got != want {
			t.Errorf("%s: %v", effective, got)
		}
	}
}
