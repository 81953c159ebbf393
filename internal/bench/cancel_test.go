package bench_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/load"
	"loadgen/pkg/client"
)

// TestCancel: the requests that the seed draws are cancelled after so many tokens or so much
// time, at exactly that instant, and are no failures; the others are not touched.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			after  string
			ended  time.Duration // from the start: 100 ms to the first of three tokens, 10 ms between two
			tokens int
		}{{"2", 110 * ms, 2}, {"105ms", 105 * ms, 1}, {"60ms", 60 * ms, 0}} {
			s := &slow{gap: 10 * ms}
			o := shaped(t, s, "--max-concurrency", "4", "--num-prompts", "200", "--cancel", "25%", "--cancel-after", c.after, "--seed", "7")
			chosen := 0
			for i, r := range o.Recording.All() {
				if !load.Chosen(7, i, 0.25) {
					if r.Err != nil {
						t.Errorf("request %d: %v", i, r.Err)
					}
					continue
				}
				chosen++
				if r.Err == nil || r.Err.Class != client.Cancelled || r.Ended-r.Start != c.ended || len(r.Events) != c.tokens {
					t.Errorf("request %d, after %s: %v after %v with %d events", i, c.after, r.Err, r.Ended-r.Start, len(r.Events))
				}
			}
			f := o.Parsed(t)
			got := f.Loadgen.Cancellation
			if chosen < 30 || chosen > 70 || got.Chosen != chosen || got.Cancelled != chosen || got.Completed+got.Failed != 0 || f.Loadgen.Requests.Cancelled != chosen ||
				f.Loadgen.Failures.Total != 0 || *f.Completed != 200-chosen || len(o.Analysis.Findings) != 0 {
				t.Errorf("after %s: %+v, %d chosen, %d completed, %+v", c.after, got, chosen, *f.Completed, o.Analysis.Findings)
			}
			if (got.TTFT != nil) != (c.tokens > 0) || got.Ended.Max == nil || *got.Ended.Max != c.ended.Seconds()*1e3 {
				t.Errorf("after %s: TTFT %+v, ended %+v", c.after, got.TTFT, got.Ended)
			}
			if len(s.gone) < chosen {
				t.Errorf("after %s: the server saw %d clients go", c.after, len(s.gone))
			}
		}
	})
}

// TestCompleteBeforeTheCancel: a request that is complete before it is to be cancelled is a
// success like any other.
func TestCompleteBeforeTheCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shaped(t, &slow{}, "--max-concurrency", "4", "--num-prompts", "40", "--cancel", "50%", "--cancel-after", "1s")
		if c := o.Parsed(t).Loadgen.Cancellation; c.Chosen == 0 || c.Completed != c.Chosen || c.TTFT != nil || o.Analysis.Summary.Completed != 40 {
			t.Errorf("%+v", c)
		}
	})
}

// TestFailedBeforeTheCancel: a request that fails before it is to be cancelled is a failure like
// any other.
func TestFailedBeforeTheCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := benchtest.Settings(t, []string{"--model", "m", "--tokenizer", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "9", "--no-test-input",
			"--max-concurrency", "4", "--num-prompts", "40", "--cancel", "50%", "--cancel-after", "1s"})
		m := &benchtest.Memory{}
		m.Handle = func(x *benchtest.Exchange) { x.Reply("500 Internal Server Error", "text/plain", "") }
		o, err := benchtest.Run(t, s, nil, m.Dial)
		if err != nil {
			t.Fatal(err)
		}
		m.Wait()
		if c := o.Analysis.Cancellation; c.Chosen == 0 || c.Failed != c.Chosen || c.Completed+c.Cancelled != 0 {
			t.Errorf("%+v", c)
		}
	})
}

func TestBadCancels(t *testing.T) {
	for want, args := range map[string][]string{
		"missing: give the share":                         {"--cancel-after", "5"},
		"missing: give the number of tokens":              {"--cancel", "5%"},
		`"5" is not a share`:                              {"--cancel", "5", "--cancel-after", "5"},
		`"100%" is not a share`:                           {"--cancel", "100%", "--cancel-after", "5"},
		`"0%" is not a share`:                             {"--cancel", "0%", "--cancel-after", "5"},
		`"0" is neither a number of tokens`:               {"--cancel", "5%", "--cancel-after", "0"},
		`"soon" is neither a number of tokens`:            {"--cancel", "5%", "--cancel-after", "soon"},
		`"-1s" is neither a number of tokens`:             {"--cancel", "5%", "--cancel-after", "-1s"},
		"whole answers have no tokens on their way: give": {"--cancel", "5%", "--cancel-after", "5", "--non-streaming"},
	} {
		s := benchtest.Settings(t, append([]string{"--dataset-name", "random", "--random-ids"}, settingsWords(args)...))
		s.NonStreaming = len(args) > 4
		if err := bench.Check(&s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

// settingsWords joins flags with values that begin with a dash.
func settingsWords(args []string) (out []string) {
	for i := 0; i+1 < len(args); i += 2 {
		out = append(out, args[i]+"="+args[i+1])
	}
	return out
}
