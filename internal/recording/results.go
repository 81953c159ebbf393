package recording

import (
	"iter"

	"loadgen/pkg/client"
)

// All yields the requests that were sent, in the order of the plan, by their place in it. A
// result is valid until the next.
func (r *Recording) All() iter.Seq2[int, *client.Result] {
	if r.Spool != nil && r.Spool.Len() > 0 {
		return func(yield func(int, *client.Result) bool) {
			d, stop := r.decode(nil)
			defer stop()
			d.read(func(_, i int, q *client.Result) bool { return yield(i, q) })
		}
	}
	return func(yield func(int, *client.Result) bool) {
		for i := range r.Planned {
			if q := r.kept(i); q != nil && !yield(i, q) {
				return
			}
		}
	}
}

// Prepared yields the requests that were sent, in the order of the plan, by their place in it and
// a slot below Slots, in which prepare has left what it makes of the request. Prepare is called
// in the same order, ahead and on another goroutine, and not again for a slot before the next
// request is asked for.
func (r *Recording) Prepared(prepare func(slot, i int, q *client.Result)) func(yield func(slot int, i int, q *client.Result) bool) {
	return func(yield func(slot, i int, q *client.Result) bool) {
		if r.Spool != nil && r.Spool.Len() > 0 {
			d, stop := r.decode(prepare)
			defer stop()
			d.read(yield)
			return
		}
		for i, q := range r.All() {
			if prepare(0, i, q); !yield(0, i, q) {
				return
			}
		}
	}
}

// AllProbes yields the probes, in the order in which they were due, by their number. A result
// is valid until the next.
func (r *Recording) AllProbes() iter.Seq2[int, *client.Result] {
	return func(yield func(int, *client.Result) bool) {
		for i, q := range r.Probes {
			if !yield(i, q) {
				return
			}
		}
		if r.ProbeSpool == nil {
			return
		}
		from, room := r.ProbeSpool.reader(), client.Result{}
		defer r.ProbeSpool.giveBack(from)
		for i := range r.ProbeSpool.Len() {
			if q := from.result(i, &room); q != nil && !yield(i, q) {
				return
			}
		}
	}
}

// KeptProbes are the probes in the order in which they were due, each for as long as it is used.
func (r *Recording) KeptProbes() (all []*client.Result) {
	all = append(all, r.Probes...)
	if r.ProbeSpool != nil {
		for i := range r.ProbeSpool.Len() {
			if q := r.ProbeSpool.result(i); q != nil {
				all = append(all, q)
			}
		}
	}
	return all
}

// Result is a request by its place in the plan, nil where it was never sent.
func (r *Recording) Result(i int) *client.Result {
	if q := r.kept(i); q != nil || r.Spool == nil {
		return q
	}
	return r.Spool.result(i)
}

// kept is a request that is in memory, nil where it is not.
func (r *Recording) kept(i int) *client.Result {
	if i < len(r.Results) {
		return r.Results[i]
	}
	return nil
}

// Sent is how many requests were sent.
func (r *Recording) Sent() (n int) {
	if r.Spool != nil {
		n = r.Spool.Len()
	}
	for _, q := range r.Results {
		if q != nil {
			n++
		}
	}
	return n
}

// Sliced are the requests in the order of the plan, all in memory; nil was never sent.
func (r *Recording) Sliced() []*client.Result {
	if r.Spool == nil {
		return r.Results
	}
	all := make([]*client.Result, len(r.Planned))
	for i := range all {
		all[i] = r.Result(i)
	}
	return all
}

// Events is how many events the requests that were sent have together.
func (r *Recording) Events() (n int) {
	if r.Spool != nil {
		n = r.Spool.events
	}
	for _, q := range r.Results {
		if q != nil {
			n += len(q.Events)
		}
	}
	return n
}

// TextBytes is how long the texts of the successes are together.
func (r *Recording) TextBytes() (n int) {
	if r.Spool != nil {
		n = r.Spool.text
	}
	for _, q := range r.Results {
		if q != nil {
			n += textBytes(q)
		}
	}
	return n
}

func textBytes(r *client.Result) int {
	switch {
	case r.Err != nil:
		return 0
	case r.Details == nil:
		return len(r.Text)
	}
	return len(r.Text) + len(r.Details.Reasoning) + len(r.Details.ToolCalls)
}
