package barrier

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/ranks"
)

// process is a rank of a test; its clock is off.
func process(dir string, index, size int, off time.Duration) Options {
	return Options{Dir: dir, Rank: ranks.Rank{Index: index, Size: size}, Host: "host" + string(rune('a'+index)),
		Now: func() time.Time { return time.Now().Add(off) }, Limit: time.Minute}
}

// said are the texts of a gathering.
func said(g *Gathering) string {
	var all []string
	for _, s := range g.Said {
		all = append(all, string(s))
	}
	return strings.Join(all, " ")
}

// TestMeetings: four ranks, who come at different times, meet twice, in a directory in which
// an earlier run has met. Nobody goes on before all have come, and the clocks' offsets are
// within what the measurement says.
func TestMeetings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	offsets := []time.Duration{0, 3 * time.Second, -70 * time.Millisecond, 0}
	for round := range 2 {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var all sync.WaitGroup
			runs := make([]string, len(offsets))
			for i, off := range offsets {
				all.Go(func() {
					time.Sleep(time.Duration((i+round)%4) * 700 * time.Millisecond) // in round 1 rank 0 is late
					b, g, err := Join(t.Context(), process(dir, i, len(offsets), off), i*i)
					if err != nil {
						t.Errorf("rank %d: %v", i, err)
						return
					}
					runs[i] = b.Run()
					if said(g) != "0 1 4 9" || strings.Join(g.Hosts, " ") != "hosta hostb hostc hostd" || time.Since(began) < 2100*time.Millisecond {
						t.Errorf("rank %d: %s of %v after %v", i, said(g), g.Hosts, time.Since(began))
					}
					for _, point := range []string{"a", "b", "c"} {
						if _, err := b.Meet(t.Context(), point, point); err != nil {
							t.Errorf("rank %d: %v", i, err)
							return
						}
					}
					c := b.Clock()
					if (c.Offset-off).Abs() > c.Uncertainty || c.Uncertainty > 10*time.Millisecond || !c.Known() {
						t.Errorf("rank %d: its clock is off by %v, measured %v", i, off, c)
					}
					if apart := c.Apart(); apart != (i == 1) {
						t.Errorf("rank %d: apart %v", i, apart)
					}
				})
			}
			all.Wait()
			for _, r := range runs {
				if r == "" || r != runs[0] {
					t.Errorf("runs %q", runs)
				}
			}
		})
	}
}

// TestLeftovers: what ranks of an earlier run said, which ended after their first meeting, is not
// taken for what the ranks of this one say, which come later than rank 0.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	for _, mine := range []string{"earlier", "now"} {
		synctest.Test(t, func(t *testing.T) {
			var all sync.WaitGroup
			for i := range 3 {
				all.Go(func() {
					time.Sleep(time.Duration(i) * time.Second)
					_, g, err := Join(t.Context(), process(dir, i, 3, 0), mine)
					if want := strings.Repeat(`"`+mine+`" `, 3); err != nil || said(g)+" " != want {
						t.Errorf("rank %d: %v, %v", i, g, err)
					}
				})
			}
			all.Wait()
		})
	}
}

// TestWhoDoesNotCome: those who wait name who is missing.
func TestWhoDoesNotCome(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		waits := make(chan string, 10)
		for _, i := range []int{0, 2} {
			all.Go(func() {
				o := process(dir, i, 4, 0)
				o.OnWait = func(text string, _ time.Duration) { waits <- text }
				if i == 2 {
					o.Limit += time.Minute
				}
				_, _, err := Join(t.Context(), o, nil)
				var late *TimeoutError
				var gone *LeftError
				switch {
				case i == 0 && (!errors.As(err, &late) || !strings.HasPrefix(err.Error(), "ranks 1 and 3 did not come")):
					t.Errorf("rank 0: %v", err)
				case i == 2 && (!errors.As(err, &gone) || !strings.Contains(err.Error(), "rank 0 on hosta gave up before the run: ranks 1 and 3")):
					t.Errorf("rank 2: %v", err)
				}
			})
		}
		all.Wait()
		close(waits)
		texts := map[string]int{}
		for text := range waits {
			texts[text]++
		}
		if texts["waiting for ranks 1 and 3 in "+dir] != 1 || texts["waiting for rank 0 in "+dir] != 1 || texts[""] != 2 {
			t.Errorf("%v", texts)
		}
	})
}

// TestWhoLeaves: what ends one rank before the run ends the others, with its reason.
func TestWhoLeaves(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				b, _, err := Join(t.Context(), process(dir, i, 3, 0), nil)
				if err != nil {
					t.Errorf("rank %d: %v", i, err)
					return
				}
				if i == 1 {
					time.Sleep(time.Second)
					b.Leave(errors.New("no such file"))
					return
				}
				_, err = b.Meet(t.Context(), "prepared", nil)
				if err == nil || err.Error() != "rank 1 on hostb gave up before the run: no such file" {
					t.Errorf("rank %d: %v", i, err)
				}
				b.Leave(err) // is not passed on as a reason of one's own
			})
		}
		all.Wait()
		if text, _ := os.ReadFile(filepath.Join(dir, leftFile)); !strings.Contains(string(text), `"why":"no such file"`) {
			t.Errorf("%s", text)
		}
	})
}

// TestMistakenIdentity: two processes with one rank, two runs in one directory, ranks of
// different sizes.
func TestMistakenIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		second Options // comes later
		want   map[int]string
	}{
		"two of a rank": {process("", 1, 2, 0), map[int]string{0: "two processes are rank 1", 1: "two processes are rank 1", 2: "two processes are rank 1"}},
		"two runs":      {process("", 0, 2, 0), map[int]string{0: "another process is rank 0", 1: "gave up before the run: another process is rank 0", 2: "did not come"}},
		"another size":  {process("", 1, 3, 0), map[int]string{0: "rank 1 on hostb is one of 3 processes, and rank 0 of 2", 2: "rank 1 on hostb is one of 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				c.second.Dir = dir
				all := []Options{process(dir, 0, 2, 0), process(dir, 1, 2, 0), c.second}
				if name == "another size" {
					all[1].Dir = filepath.Join(dir, "elsewhere")
				}
				var wait sync.WaitGroup
				for i, o := range all {
					wait.Go(func() {
						time.Sleep(time.Duration(i) * 100 * time.Millisecond)
						b, _, err := Join(t.Context(), o, nil)
						for k := 0; k < 3 && err == nil; k++ {
							time.Sleep(time.Second)
							if _, err = b.Meet(t.Context(), "point "+string(rune('a'+k)), nil); err != nil {
								b.Leave(err)
							}
						}
						if want := c.want[i]; want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
							t.Errorf("process %d: %v, want %s", i, err, want)
						}
					})
				}
				wait.Wait()
			})
		})
	}
}

// TestTwins: two processes with one rank find each other though rank 0 looks no more.
func TestTwins(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		for i, o := range []Options{process(dir, 0, 2, 0), process(dir, 1, 2, 0), process(dir, 1, 2, 0)} {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				began := time.Now()
				b, _, err := Join(t.Context(), o, nil)
				if i == 1 && err == nil {
					time.Sleep(time.Second)
					_, err = b.Meet(t.Context(), "prepared", nil)
				}
				if i > 0 && (err == nil || !strings.Contains(err.Error(), "two processes are rank 1") || time.Since(began) > 5*time.Second) {
					t.Errorf("process %d: %v after %v", i, err, time.Since(began))
				}
			})
		}
		all.Wait()
	})
}

// TestInterrupted: a wait ends with its context.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("interrupted")
		time.AfterFunc(time.Second, func() { cancel(why) })
		if _, _, err := Join(ctx, process(t.TempDir(), 1, 2, 0), nil); !errors.Is(err, why) {
			t.Error(err)
		}
	})
}

// TestUnwritable: a directory that cannot be.
func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Join(t.Context(), process(file, 0, 2, 0), nil); err == nil {
		t.Error("a file is a directory")
	}
}
