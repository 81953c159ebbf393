package recording

import (
	"iter"

	"loadgen/pkg/client"
)

// All yields the requests that were sent, in the order of the plan, by their place in it. A
// result is valid until the next.
func (r *Recording) All() iter.Seq2[int, *client.Result] {
	return func(yield func(int, *client.Result) bool) {
		var room client.Result
		for i := range r.Planned {
			if q := r.result(i, &room); q != nil && !yield(i, q) {
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
		var room client.Result
		for i := 0; r.ProbeSpool != nil && i < r.ProbeSpool.Len(); i++ {
			if q := r.ProbeSpool.result(i, &room); q != nil && !yield(i, q) {
				return
			}
		}
	}
}

// Result is a request by its place in the plan, nil where it was never sent.
func (r *Recording) Result(i int) *client.Result { return r.result(i, new(client.Result)) }

// result is a request, in the room where it is not in memory.
func (r *Recording) result(i int, room *client.Result) *client.Result {
	if i < len(r.Results) && r.Results[i] != nil {
		return r.Results[i]
	}
	if r.Spool != nil {
		return r.Spool.result(i, room)
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
