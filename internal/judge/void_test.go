package judge

import (
	"slices"
	"strings"
	"testing"
)

// TestRatesThatAreAlike: a rate may be a twentieth of the greater one below it.
func TestRatesThatAreAlike(t *testing.T) {
	for sent, differ := range map[float64]bool{20: false, 19: false, 18.9: true} {
		variants := []*Summary{brief(), brief()}
		for _, f := range variants {
			f.Settings["request_rate"] = "20"
		}
		variants[1].Findings = []Finding{find("rate_not_reached", "", "sent_per_s", sent)}
		c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{variants}, Options{})
		if got := slices.ContainsFunc(c.Reasons, func(r Reasons) bool { return r.Code == "rate_not_reached" }); got != differ {
			t.Errorf("%v requests/s vs 20: %v, want %v", sent, got, differ)
		}
	}
}

// TestFailuresOfARepeat: the repeat with the most failures counts, whichever it is.
func TestFailuresOfARepeat(t *testing.T) {
	for at := range 3 {
		f := brief()
		f.Later = []*Summary{later(f, func(*Summary) {}), later(f, func(*Summary) {})}
		f.runs()[at].Failed = 3
		c := Judge([]string{"A", "B"}, []string{"64"}, [][]*Summary{{brief(), f}}, Options{})
		if !slices.ContainsFunc(c.Reasons, func(r Reasons) bool { return r.Code == "few_failures" }) {
			t.Errorf("3 failures in run %d: %+v", at, c.Reasons)
		}
	}
}

// TestRepeatsOfAnotherClient: repeats that another client made are not repeats.
func TestRepeatsOfAnotherClient(t *testing.T) {
	f := brief()
	f.Later = []*Summary{later(f, func(*Summary) {}), later(f, func(l *Summary) { l.Client = "loadgen other" })}
	c := Judge([]string{"A"}, []string{"64"}, [][]*Summary{{f}}, Options{})
	if len(c.Reasons) != 1 || c.Reasons[0].Code != "repeats_differ" || !strings.HasPrefix(c.Reasons[0].Text, "repeat 3: client: ") {
		t.Errorf("%+v", c.Reasons)
	}
}
