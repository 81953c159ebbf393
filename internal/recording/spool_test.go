package recording

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadgen/pkg/client"
)

// spooled puts results into a spool, from several goroutines and in another order than the
// plan's; of each tenth there is none.
func spooled(t *testing.T, n int) (s *Spool, want []*client.Result) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	s, want = NewSpool(), make([]*client.Result, n) // an even number
	for i := range want {
		if i%10 != 7 {
			want[i] = result(rng, i)
			if want[i].Err != nil {
				want[i].Err.Cause = nil
			}
		}
	}
	var workers sync.WaitGroup
	const size = 8
	for w := range size {
		workers.Go(func() {
			for i := w; i < n; i += size {
				if j := i ^ 1; j < n && want[j] != nil {
					s.Add(j, want[j])
				}
			}
		})
	}
	workers.Wait()
	return s, want
}

// checkSpool compares what a recording gives with what was put in.
func checkSpool(t *testing.T, s *Spool, want []*client.Result) {
	t.Helper()
	rec := &Recording{Spool: s, Results: make([]*client.Result, len(want)), Planned: make([]Planned, len(want))}
	rec.Results[7] = &client.Result{Due: 5}
	k, text := 0, 0
	for i, r := range rec.All() {
		for want[k] == nil && k != 7 {
			k++
		}
		if i != k || i != 7 && !bytes.Equal(encode(i, r), encode(i, want[i])) {
			t.Fatalf("request %d, want %d: %s", i, k, cmp.Diff(want[i], r, equal))
		}
		text += textBytes(r)
		k++
	}
	if all := rec.Sliced(); rec.Sent() != len(want)*9/10+1 || rec.TextBytes() != text || all[7].Due != 5 || all[17] != nil || !cmp.Equal(all[18], want[18], equal) {
		t.Errorf("%d were sent, %d bytes of text, want %d", rec.Sent(), rec.TextBytes(), text)
	}
	if n, err := s.Unread(); n > 0 {
		t.Errorf("%d were not read back: %v", n, err)
	}
}

// TestSpool: results come back in the order of the plan, from a file of which nothing is seen.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s, want := spooled(t, 20000)
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	checkSpool(t, s, want)
}

// TestSpoolWithoutADisk: where no file can be made the results stay in memory.
func TestSpoolWithoutADisk(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	s, want := spooled(t, 20000)
	if err := s.Finish(); err == nil {
		t.Error("a file in a directory that is not there")
	}
	checkSpool(t, s, want)
}

// TestSpoolUnread counts what a file does not give back.
func TestSpoolUnread(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, want := spooled(t, 20000)
	for written := false; !written; {
		s.mu.Lock()
		written = s.parts[0].data == nil
		s.mu.Unlock()
		runtime.Gosched()
	}
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	s.file.Truncate(10)
	rec := &Recording{Spool: s, Planned: make([]Planned, len(want))}
	read := 0
	for range rec.All() {
		read++
	}
	if n, err := s.Unread(); n == 0 || err == nil || read+n != s.Len() {
		t.Errorf("%d were read, %d were not, of %d: %v", read, n, s.Len(), err)
	}
}

// TestEmptySpool: a spool that nothing was put into makes nothing and holds nothing.
func TestEmptySpool(t *testing.T) {
	s := NewSpool()
	rec := &Recording{Spool: s, Planned: make([]Planned, 5)}
	if err := s.Finish(); err != nil || s.Len() != 0 || rec.Result(3) != nil || s.file != nil {
		t.Errorf("%d results, %v", s.Len(), err)
	}
}
