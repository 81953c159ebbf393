package barrier

import (
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhoIsGone: of three ranks that beat, one ends without a word a minute after the last
// meeting, and rank 0 is late for the next by as long. Rank 0 says who is gone, half a minute
// after it came, and the other does not wait either.
func TestWhoIsGone(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				o := process(dir, i, 3, 0)
				o.Limit = time.Hour
				b, _, err := Join(t.Context(), o, nil)
				if err != nil {
					t.Errorf("rank %d: %v", i, err)
					return
				}
				stop := b.Beat()
				defer stop()
				if i == 2 {
					time.Sleep(time.Minute)
					return
				}
				time.Sleep(time.Duration(2-i) * time.Minute)
				began := time.Now()
				_, err = b.Meet(t.Context(), "load over", nil)
				var gone *GoneError
				var left *LeftError
				const text = "no sign of life from rank 2 for 30s: killed or stopped?"
				switch waited := time.Since(began); {
				case i == 0 && (!errors.As(err, &gone) || gone.Error() != text || waited < 30*time.Second || waited > 36*time.Second):
					t.Errorf("rank 0: %v after %v", err, waited)
				case i == 1 && (!errors.As(err, &left) || left.Rank != 0 || left.Why != text || waited < 90*time.Second || waited > 96*time.Second):
					t.Errorf("rank 1: %v after %v", err, waited)
				}
				if i == 0 {
					b.Leave(err)
				}
			})
		}
		all.Wait()
	})
}

// TestWhoIsSlow: who beats is waited for, and so are all where this rank's own beats cannot be
// written: the file system is at fault then, and nobody gone.
func TestWhoIsSlow(t *testing.T) {
	for _, stuck := range []bool{false, true} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			var all sync.WaitGroup
			for i := range 2 {
				all.Go(func() {
					o := process(dir, i, 2, 0)
					o.Limit = time.Hour
					b, _, err := Join(t.Context(), o, nil)
					if err != nil {
						t.Errorf("rank %d: %v", i, err)
						return
					}
					if stuck && i == 0 {
						if err := os.Mkdir(b.aliveFile(0), 0o777); err != nil {
							t.Error(err)
						}
					}
					if !stuck || i == 0 {
						defer b.Beat()()
					}
					time.Sleep(time.Duration(i) * 10 * time.Minute)
					if _, err := b.Meet(t.Context(), "load over", nil); err != nil {
						t.Errorf("stuck %v, rank %d: %v", stuck, i, err)
					}
				})
			}
			all.Wait()
		})
	}
}
