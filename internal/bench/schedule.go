package bench

import (
	"fmt"
	"math"
	"time"

	"loadgen/internal/load"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// plan takes from a data set what it says of the order: arrival times, conversations.
func (b *Bench) plan(set *dataset.Set) {
	n := set.Len()
	if set.Timed && n > 0 {
		b.recorded = make([]float64, 0, n+1)
		for _, r := range set.Requests {
			b.recorded = append(b.recorded, r.Due.Seconds())
		}
		b.recorded = before(append(b.recorded, b.recorded[n-1]), b.s.Duration)
		text := fmt.Sprintf("the trace's arrival times: %d requests over %v", n, set.Requests[n-1].Due.Round(time.Millisecond))
		if b.openLoop() {
			b.recorded, text = nil, "the request rate replaces the trace's arrival times"
		}
		b.keep(recording.Note{Code: "arrival_times", Text: text})
	}
	last := map[int]int{} // a conversation's latest request
	for i, r := range set.Requests {
		place := r.Conversation
		if place.ID == 0 {
			continue
		}
		if b.turns == nil {
			b.turns, b.set = make([]load.Turn, n), set
		}
		b.turns[i] = load.Turn{Conversation: place.ID, Number: place.Number, Think: place.Think}
		if place.Number > 0 {
			b.turns[i].After = last[place.ID]
		}
		last[place.ID] = i
	}
}

// openLoop reports whether requests are due at a rate.
func (b *Bench) openLoop() bool { return !math.IsInf(b.s.RequestRate, 1) }

// Arrivals are the due times of the requests and the end of the schedule in seconds, as
// they are drawn or recorded, once their settings have been checked; nil where each is due
// when a slot is free for it. Of a conversation the
// first turn alone has a due time, and the others its own: they are due when the turn
// before is answered and the user has thought.
func (b *Bench) Arrivals() ([]float64, error) {
	if err := checkAfterTest(b.s); err != nil {
		return nil, err
	}
	if b.arrivals != nil {
		return b.arrivals, nil
	}
	n := len(b.planned)
	switch {
	case b.shape != nil && b.shape.Slots != nil:
		return nil, nil
	case b.recorded != nil:
		b.arrivals = b.recorded
	case b.shape != nil && b.turns == nil:
		b.arrivals = b.shape.Arrivals
	case b.turns == nil:
		b.arrivals = load.Arrivals(n, b.s.RequestRate, b.s.Burstiness, uint32(b.s.Seed))
	default:
		begun := 0
		for _, t := range b.turns {
			if t.Number == 0 {
				begun++
			}
		}
		drawn := b.conversations(begun)
		b.arrivals = make([]float64, n+1)
		k := -1
		for i, t := range b.turns {
			if t.Number == 0 {
				k++
			}
			b.arrivals[i] = drawn[k]
		}
		b.arrivals[n] = drawn[begun]
	}
	return b.arrivals, nil
}

// conversations are when so many of them begin, and the end of the schedule. Those that begin
// with the end of the run are not begun.
func (b *Bench) conversations(n int) []float64 {
	if b.shape == nil {
		return load.Arrivals(n, b.s.RequestRate, b.s.Burstiness, uint32(b.s.Seed))
	}
	at := b.shape.Arrivals
	for len(at) <= n {
		at = append(at, at[len(at)-1])
	}
	return at[:n+1]
}

// Turn is the place of a measured request in a conversation, by its number among this
// process's; Conversation is 0 where there is none.
func (b *Bench) Turn(i int) load.Turn { return b.turn(b.Place(i)) }

// turn is the same by the request's place in the plan.
func (b *Bench) turn(place int) load.Turn {
	if b.turns == nil {
		return load.Turn{}
	}
	return b.turns[place]
}

// buildTurn builds a later turn of a conversation with the replies that the server gave. nil
// ends the conversation. All of a conversation's turns are this process's.
func (b *Bench) buildTurn(results []client.Result) func(i int) *client.Prepared {
	return func(i int) *client.Prepared {
		place := b.Place(i)
		r := b.set.Requests[place]
		r.Messages = b.set.Chat(place, func(k int) string { return string(results[b.number(k)].Text) })
		p, err := b.client.Prepare(r)
		if err != nil {
			return nil
		}
		b.requests.kept[i] = p
		return b.cancelled(place, p)
	}
}
