package report

import (
	"testing"

	"loadgen/internal/judge"
	"loadgen/internal/sweep"
)

// What is said of the knee's place holds where loads beyond it were measured, too.
func TestKneeBetween(t *testing.T) {
	curve := &sweep.Curve{}
	for _, n := range []int{1, 2, 4, 8} {
		curve.Points = append(curve.Points, sweep.Point{Load: sweep.Load{Concurrency: n}})
	}
	for want, knee := range map[string]judge.Knee{
		"between 1 and 8":                                           {At: 2, First: 1, Last: 2},
		"above 2: higher loads were not measured":                   {At: 3, First: 2, Last: 3},
		"above 2, perhaps beyond 8: higher loads were not measured": {At: 2, First: 2, Last: 3},
		"below 4: lower loads were not measured":                    {At: 0, First: 0, Last: 1},
		"below 8, perhaps below 1: lower loads were not measured":   {At: 1, First: 0, Last: 2},
		"not located: any of these loads may be it":                 {At: 1, First: 0, Last: 3},
	} {
		curve.Knee = &knee
		if got := kneeBetween(curve); got != want {
			t.Errorf("%+v: %s, want %s", knee, got, want)
		}
	}
}
