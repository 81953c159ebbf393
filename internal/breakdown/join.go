package breakdown

import (
	"cmp"
	"math"
	"slices"

	"loadgen/pkg/client"
)

// match is what a request was joined with.
type match struct {
	record *Record
	how    Join
}

// join finds the records of the successes, by id, and those that are left by order.
func join(results []*client.Result, records []Record) map[int]match {
	out := map[int]match{}
	byID := map[string]int{} // the place of a record; -1 for a name that several have
	for i := range records {
		for _, id := range records[i].IDs {
			if _, again := byID[id]; again {
				byID[id] = -1
				continue
			}
			byID[id] = i
		}
	}
	taken := make([]bool, len(records))
	var left []int
	for i, r := range results {
		if r == nil || r.Err != nil {
			continue
		}
		if at := named(r, byID); at >= 0 && !taken[at] {
			taken[at] = true
			out[i] = match{&records[at], ByID}
			continue
		}
		left = append(left, i)
	}
	var free []*Record
	for i := range records {
		if !taken[i] && records[i].arrival() > 0 {
			free = append(free, &records[i])
		}
	}
	byOrder(out, results, left, free)
	return out
}

// named is the record that an answer names, -1 for none.
func named(r *client.Result, byID map[string]int) int {
	ids := []string{r.ID}
	if r.Details != nil {
		ids = []string{r.Details.CtxRequestID, r.ID}
	}
	for _, id := range ids {
		if id == "" {
			continue
		}
		if at, ok := byID[id]; ok {
			return at
		}
	}
	return -1
}

// byOrder joins requests and records in the order of their times. Requests that came close
// together may have arrived in another order than they were sent: of the records near its
// turn, a request gets the one whose first and last token, and less so its arrival, fit best,
// and that is not longer than the client waited.
func byOrder(out map[int]match, results []*client.Result, left []int, free []*Record) {
	if len(left) == 0 || len(free) == 0 {
		return
	}
	slices.SortStableFunc(left, func(a, b int) int { return cmp.Compare(results[a].Written, results[b].Written) })
	slices.SortStableFunc(free, func(a, b *Record) int { return cmp.Compare(a.arrival(), b.arrival()) })
	ours, theirs := make([]side, len(left)), make([]side, len(free))
	for k, i := range left {
		ours[k] = sideOf(results[i])
	}
	for k, r := range free {
		theirs[k] = side{times{r.arrival(), r.last(), r.end()}, r.last() - r.arrival()}
	}
	lead := leads(ours, theirs)
	pairs := pair(ours, theirs, lead)
	for range 3 { // with pairs that are mostly right the clocks' difference is known better
		better := refine(ours, theirs, pairs, lead)
		if better == lead {
			break
		}
		lead = better
		pairs = pair(ours, theirs, lead)
	}
	for k := 0; k < 4 && exchange(ours, theirs, pairs, lead); k++ {
	}
	for k, at := range pairs {
		if at >= 0 {
			out[left[k]] = match{free[at], ByOrder}
		}
	}
}

// times are when a request arrived (was sent), had its first token and its last, in seconds
// on one clock; 0 is unknown.
type times [3]float64

// side is what the client or the server has of a request: its times, and how long its first
// token took. A server's cannot be longer than the client's.
type side struct {
	times
	ttft float64
}

// weights of the three in a fit: connections and sockets delay the arrivals most.
var weights = times{0.1, 1, 1}

const (
	longer = 10  // weight of what a record is longer than the client waited
	nearby = 256 // records that are tried for a request
	apart  = 0.5 // seconds by which times may misfit where either side has some that the other has not
)

func sideOf(r *client.Result) side {
	s := side{times: times{r.Written.Seconds()}}
	if n := len(r.Events); n > 0 {
		s.times[1], s.times[2] = r.Events[0].At.Seconds(), r.Events[n-1].At.Seconds()
		s.ttft = (r.Events[0].At - r.Start).Seconds()
	}
	return s
}

// leads estimates what the server's clock shows more than the client's at each of the times:
// the medians of the differences between both in their order. Where one side has more, the
// other is taken to be its end.
func leads(ours, theirs []side) (lead times) {
	n := min(len(ours), len(theirs))
	sorted := func(all []side, k int) []float64 {
		out := make([]float64, 0, n)
		for _, t := range all[len(all)-n:] {
			out = append(out, t.times[k])
		}
		slices.Sort(out)
		return out
	}
	for k := range lead {
		a, b := sorted(ours, k), sorted(theirs, k)
		diffs := a[:0]
		for i := range b {
			if a[i] > 0 && b[i] > 0 {
				diffs = append(diffs, b[i]-a[i])
			}
		}
		lead[k] = median(diffs)
	}
	return lead
}

// refine estimates the same from pairs.
func refine(ours, theirs []side, pairs []int, lead times) times {
	for k := range lead {
		var diffs []float64
		for i, at := range pairs {
			if at >= 0 && ours[i].times[k] > 0 && theirs[at].times[k] > 0 {
				diffs = append(diffs, theirs[at].times[k]-ours[i].times[k])
			}
		}
		if len(diffs) > 0 {
			lead[k] = median(diffs)
		}
	}
	return lead
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return x[len(x)/2]
}

// pair gives each request, in the order of their sending, the record near its turn that fits
// best, -1 where none does.
func pair(ours, theirs []side, lead times) []int {
	out, used, from := make([]int, len(ours)), make([]bool, len(theirs)), 0
	for i, mine := range ours {
		best, cost := -1, math.Inf(1)
		for at, tried := from, 0; at < len(theirs) && tried < nearby; at++ {
			if used[at] {
				continue
			}
			tried++
			if c := misfit(mine.times, theirs[at].times, lead); c < cost {
				best, cost = at, c
			}
		}
		if len(ours) != len(theirs) && cost > apart { // it is another's, or was never noted
			best = -1
		}
		if out[i] = best; best >= 0 {
			used[best] = true
			for from < len(used) && used[from] {
				from++
			}
		}
	}
	return out
}

// misfit is how far two requests' times are apart, in seconds.
func misfit(ours, theirs, lead times) (sum float64) {
	for k := range ours {
		if ours[k] > 0 && theirs[k] > 0 {
			sum += weights[k] * math.Abs(theirs[k]-lead[k]-ours[k])
		}
	}
	return sum
}

// exchange lets requests whose records are longer than they waited exchange them with others
// nearby, where both together are better off so: earlier requests have had the first choice.
func exchange(ours, theirs []side, pairs []int, lead times) (changed bool) {
	cost := func(i, at int) float64 {
		sum := misfit(ours[i].times, theirs[at].times, lead)
		if ours[i].times[1] > 0 && theirs[at].times[1] > 0 {
			sum += longer * max(theirs[at].ttft-ours[i].ttft, 0)
		}
		return sum
	}
	for i, at := range pairs {
		if at < 0 || theirs[at].ttft <= ours[i].ttft {
			continue
		}
		best, gain := -1, 0.0
		for j := max(i-nearby, 0); j < min(i+nearby, len(pairs)); j++ {
			if other := pairs[j]; other >= 0 {
				if better := cost(i, at) + cost(j, other) - cost(i, other) - cost(j, at); better > gain {
					best, gain = j, better
				}
			}
		}
		if best >= 0 {
			pairs[i], pairs[best] = pairs[best], at
			changed = true
		}
	}
	return changed
}
