package judge

import (
	"strings"
	"testing"
	"time"

	"loadgen/internal/health"
)

func TestStampFindings(t *testing.T) {
	for name, c := range map[string]struct {
		packets *health.Packets
		want    string
	}{
		"no packets":           {nil, ""},
		"all is well":          {&health.Packets{Stamped: 1e6, Compared: 1000, Differing: 10, Largest: time.Second}, ""},
		"stamps differ":        {&health.Packets{Stamped: 1e6, Compared: 1000, Differing: 11, Largest: time.Second}, "stamps_disagree 1.1 % by up to"},
		"few reads":            {&health.Packets{Stamped: 1e6, Compared: 19, Differing: 19}, ""},
		"a few bytes unseen":   {&health.Packets{Stamped: 990, Unstamped: 10, Lost: 1}, ""},
		"packets were lost":    {&health.Packets{Stamped: 900, Unstamped: 100, Lost: 7}, "packets_missed 10 % 7 packets"},
		"nothing was followed": {&health.Packets{Unstamped: 1e6, Connections: 3, Unfollowed: 3}, "packets_missed 100 % not seen"},
	} {
		h := &health.Report{Stamping: &health.Stamping{Packets: c.packets}}
		got := StampFindings(h)
		words := strings.Split(c.want, " ")
		if c.want == "" {
			if len(got) > 0 {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Code != words[0] {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
			continue
		}
		for _, w := range words[1:] {
			if !strings.Contains(got[0].Text, w) {
				t.Errorf("%s: %q lacks %q", name, got[0].Text, w)
			}
		}
	}
	if got := StampFindings(new(health.Report)); got != nil {
		t.Errorf("%+v", got)
	}
}
