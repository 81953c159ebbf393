package trtsim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/golden"
)

// figures are what a benchmark of a profile gives, in ms and tokens/s.
type figures struct {
	TTFT   float64 `json:"mean_ttft_ms"`
	TPOT   float64 `json:"mean_tpot_ms"`
	E2EL   float64 `json:"mean_e2el_ms"`
	ITL50  float64 `json:"median_itl_ms"`
	Tokens float64 `json:"output_throughput"`
}

// load runs five requests for each of so many concurrent ones, of 512 tokens in
// and 128 out, through an engine in virtual time.
func load(t *testing.T, p Profile, concurrency int) (f figures) {
	const in, out = 512, 128
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		e := newEngine(p, 0)
		go e.run(ctx)
		n := 5 * concurrency
		var mu sync.Mutex
		var gaps []float64
		next := 0
		start := time.Now()
		var clients sync.WaitGroup
		for c := range concurrency {
			clients.Go(func() {
				time.Sleep(time.Duration(c) * 200 * time.Microsecond) // as requests are read and tokenised one by one
				for ; ; time.Sleep(time.Duration(c) * 200 * time.Microsecond) {
					mu.Lock()
					i := next
					next++
					mu.Unlock()
					if i >= n {
						return
					}
					ids := make([]int, in)
					for k := range ids {
						ids[k] = i*in + k
					}
					j := newJob(ids, out)
					sent := time.Now()
					e.submit(j)
					first, last := time.Duration(0), time.Duration(0)
					for tokens := 0; tokens < out; {
						all, _ := j.box.wait(ctx)
						for _, d := range all {
							now := time.Since(sent)
							if tokens == 0 {
								first = now
							} else {
								mu.Lock()
								gaps = append(gaps, 1e3*(now-last).Seconds())
								mu.Unlock()
							}
							last, tokens = now, d.tokens
						}
					}
					mu.Lock()
					f.TTFT += 1e3 * first.Seconds() / float64(n)
					f.E2EL += 1e3 * last.Seconds() / float64(n)
					f.TPOT += 1e3 * (last - first).Seconds() / (out - 1) / float64(n)
					mu.Unlock()
				}
			})
		}
		clients.Wait()
		f.Tokens = float64(n*out) / time.Since(start).Seconds()
		slices.Sort(gaps)
		f.ITL50 = quantile(gaps, 0.5)
		cancel()
	})
	return f
}

func TestProfilesResembleTheOrigins(t *testing.T) {
	for _, pair := range [][2]string{{"origin-pytorch", "pytorch_hf"}, {"origin-trt", "trt_engine"}} {
		profile, dir := pair[0], pair[1]
		p, err := FindProfile(profile)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, c := range []int{16, 64, 128} {
			var want figures
			golden.Read(t, golden.TestData("golden", "origin_results", dir, fmt.Sprintf("concurrency_%d.json", c)), &want)
			got := load(t, p, c)
			t.Logf("| %s | %d | %s | %s | %s | %s | %.2f |", profile, c, beside(got.TTFT, want.TTFT), beside(got.TPOT, want.TPOT),
				beside(got.E2EL, want.E2EL), beside(got.Tokens, want.Tokens), got.ITL50)
			for name, pair := range map[string][2]float64{"TTFT": {got.TTFT, want.TTFT}, "TPOT": {got.TPOT, want.TPOT}, "E2EL": {got.E2EL, want.E2EL}, "tokens/s": {got.Tokens, want.Tokens}} {
				if r := pair[0] / pair[1]; r < 0.85 || r > 1.15 {
					t.Errorf("%s at %d: %s %.1f, the origin's %.1f (%+.0f %%)", profile, c, name, pair[0], pair[1], 100*(r-1))
				}
			}
			if profile == "origin-pytorch" && c >= 64 && got.ITL50 >= 0.2 {
				t.Errorf("%s at %d: median ITL %.2f ms, want below 0.2", profile, c, got.ITL50)
			}
		}
	}
}

// beside writes a figure beside the origin's.
func beside(got, want float64) string {
	return fmt.Sprintf("%.1f (%.1f, %+.0f %%)", got, want, 100*(got/want-1))
}
