package judge

import (
	"slices"
	"testing"
)

// TestRunsByTime: runs of one length have as many requests as there was time for, and that is
// no difference between them; another length is one.
func TestRunsByTime(t *testing.T) {
	run := func(requests int, duration string) *Summary {
		return &Summary{Requests: requests, Input: 512 * requests, ByTime: true, Settings: map[string]string{"duration": duration}}
	}
	if got := differences(run(300, "60"), run(500, "60"), false); len(got) != 0 {
		t.Error(got)
	}
	if got := differences(run(300, "60"), run(500, "90"), false); !slices.Equal(got, []string{"duration: 90 here, 60 there"}) {
		t.Error(got)
	}
	counted := run(500, "60")
	counted.ByTime = false
	if got := differences(run(300, "60"), counted, false); !slices.Equal(got, []string{"requests: 500 here, 300 there"}) {
		t.Error(got)
	}
}
