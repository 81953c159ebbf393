package compare

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var nineRepeats = strings.Replace(twoServers, "repeats: 2", "repeats: 9", 1)

// TestEnough: repeats end when their results are enough, which is asked between them alone.
func TestEnough(t *testing.T) {
	x, dir := newTrial(), t.TempDir()
	var asked []int
	o := Options{Enough: func(results []string) bool {
		asked = append(asked, len(results))
		return len(results) >= 12
	}}
	outcome, err := x.run(t, t.Context(), nineRepeats, dir, o)
	if err != nil || len(outcome.Results) != 12 {
		t.Errorf("%v, %d results", err, len(outcome.Results))
	}
	if len(asked) != 3 || asked[0] != 4 || asked[2] != 12 {
		t.Errorf("asked with %v results", asked)
	}
	if x.noted("[1/at most 36] a, concurrency 2, repeat 1") != 1 {
		t.Errorf("%q", x.notes)
	}
	o.Resume, asked = true, nil
	if outcome, err = x.run(t, t.Context(), nineRepeats, dir, o); err != nil || len(outcome.Results) != 12 || len(asked) != 1 {
		t.Errorf("resumed: %v, %d results, asked with %v", err, len(outcome.Results), asked)
	}
}

// TestBudget: no repeat is begun when the time is over, and the first one always is.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, dir := newTrial(), t.TempDir()
		o := Options{Budget: 1500 * time.Millisecond, Enough: func([]string) bool { time.Sleep(time.Second); return false }}
		outcome, err := x.run(t, t.Context(), nineRepeats, dir, o)
		if err != nil || len(outcome.Results) != 12 || x.noted("the budget of 1.5s is used up") != 1 {
			t.Errorf("%v, %d results, %q", err, len(outcome.Results), x.notes)
		}
	})
}
