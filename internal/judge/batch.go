package judge

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// change is a step in how many requests are under way and how many decode.
type change struct {
	at                 time.Duration
	underWay, decoding int
}

// changes are the starts, first events and ends of the successes in the order of time, and in
// this one at the same instant.
func (f *FindingsReader) changes(yield func(change) bool) {
	steps := [3]change{{underWay: 1}, {decoding: 1}, {underWay: -1, decoding: -1}}
	var at [3][]time.Duration
	for k := range at {
		at[k] = make([]time.Duration, len(f.answers))
	}
	for i, x := range f.answers {
		at[0][i], at[1][i], at[2][i] = x.start, x.first, x.last
	}
	for k := range at {
		slices.Sort(at[k])
	}
	for range 3 * len(f.answers) {
		next := -1
		for k := range at {
			if len(at[k]) > 0 && (next < 0 || at[k][0] < at[next][0]) {
				next = k
			}
		}
		step := steps[next]
		step.at, at[next] = at[next][0], at[next][1:]
		if !yield(step) {
			return
		}
	}
}

// Of the time in which requests wait, these shares near a plateau and at its top make
// a batch limit; and this share of all the time must have such waiting. Places whose
// requests are still prefilled do not decode, so that the number falls below the
// limit; without a limit it varies to both variants and is seldom at its highest.
const (
	plateauShare = 0.8 // from three quarters of the level on
	topShare     = 0.3 // within a quarter of its root
	waitingShare = 0.3
)

// batchLimited finds a plateau of simultaneously decoding streams while others
// wait: the server serves about as many at a time.
func (f *FindingsReader) batchLimited() *Finding {
	type level struct{ underWay, decoding int }
	spent := map[level]time.Duration{}
	var now level
	var before, busy time.Duration
	most := 0
	for c := range f.changes {
		if now.underWay > 0 {
			spent[now] += c.at - before
			busy += c.at - before
		}
		before = c.at
		now.underWay += c.underWay
		now.decoding += c.decoding
		most = max(most, now.decoding)
	}
	// The plateau is the highest level that is held for a while.
	held := make([]time.Duration, most+1)
	for l, t := range spent {
		held[l.decoding] += t
	}
	plateau := most
	for sum := time.Duration(0); plateau > 0; plateau-- {
		if sum += held[plateau]; 50*sum >= busy {
			break
		}
	}
	if plateau < 1 || busy <= 0 {
		return nil
	}
	low, top := plateau-max(1, plateau/4), plateau-max(1, int(math.Sqrt(float64(plateau))/4))
	var waiting, on, high time.Duration
	var crowd float64
	for l, t := range spent {
		if l.underWay < plateau+2 || 4*l.underWay < 5*plateau {
			continue
		}
		waiting += t
		crowd += float64(l.underWay) * t.Seconds()
		if low <= l.decoding && l.decoding <= plateau {
			on += t
		}
		if top <= l.decoding && l.decoding <= plateau {
			high += t
		}
	}
	if on <= 0 || float64(on) < plateauShare*float64(waiting) || float64(high) < topShare*float64(waiting) || float64(waiting) < waitingShare*float64(busy) || low < 1 && 2*held[0] > busy {
		return nil
	}
	return some(find("batch_limited", fmt.Sprintf("about %d requests are served at a time, of %.0f under way: TTFT is mostly queueing. A batch limit of the server (--max_batch_size, or the engine's own) or its memory is the bound", plateau, crowd/waiting.Seconds()),
		"served", plateau, "under_way", crowd/waiting.Seconds(), "plateau_share", float64(on)/float64(waiting)))
}
