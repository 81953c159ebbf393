package recording

import "testing"

// TestMostAtOnce: whichever of the bounds comes first.
func TestMostAtOnce(t *testing.T) {
	stages := "stages.json"
	for _, c := range []struct {
		concurrency, requests int
		duration              float64
		stages                *string
		want                  int
	}{
		{64, 1000, 0, nil, 64},
		{64, 10, 0, nil, 10},
		{0, 1000, 0, nil, 1000},
		{64, 0, 30, nil, 64},
		{64, 10, 30, nil, 10},
		{0, 0, 30, nil, 0},
		{64, 1000, 0, &stages, 0},
	} {
		s := Settings{MaxConcurrency: &c.concurrency, NumPrompts: c.requests, Stages: c.stages}
		s.Duration = c.duration
		if got := s.MostAtOnce(); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
