package recording

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadgen/internal/health"
	"loadgen/internal/ranks"
	"loadgen/pkg/client"
)

// ofRank is what a rank recorded of a run.
func ofRank(index, size, n int) *Recording {
	r := recorded(n)
	r.Rank = &Rank{Rank: ranks.Rank{Index: index, Size: size, From: "V"}, Host: "h", Run: "r", Start: time.Date(2026, 7, 1, 10, 0, 0, 5, time.UTC), At: 77,
		Clock: ranks.Clock{Source: "barrier", Offset: -3, Uncertainty: 4}, UTC: ranks.Clock{Source: "chrony", Uncertainty: 5}}
	for i := range r.Planned {
		if r.Planned[i] = (Planned{PromptLen: 5, OutputLen: i}); i%size != index {
			r.Results[i] = nil
		}
	}
	return r
}

// TestRankIsKept: what a file says of ranks is read as it was written, and checked.
func TestRankIsKept(t *testing.T) {
	want := ofRank(1, 4, 20)
	got, err := Read(bytes.NewReader(written(t, want, false)))
	if err != nil || cmp.Diff(want, got, equal) != "" {
		t.Error(err, cmp.Diff(want, got, equal))
	}
	for _, bad := range []ranks.Rank{{Index: 4, Size: 4}, {Index: -1, Size: 4}, {Size: 0}, {Size: ranks.MostRanks + 1}} {
		r := ofRank(1, 4, 20)
		r.Rank.Rank = bad
		if _, err := Read(bytes.NewReader(written(t, r, false))); err == nil || !strings.Contains(err.Error(), "its header: rank") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	whole := recorded(20)
	whole.Parts = []Part{{Rank: *want.Rank, Health: health.Report{Wall: 5}, Elapsed: 7, Notes: []Note{{Code: "c"}}}, {Rank: Rank{Rank: ranks.Rank{Index: 3, Size: 4}}}}
	if got, err = Read(bytes.NewReader(written(t, whole, false))); err != nil || cmp.Diff(whole, got, equal) != "" {
		t.Error(err, cmp.Diff(whole, got, equal))
	}
	whole.Parts[1].Index = 1
	if _, err := Read(bytes.NewReader(written(t, whole, false))); err == nil {
		t.Error("two parts of one rank are read")
	}
}

// TestKilledRank: the schedule began when all did, not with a rank's first request.
func TestKilledRank(t *testing.T) {
	want := ofRank(3, 4, 20)
	got, err := Read(bytes.NewReader(written(t, want, true)))
	if err != nil || !got.Killed || got.Start != 77 || got.Elapsed <= 0 {
		t.Errorf("%v, started at %v, %v long", err, got.Start, got.Elapsed)
	}
	want.Results = make([]*client.Result, 20)
	if got, err = Read(bytes.NewReader(written(t, want, true))); err != nil || got.Elapsed != 0 {
		t.Errorf("%v, %v long", err, got.Elapsed)
	}
}

// TestShareOfARank: a rank's requests, slots and rate; one process alone has all.
func TestShareOfARank(t *testing.T) {
	r := ofRank(1, 4, 21)
	r.Settings.MaxConcurrency, r.Settings.RequestRate = new(6), 8
	if r.Count() != 5 || r.Concurrency() != 2 || r.Rate() != 2 || !r.Owns(5) || r.Owns(6) {
		t.Errorf("%d requests, concurrency %d, rate %v", r.Count(), r.Concurrency(), r.Rate())
	}
	r.Rank = nil
	if r.Count() != 21 || r.Concurrency() != 6 || r.Rate() != 8 || !r.Owns(6) {
		t.Errorf("alone: %d requests, concurrency %d, rate %v", r.Count(), r.Concurrency(), r.Rate())
	}
}

// TestPart: a part of a merged recording is what its rank recorded, whichever are missing.
func TestPart(t *testing.T) {
	r := recorded(20)
	for i := range r.Planned {
		r.Planned[i].Conversation = 0
	}
	for _, index := range []int{1, 3} {
		r.Parts = append(r.Parts, Part{Rank: Rank{Rank: ranks.Rank{Index: index, Size: 4}}, Health: health.Report{Cores: index}, Notes: []Note{{Code: "c"}}})
	}
	if r.HealthOf(5).Cores != 1 || r.HealthOf(7).Cores != 3 || r.HealthOf(4) != &r.Health {
		t.Error("a request has another rank's health")
	}
	p := r.Part(1)
	for i, q := range p.Results {
		if want := r.Results[i]; i%4 != 3 && q != nil || i%4 == 3 && q != want {
			t.Errorf("request %d", i)
		}
	}
	if p.Rank.Index != 3 || p.Parts != nil || p.Health.Cores != 3 || p.Before != nil || p.Count() != 5 || p.Interrupted || len(p.Notes) != 1 {
		t.Errorf("%+v", p)
	}
}

// TestDifferences: settings that processes may each have their own of are no differences.
func TestDifferences(t *testing.T) {
	a, b := Defaults(), Defaults()
	b.ResultDir, b.SaveTimeline, b.Rank = new("x"), new("y"), new("1/2")
	if d := Differences(&a, &b); d != nil {
		t.Errorf("%+v", d)
	}
	b.Seed, b.Goodput = 5, &[]string{"ttft:5"}
	want := []Difference{{"seed", "0", "5"}, {"goodput", "null", `["ttft:5"]`}}
	if d := cmp.Diff(want, Differences(&a, &b)); d != "" {
		t.Error(d)
	}
	for _, name := range local {
		found := false
		for _, m := range a.Object() {
			found = found || m.Key == name
		}
		if !found {
			t.Errorf("there is no setting %s", name)
		}
	}
}
