package load

import (
	"context"
	"sync"
	"time"

	"loadgen/pkg/client"
)

// Repeated says when one request is sent again and again: number k is due k periods after the
// start.
type Repeated struct {
	Start, Period time.Duration
	// Of several processes each sends a part: the numbers First, First+Step, First+2*Step, ...
	// Step 0 is 1.
	First, Step int
	// Server, if set, is which of several servers number k is for.
	Server func(k int) int
}

// Every sends one request again and again until the first context ends, and returns when all
// answers are there or the second has ended. Each is sent when it is due, however long the
// others take. Done is called on each request's own goroutine.
func Every(until, ctx context.Context, d Doer, o Repeated, p *client.Prepared, done func(k int, r *client.Result)) {
	var workers sync.WaitGroup
	defer workers.Wait()
	for k := o.First; ; k += max(o.Step, 1) {
		due := o.Start + time.Duration(k)*o.Period
		if !wait(until, d, due) {
			return
		}
		handed := d.Now()
		workers.Go(func() {
			r := &client.Result{Due: due, Handed: handed, Permit: d.Now()}
			if o.Server != nil {
				r.Server = o.Server(k)
			}
			d.Do(ctx, p, r)
			done(k, r)
		})
	}
}
