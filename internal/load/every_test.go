package load

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/pkg/client"
)

// TestEvery: due times are absolute, whatever a request takes, and those under way at the end
// are finished.
func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sleeper{origin: time.Now()}
		time.Sleep(3 * ms)
		until, stop := context.WithTimeout(t.Context(), 100*ms)
		defer stop()
		var mu sync.Mutex
		all := map[int]*client.Result{}
		Every(until, t.Context(), s, Repeated{Start: s.Now(), Period: 30 * ms}, &client.Prepared{PromptLen: 75}, func(k int, r *client.Result) {
			mu.Lock()
			defer mu.Unlock()
			all[k] = r
		})
		if len(all) != 4 || s.Now() != 168*ms || s.most.Load() != 3 {
			t.Errorf("%d requests until %v, %d at once", len(all), s.Now(), s.most.Load())
		}
		for k, r := range all {
			if due := time.Duration(3+30*k) * ms; r.Due != due || r.Handed != due || r.Permit != due || r.End != due+75*ms || r.Err != nil {
				t.Errorf("request %d: %+v", k, r)
			}
		}
	})
}
