package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"loadgen/internal/recording"
	"loadgen/internal/wire"
	"loadgen/pkg/client"
)

// StoppedEarly is the code of the note of a run that stopped because too many requests
// failed.
const StoppedEarly = "stopped_early"

// giveUp stops a run when too many requests have failed. The zero value never does.
type giveUp struct {
	limit   recording.FailureLimit
	planned int
	stop    func()

	mu            sync.Mutex
	inARow, total int
	last          string // failure's message
	over          bool
	lost          bool // the request that was done last lost its connection, or got none
}

// count takes in a request that is done.
func (g *giveUp) count(r *client.Result) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over { // what the stop itself made fail
		return
	}
	if r.Err == nil || r.Err.Class.OnPurpose() {
		g.inARow, g.lost = 0, false
		return
	}
	g.lost = slices.Contains(unconnected, r.Err.Class)
	g.inARow++
	g.total++
	g.last = r.Err.Message
	if g.over = g.limit.Exceeded(g.inARow, g.total, g.planned); g.over {
		g.stop()
	}
}

// unconnected are the classes of what fails when a server dies.
var unconnected = []client.Class{wire.Refused, wire.Unreachable, client.Reset, client.Closed, client.Cut}

// ServerGone is the code of the note of a run after which a server did not answer any more.
const ServerGone = "server_gone"

// noteFailures notes why a run was stopped, and that its server is gone.
func (b *Bench) noteFailures(ctx context.Context, g *giveUp) {
	if n := g.note(); n != nil {
		b.keep(*n)
	}
	b.checkServers(ctx, g)
}

// checkServers notes a server that does not answer any more, where the last request of a run found
// none.
func (b *Bench) checkServers(ctx context.Context, g *giveUp) {
	g.mu.Lock()
	lost := g.lost
	g.mu.Unlock()
	if !lost || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, c := range b.servers.all {
		_, err := c.Model(ctx)
		if p := (*client.Problem)(nil); errors.As(err, &p) && p.Code == "no_server" {
			b.keep(recording.Note{Code: ServerGone, Text: fmt.Sprintf("the server did not answer any more after the run, so requests failed because it was gone: %v", err)})
			return
		}
	}
}

// note says why the run stopped, nil if it did not.
func (g *giveUp) note() *recording.Note {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		return nil
	}
	text := fmt.Sprintf("%d requests in a row failed", g.inARow)
	if g.limit.Share > 0 {
		text = fmt.Sprintf("%d of %d requests failed, more than %g %%", g.total, g.planned, 100*g.limit.Share)
	}
	return &recording.Note{Code: StoppedEarly, Hint: "max_failures", Text: "the run was stopped early: " + text + "; the last failure: " + g.last}
}
