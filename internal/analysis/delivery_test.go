package analysis_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"loadgen/internal/judge"
)

// TestFewerRequestsThanSlots is noted.
func TestFewerRequestsThanSlots(t *testing.T) {
	s := &script{}
	s.pieces = func(int) []piece { return s.tokens(func(int) string { return "" }, alone(usage(64, 7, ""))) }
	for slots, want := range map[string]bool{"10": false, "11": true} {
		_, found, _ := s.run(t, "--max-concurrency", slots)
		if _, ok := found["below_concurrency"]; ok != want {
			t.Errorf("%s slots: %v", slots, found)
		}
	}
}

// TestIdleSlotsAreOurs: a server that hangs, cuts or is slow to close leaves no slot idle.
func TestIdleSlotsAreOurs(t *testing.T) {
	s := &script{}
	s.pieces = func(i int) []piece {
		p := s.tokens(func(int) string { return "" }, alone(usage(64, 7, "")))
		switch i % 4 {
		case 1: // it hangs in the middle
			p[3].wait = time.Hour
		case 2: // and is cut
			p[3] = piece{time.Second, ""}
		case 3: // the end comes late
			p = append(p, piece{time.Second, ": late\n\n"})
		}
		return p
	}
	a, found, _ := s.run(t, "--idle-timeout", "5", "--num-prompts", "40")
	if a.Budget.Idle > 0.001 {
		t.Errorf("slots idle for %v: %+v", a.Budget.Idle, a.Verdict)
	}
	with(t, found, []string{"failures"})
}

// gaps are those before each of n tokens.
func gaps(n int, of func(k int) time.Duration) (all []time.Duration) {
	for k := range n {
		all = append(all, of(k))
	}
	return all
}

// TestDelivery: how tokens are delivered is judged relative to their pace, and says which
// metrics stand.
func TestDelivery(t *testing.T) {
	steady := func(pace time.Duration) []time.Duration { return gaps(64, func(int) time.Duration { return pace }) }
	bursts := func(size int, within, pace time.Duration) []time.Duration {
		return gaps(64, func(k int) time.Duration {
			if k%size > 0 {
				return within
			}
			return time.Duration(size)*pace - time.Duration(size-1)*within
		})
	}
	held := func(n int) []time.Duration { // n of 64 tokens at once, after the time that they take
		return gaps(64, func(k int) time.Duration {
			switch {
			case k == 0:
				return time.Duration(n) * 10 * ms
			case k < n:
				return 0
			}
			return 10 * ms
		})
	}
	for name, c := range map[string]struct {
		gaps  []time.Duration
		there []string
		text  string // of the first finding
	}{
		"steady, 1 ms":               {steady(ms), nil, ""},
		"steady, 10 ms":              {steady(10 * ms), nil, ""},
		"steady, 100 ms":             {steady(100 * ms), nil, ""},
		"eight at 1.5 of 20 ms":      {bursts(8, 1500*time.Microsecond, 20*ms), []string{"coalesced"}, "Read TPOT"},
		"four at 3 of 40 ms":         {bursts(4, 3*ms, 40*ms), []string{"coalesced"}, "Read TPOT"},
		"two at 1 of 30 ms":          {bursts(2, ms, 30*ms), []string{"coalesced"}, "Read TPOT"},
		"sixteen at 0.1 of 10 ms":    {bursts(16, ms/10, 10*ms), []string{"coalesced"}, "TTFT is too long"},
		"four at 0.05 of 5 ms":       {bursts(4, ms/20, 5*ms), []string{"coalesced"}, "Read TPOT"},
		"all at once":                {held(64), []string{"coalesced"}, "TTFT and TPOT are not measured"},
		"forty held":                 {held(40), []string{"held_first_read"}, "neither is measured"},
		"twenty held":                {held(20), []string{"held_first_read"}, "the first read held 20 of 64"},
		"two held":                   {held(2), nil, ""},
		"prefill of others at times": {gaps(64, func(k int) time.Duration { return 10*ms + time.Duration(k%13/12*(k%7)*20)*ms }), nil, ""},
		"a stall": {gaps(64, func(k int) time.Duration {
			if k == 30 {
				return 2 * time.Second
			}
			return 10 * ms
		}), []string{"stalls"}, "for up to 2 s"},
	} {
		for _, chat := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chat %v", name, chat), func(t *testing.T) {
				s := &script{chat: chat}
				s.pieces = func(int) (p []piece) {
					for k, wait := range c.gaps {
						finish := ""
						if k == len(c.gaps)-1 {
							finish = "length"
						}
						if wait == 0 { // in the same write
							p[len(p)-1].text += s.event(" a", finish, "")
							continue
						}
						p = append(p, piece{wait, s.event(" a", finish, "")})
					}
					p[len(p)-1].text += alone(usage(64, len(c.gaps), "")) + done
					return p
				}
				a, found, _ := s.run(t, "--random-output-len", "64")
				all := []string{"coalesced", "held_first_read", "stalls"}
				for _, code := range all {
					f, ok := found[code]
					want := len(c.there) > 0 && c.there[0] == code
					if want && (!ok || !strings.Contains(f.Text, c.text)) || ok && !want && !(code == "coalesced" && c.there != nil && c.there[0] == "held_first_read") {
						t.Errorf("%s: %v %s", code, ok, f.Text)
					}
				}
				if c.there != nil && c.there[0] == "held_first_read" && strings.Contains(found["coalesced"].Text, "Read TPOT") {
					t.Error(found["coalesced"].Text)
				}
				if a.Verdict.Level == judge.ClientLimited {
					t.Errorf("%+v", a.Verdict)
				}
			})
		}
	}
}
