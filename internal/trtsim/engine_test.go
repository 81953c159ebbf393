package trtsim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var clocks = regexp.MustCompile(`\d+\.\d{6}`)

// schedule runs jobs of the given prompt and output lengths, submitted together,
// and writes when each of their deliveries came, in ms, with the tokens so far.
func schedule(t *testing.T, p Profile, jobs ...[2]int) string {
	t.Helper()
	var out []string
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		e := newEngine(p, 1)
		start := time.Now()
		lines := make([]chan string, len(jobs))
		for i, shape := range jobs {
			ids := make([]int, shape[0])
			for k := range ids {
				ids[k] = k // the same prefix for all
			}
			j := newJob(ids, shape[1])
			e.submit(j)
			lines[i] = make(chan string, 1)
			go func() {
				var line strings.Builder
				for done := false; !done; {
					all, err := j.box.wait(ctx)
					if err != nil {
						break
					}
					for _, d := range all {
						fmt.Fprintf(&line, "%d@%v ", d.tokens, time.Since(start).Milliseconds())
						done = d.tokens == j.output
					}
				}
				lines[i] <- strings.TrimSpace(line.String())
			}()
		}
		go e.run(ctx)
		for i := range lines {
			out = append(out, <-lines[i])
		}
		cancel()
	})
	return strings.Join(out, " | ")
}

func TestEngineSchedules(t *testing.T) {
	base := Profile{Step: 10 * time.Millisecond, Prefill: time.Millisecond, MaxBatch: 2, MaxTokens: 20, MaxLen: 1000}
	with := func(change func(p *Profile)) Profile {
		p := base
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		p    Profile
		jobs [][2]int
		want string
	}{
		"one":                     {base, [][2]int{{5, 3}}, "1@5 2@15 3@25"},
		"prefill together":        {base, [][2]int{{5, 2}, {7, 2}}, "1@12 2@22 | 1@12 2@22"},
		"batch limit":             {base, [][2]int{{5, 2}, {5, 2}, {5, 2}}, "1@10 2@20 | 1@10 2@20 | 1@25 2@35"},
		"batch limit, no prefill": {with(func(p *Profile) { p.Prefill = 0 }), [][2]int{{1, 4}, {1, 4}, {1, 4}}, "1@10 2@20 3@30 4@40 | 1@10 2@20 3@30 4@40 | 1@50 2@60 3@70 4@80"},
		"prefill stalls decoding": {base, [][2]int{{5, 4}, {30, 1}}, "1@20 2@45 3@55 4@65 | 1@45"},
		"whole prompts":           {with(func(p *Profile) { p.WholePrompts = true }), [][2]int{{5, 3}, {30, 1}}, "1@5 2@45 3@55 | 1@45"},
		"stream interval":         {with(func(p *Profile) { p.StreamInterval = 3 }), [][2]int{{5, 8}}, "1@5 3@25 6@55 8@75"},
		"cached blocks":           {with(func(p *Profile) { p.Blocks = 4; p.MaxBatch = 1 }), [][2]int{{10, 1}, {10, 1}}, "1@10 | 1@12"},
		"whole prompts that wait": {with(func(p *Profile) { p.WholePrompts = true; p.Blocks = 4 }), [][2]int{{9, 1}, {40, 1}}, "1@9 | 1@41"},
		"cost of a request":       {with(func(p *Profile) { p.PerRequest = time.Millisecond }), [][2]int{{5, 2}, {5, 2}}, "1@10 2@22 | 1@10 2@22"},
		"host keeps up":           {with(func(p *Profile) { p.HostCost = 2 * time.Millisecond }), [][2]int{{5, 3}}, "1@7 2@17 3@27"},
		"host falls behind":       {with(func(p *Profile) { p.HostCost = 16 * time.Millisecond }), [][2]int{{5, 5}}, "1@21 2@37 3@69 4@69 5@85"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := schedule(t, c.p, c.jobs...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSpeculationMakesSeveralTokens(t *testing.T) {
	for _, want := range []float64{1, 1.2, 1.5, 2, 2.5, 3.7} {
		e := &engine{p: Profile{TokensPerStep: want}, rng: rand.New(rand.NewPCG(1, 2))}
		if n := e.tokens(&job{}); n != 1 {
			t.Errorf("%d tokens after the prefill", n)
		}
		sum := 0
		for range 20000 {
			sum += e.tokens(&job{made: 1})
		}
		if mean := float64(sum) / 20000; !(math.Abs(mean-want) <= 0.03*want) {
			t.Errorf("%v tokens in the mean, want %v", mean, want)
		}
	}
}

func TestClientsThatLeaveKeepTheirSlotUntilThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		e := newEngine(Profile{Step: 10 * time.Millisecond, MaxBatch: 1, MaxTokens: 100, MaxLen: 1000000}, 0)
		go e.run(ctx)
		first, second := newJob([]int{1}, 100000), newJob([]int{1}, 1)
		start := time.Now()
		e.submit(first)
		time.Sleep(100 * time.Millisecond)
		e.submit(second)
		first.box.leave()
		if err := finish(ctx, second); err != nil || time.Since(start) < abortPoll || time.Since(start) > abortPoll+50*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// finish waits for a job's last token.
func finish(ctx context.Context, j *job) error {
	for {
		all, err := j.box.wait(ctx)
		if err != nil || all[len(all)-1].tokens == j.output {
			return err
		}
	}
}

func TestReadProfile(t *testing.T) {
	p, err := ReadProfile(strings.NewReader("name: mine\nbase: ideal\nstep: 20ms\nmax_batch: 8\ntokens_per_step: 2\n"))
	if err != nil || p.Step != 20*time.Millisecond || p.MaxBatch != 8 || p.Prefill != ideal.Prefill || p.Name != "mine" || p.TokensPerStep != 2 {
		t.Errorf("%+v %v", p, err)
	}
	for bad, want := range map[string]string{
		"name: x\nstepp: 1ms":                `line 2: field stepp not found: there are name, base, gather,`,
		"step: fast":                         `line 1: step: "fast" is not a duration such as 4.5ms`,
		"step: 5":                            `line 1: step: "5" is not a duration`,
		"\nstep: 0s":                         `line 2: step: 0s is too small`,
		"step:":                              `line 1: step: "" is not a duration`,
		"host_cost: -1ms":                    `line 1: host_cost: -1ms is too small`,
		"max_batch: 0":                       `line 1: max_batch: 0 is too small`,
		"max_batch: 1.5":                     `line 1: max_batch: "1.5" is not a whole number`,
		"tokens_per_step: .inf":              `line 1: tokens_per_step: .inf is too great`,
		"tokens_per_step: 1e300":             `line 1: tokens_per_step: 1e300 is too great`,
		"max_batch: many":                    `line 1: max_batch: "many" is not a whole number`,
		"stream_interval: -1":                `line 1: stream_interval: -1 is too small`,
		"tokens_per_step: .nan":              `line 1: tokens_per_step: .nan is too small`,
		"whole_prompts: 3":                   `line 1: whole_prompts: "3" is not true or false`,
		"name: mine\nbase: nothing":          `line 2: base: unknown profile "nothing": there are ideal`,
		"step: 1ms\nstep: 2ms":               `line 2: step is given twice`,
		"name: [1]":                          `line 1: name is not a text`,
		"- a":                                `not a profile: it has no lines`,
		"":                                   `not a profile: it has no lines`,
		"step: 1ms\n---\nstep: 2ms":          `not a profile: it has more than one document`,
		"step: 1ms\n  max_batch: [":          `not a profile: yaml: `,
		"max_batch: 99999999999999999999999": `line 1: max_batch: "99999999999999999999999" is not a whole number`,
	} {
		if _, err := ReadProfile(strings.NewReader(bad)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", bad, err, want)
		}
	}
}
