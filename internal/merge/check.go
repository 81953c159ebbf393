package merge

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"loadgen/internal/ranks"
	"loadgen/internal/recording"
)

// Mismatch is why recordings are not of one run.
type Mismatch struct{ Text string }

func (m *Mismatch) Error() string { return m.Text }

func mismatch(format string, args ...any) error { return &Mismatch{fmt.Sprintf(format, args...)} }

// Partial is what is missing of a run.
type Partial struct{ Missing []string }

func (p *Partial) Error() string {
	return "not all of the run is there: " + strings.Join(p.Missing, "; ")
}

// checkRanks checks that each recording is that of a rank, of as many as the others are of,
// and that no two are of one.
func checkRanks(sources []Source) error {
	if len(sources) == 0 {
		return errors.New("there are no recordings to merge")
	}
	names := map[int]string{}
	for _, s := range sources {
		switch first := sources[0]; {
		case len(s.Parts) > 0:
			return mismatch("%s is a merged run already", s.Name)
		case s.Rank == nil || s.Rank.Alone():
			return mismatch("%s is a whole run of one process, of which there is nothing to merge", s.Name)
		case s.Rank.Size != first.Rank.Size:
			return mismatch("%s is of a run of %d ranks, and %s of one of %d", s.Name, s.Rank.Size, first.Name, first.Rank.Size)
		}
		if other, twice := names[s.Rank.Index]; twice {
			return mismatch("rank %d is there twice: %s and %s", s.Rank.Index, other, s.Name)
		}
		names[s.Rank.Index] = s.Name
	}
	return nil
}

// missing is what keeps recordings of one run from being all of it.
func missing(sources []Source) (lacks []string) {
	there := ranksOf(sources)
	var absent []int
	for i := range sources[0].Rank.Size {
		if !slices.ContainsFunc(there, func(r ranks.Rank) bool { return r.Index == i }) {
			absent = append(absent, i)
		}
	}
	if len(absent) > 0 {
		lacks = append(lacks, fmt.Sprintf("there is no recording of %s", ranks.List(absent)))
	}
	for _, s := range sources {
		switch {
		case s.Killed:
			lacks = append(lacks, fmt.Sprintf("rank %d was killed during the run: %s has %d of its %d requests", s.Rank.Index, s.Name, s.Sent(), s.Count()))
		case s.Lost > 0:
			lacks = append(lacks, fmt.Sprintf("rank %d: %d bytes at the end of %s are no whole record", s.Rank.Index, s.Lost, s.Name))
		case s.Interrupted:
			lacks = append(lacks, fmt.Sprintf("rank %d was interrupted: it sent %d of its %d requests", s.Rank.Index, s.Sent(), s.Count()))
		}
	}
	return lacks
}

// same checks that recordings are of one run, by what the first says of it.
func same(sources []Source) error {
	first := sources[0]
	for _, s := range sources[1:] {
		if err := sameRun(first, s); err != nil {
			return err
		}
	}
	for _, s := range sources {
		if err := checkClock(s); err != nil {
			return err
		}
		for i := range s.All() {
			if !s.Owns(i) {
				return mismatch("%s has request %d, which is not rank %d's", s.Name, i, s.Rank.Index)
			}
		}
	}
	return nil
}

// sameRun checks a recording against the first.
func sameRun(a, b Source) error {
	of := func(what, x, y string) error {
		return mismatch("the ranks have different %s: %s in %s, %s in %s", what, x, a.Name, y, b.Name)
	}
	if a.Version != b.Version {
		return of("versions of loadgen", a.Version, b.Version)
	}
	if different := recording.Differences(&a.Settings, &b.Settings); len(different) > 0 {
		d := different[0]
		return of(what(d.Setting), d.A, d.B)
	}
	switch {
	case a.Prompts != b.Prompts:
		return of("prompts, though their settings are the same: their data sets or tokenizers differ", a.Prompts, b.Prompts)
	case !slices.Equal(a.Stages, b.Stages):
		return mismatch("%s and %s have different schedules: their files of stages differ", a.Name, b.Name)
	case !samePlan(a.Recording, b.Recording):
		return mismatch("%s and %s have different plans", a.Name, b.Name)
	case a.Rank.Run != b.Rank.Run:
		return mismatch("%s and %s are of two runs with the same settings", a.Name, b.Name)
	}
	if apart := a.Rank.Start.Sub(b.Rank.Start); apart != 0 {
		return mismatch("%s and %s are of two runs, or had two schedules: they were to start at %s and at %s", a.Name, b.Name, instant(a.Rank), instant(b.Rank))
	}
	return nil
}

// samePlan reports whether two ranks had the same plan, as far as each of them came where time
// ended the run.
func samePlan(a, b *recording.Recording) bool {
	x, y := a.Planned, b.Planned
	if n := min(len(x), len(y)); a.Repeats {
		x, y = x[:n], y[:n]
	}
	return a.Repeats == b.Repeats && slices.Equal(x, y)
}

func instant(r *recording.Rank) string { return r.Start.UTC().Format("2006-01-02T15:04:05.000Z") }

// what names a setting as people do.
func what(setting string) string {
	switch setting {
	case "seed":
		return "seeds"
	case "model":
		return "models"
	case "request_rate", "burstiness", "max_concurrency", "num_prompts", "start_at":
		return "schedules (" + setting + ")"
	}
	return "settings (" + setting + ")"
}

// checkClock checks that a rank began with the others.
func checkClock(s Source) error {
	for _, c := range []ranks.Clock{s.Rank.Clock, s.Rank.UTC} {
		if c.Apart() {
			return mismatch("the clock of rank %d on %s was %v off, more than %v: let chrony or PTP set it and run again", s.Rank.Index, s.Rank.Host, c, ranks.MostApart)
		}
	}
	return nil
}
