package judge

import (
	"cmp"
	"fmt"
	"slices"

	"loadgen/pkg/metrics"
)

// coldStart reports that the server was slower at first: to its first answer, or in
// its first wave's pace.
func (f *FindingsReader) coldStart() *Finding {
	order := make([]int32, len(f.answers)) // of the answers
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(f.answers[a].start, f.answers[b].start) })
	// Of those that begin together the first to be served counts, which waits for no other.
	wave := 1
	if f.run.Rate <= 0 {
		wave = f.run.Concurrency
	}
	if n := len(order); wave > 0 && n >= max(10, 3*wave) {
		first, rest := f.ttfts(order[:wave]).Ranks(0)[0], f.ttfts(order[wave:])
		if median := rest.Median(); median > 0 && first > 5*median && first > 2*rest.Percentiles(95)[0] {
			return some(find("cold_start", fmt.Sprintf("the first answer took %s to its first token, the others %s (median): the server was cold", short(first), short(median)),
				"first_s", first, "median_s", median).withHint("warmup"))
		}
	}
	if c := f.run.Concurrency; c > 0 && len(order) >= 3*c {
		early := f.gapsOfAll(order[:c])
		e := early.Percentiles(50)[0]
		if early.Len() < 10 || e <= 1e-3 || !f.mostlyBelow(order[c:], e/2) {
			return nil
		}
		if l := f.gapsOfAll(order[c:]).Percentiles(50)[0]; e > 2*l && l >= smallGap.Seconds() {
			return some(find("cold_start", fmt.Sprintf("the first %d answers came at %s a chunk, the others at %s: the server was cold", c, short(e), short(l)),
				"first_s", e, "median_s", l).withHint("warmup"))
		}
	}
	return nil
}

// ttfts are the times to the first event.
func (f *FindingsReader) ttfts(answers []int32) *metrics.List {
	all := new(metrics.List)
	for _, i := range answers {
		all.Add(f.answers[i].ttft.Seconds())
	}
	return all
}

// mostlyBelow reports whether at least half of the gaps of some answers are below a limit,
// as they are where their median is.
func (f *FindingsReader) mostlyBelow(answers []int32, limit float64) bool {
	below, all := 0, 0
	for _, i := range answers {
		a := &f.answers[i]
		all += int(a.gaps)
		below += f.itl.Below(int(a.gap), int(a.gap+a.gaps), limit)
	}
	return 2*below >= all
}

// gapsOfAll are the gaps of some answers.
func (f *FindingsReader) gapsOfAll(answers []int32) *metrics.List {
	all := new(metrics.List)
	for _, i := range answers {
		a := &f.answers[i]
		all.AddFrom(f.itl, int(a.gap), int(a.gap+a.gaps))
	}
	return all
}
