package load

import (
	"context"
	"sync"
	"time"

	"loadgen/pkg/client"
)

// Every sends one request again and again until the first context ends, and returns when all
// answers are there or the second has ended. The k-th is due k periods after the start,
// however long the others take. Done is called on each request's own goroutine.
func Every(until, ctx context.Context, d Doer, start, period time.Duration, p *client.Prepared, done func(k int, r *client.Result)) {
	var workers sync.WaitGroup
	defer workers.Wait()
	for k := 0; ; k++ {
		due := start + time.Duration(k)*period
		if !wait(until, d, due) {
			return
		}
		handed := d.Now()
		workers.Go(func() {
			r := &client.Result{Due: due, Handed: handed, Permit: d.Now()}
			d.Do(ctx, p, r)
			done(k, r)
		})
	}
}
