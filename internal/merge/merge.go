// Package merge makes one recording of those of the processes that made a run together: what
// one process would have recorded, request for request. It takes recordings and gives a
// recording, or says what keeps them from being one run. It reads no clock and no file, and
// derives nothing: the merged recording is analyzed as any other.
package merge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// Source is a rank's recording, and what to call it.
type Source struct {
	Name string
	*recording.Recording
}

// Merge makes one recording of all ranks'. The error is a *Mismatch where they cannot be of
// one run, a *Partial where some of the run is missing, unless partial allows that: the
// merged recording is marked as interrupted then. The sources must not be used again: the
// merged recording has their requests.
func Merge(sources []Source, partial bool) (*recording.Recording, error) {
	sources = slices.Clone(sources)
	if err := checkRanks(sources); err != nil {
		return nil, err
	}
	slices.SortStableFunc(sources, func(a, b Source) int { return cmp.Compare(a.Rank.Index, b.Rank.Index) })
	if err := same(sources); err != nil {
		return nil, err
	}
	lacks := missing(sources)
	if len(lacks) > 0 && !partial {
		return nil, &Partial{lacks}
	}
	first := sources[0].Recording
	out := *first
	out.Rank, out.Spool, out.Interrupted, out.Killed, out.Lost = nil, nil, len(lacks) > 0, false, 0
	out.Health, out.Notes, out.GPU = health.Report{}, nil, nil
	for _, s := range sources { // of a run that ended by time one may have come further
		if len(s.Planned) > len(out.Planned) {
			out.Planned = s.Planned
		}
	}
	out.Results = make([]*client.Result, len(out.Planned))
	out.Parts, out.Probes, out.ProbeSpool = nil, probes(sources), nil
	for _, s := range sources {
		by := first.Start - s.Start
		for i, r := range s.All() {
			shift(r, by)
			out.Results[i] = r
		}
		h := shiftHealth(s.Health, by)
		out.Parts = append(out.Parts, recording.Part{Rank: *s.Rank, Machine: s.Machine, Health: h,
			Began: s.Began, Ended: s.Ended, Elapsed: s.Elapsed, Interrupted: s.Interrupted, Notes: s.Notes, Planned: s.Count()})
		out.Health = together(out.Health, h, len(out.Parts) == 1)
		out.Elapsed = max(out.Elapsed, s.Elapsed)
		if ended := s.Ended.Add(-s.Rank.Clock.Offset); ended.After(out.Ended) || len(out.Parts) == 1 {
			out.Ended = ended
		}
		if out.GPU == nil && s.GPU != nil {
			out.GPU = shiftGPU(s.GPU, by)
		}
		out.KernelStamps = out.KernelStamps || s.KernelStamps
		energy(&out, s.Recording)
	}
	out.Notes = notes(sources, lacks)
	return &out, nil
}

// probes are those of all ranks in the order in which they were due, on the first one's clock:
// those that one process would have sent, until the load of the last rank was over.
func probes(sources []Source) (all []*client.Result) {
	first, over := sources[0].Recording, time.Duration(0)
	for _, s := range sources {
		over = max(over, s.Elapsed)
	}
	for _, s := range sources {
		for _, q := range s.KeptProbes() {
			if q.Due-s.Start < over {
				shift(q, first.Start-s.Start)
				all = append(all, q)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *client.Result) int { return cmp.Compare(a.Due, b.Due) })
	return all
}

// energy keeps the first reading of the server's meter and the last of all ranks': it is the
// server's, and counts for all of them.
func energy(out, r *recording.Recording) {
	if r.Before != nil && (out.Before == nil || r.Before.QueryTime < out.Before.QueryTime) {
		out.Before = r.Before
	}
	if r.After != nil && (out.After == nil || r.After.QueryTime > out.After.QueryTime) {
		out.After = r.After
	}
}

// notes are those of all ranks, each once, and which ranks have it unless all do; and what is
// missing.
func notes(sources []Source, lacks []string) (out []recording.Note) {
	who := map[string][]int{}
	var order []recording.Note
	for _, s := range sources {
		for _, n := range s.Notes {
			key := n.Code + "\x00" + n.Text
			if who[key] == nil {
				order = append(order, n)
			}
			if of := who[key]; len(of) == 0 || of[len(of)-1] != s.Rank.Index {
				who[key] = append(of, s.Rank.Index)
			}
		}
	}
	for _, n := range order {
		if of := who[n.Code+"\x00"+n.Text]; len(of) < len(sources) {
			n.Text = ranks.List(of) + ": " + n.Text
		}
		out = append(out, n)
	}
	if len(lacks) > 0 {
		out = append(out, recording.Note{Code: "ranks_partial", Text: "merged without all of the run: " + strings.Join(lacks, "; ")})
	}
	if text := clocks(sources); text != "" {
		out = append(out, recording.Note{Code: "ranks_clocks", Text: text})
	}
	return out
}

// clocks says how well the ranks' common start is known, "" where it is to 10 ms.
func clocks(sources []Source) string {
	var unknown []int
	worst := time.Duration(0)
	for _, s := range sources {
		c := s.Rank.Clock
		if s.Rank.Run == "" { // each began by its own clock
			c = s.Rank.UTC
		}
		if c.Known() {
			worst = max(worst, c.Uncertainty)
		} else {
			unknown = append(unknown, s.Rank.Index)
		}
	}
	switch {
	case len(unknown) > 0:
		return fmt.Sprintf("the clock of %s was neither measured nor kept by chrony or PTP: the ranks may have started apart", ranks.List(unknown))
	case worst > 10*time.Millisecond:
		return fmt.Sprintf("the ranks may have started up to %v apart, as well as their clocks are known", (2 * worst).Round(time.Millisecond))
	}
	return ""
}

// shift moves a request's instants; what did not come to pass stays so.
func shift(r *client.Result, by time.Duration) {
	if by == 0 {
		return
	}
	for _, at := range []*time.Duration{&r.Due, &r.Handed, &r.Permit, &r.Start, &r.Connect, &r.Written, &r.FirstByte, &r.LastByte, &r.Ended, &r.End} {
		if *at != 0 {
			*at += by
		}
	}
	for i := range r.Events {
		r.Events[i].At += by
	}
}

func shiftHealth(h health.Report, by time.Duration) health.Report {
	h.Stalls, h.Steps = slices.Clone(h.Stalls), slices.Clone(h.Steps)
	for i := range h.Stalls {
		s := &h.Stalls[i]
		s.Since, s.From, s.To = s.Since+by, s.From+by, s.To+by
	}
	for i := range h.Steps {
		h.Steps[i].At += by
	}
	return h
}

// ranksOf are the numbers of the sources' ranks.
func ranksOf(sources []Source) (out []ranks.Rank) {
	for _, s := range sources {
		out = append(out, s.Rank.Rank)
	}
	return out
}
