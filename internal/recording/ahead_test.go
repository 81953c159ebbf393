package recording

import (
	"bytes"
	"testing"

	"loadgen/pkg/client"
)

// TestReadersOfASpool: each gets all requests in the order of the plan, what was
// prepared of a request is there when it is read, and one may end early.
func TestReadersOfASpool(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, want := spooled(t, 3000)
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	rec := &Recording{Spool: s, Planned: make([]Planned, len(want)), Results: make([]*client.Result, len(want))}
	rec.Results[7] = &client.Result{Due: 5}
	want[7] = rec.Results[7]
	check := func(next *int) func(i int, q *client.Result) {
		return func(i int, q *client.Result) {
			for want[*next] == nil {
				*next++
			}
			if i != *next || !bytes.Equal(encode(i, q), encode(i, want[i])) {
				t.Errorf("request %d, want %d", i, *next)
			}
			*next++
		}
	}
	all := 0
	read := check(&all)
	for i, q := range rec.All() {
		read(i, q)
	}
	if all != len(want) {
		t.Errorf("read %d of %d", all, len(want))
	}
	var slots [Slots]int
	next, prepared := 0, 0
	read = check(&next)
	rec.Prepared(func(slot, i int, q *client.Result) { slots[slot] = i; prepared++ })(func(slot, i int, q *client.Result) bool {
		if read(i, q); slots[slot] != i {
			t.Errorf("slot %d has request %d, want %d", slot, slots[slot], i)
		}
		return i < 1000
	})
	if next <= 1000 || next > 1010 || prepared > next+Slots {
		t.Errorf("read %d, prepared %d", next, prepared)
	}
	for range rec.All() {
		break
	}
	if n, err := s.Unread(); n > 0 {
		t.Errorf("%d were not read back: %v", n, err)
	}
}

// TestProbesAreWritten: a run that is written has its probes.
func TestProbesAreWritten(t *testing.T) {
	rec := recorded(20)
	rec.Probes, rec.ProbeSpool = []*client.Result{{Due: 1}}, NewSpool()
	rec.ProbeSpool.Add(1, &client.Result{Due: 2})
	var out bytes.Buffer
	if err := rec.Write(&out); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(&out); err != nil || len(got.Probes) != 2 || got.Probes[1].Due != 2 {
		t.Errorf("%v: %v", err, got)
	}
}
