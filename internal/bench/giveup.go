package bench

import (
	"fmt"
	"sync"

	"loadgen/internal/recording"
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
}

// count takes in a request that is done.
func (g *giveUp) count(r *client.Result) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over { // what the stop itself made fail
		return
	}
	if r.Err == nil || r.Err.Class.OnPurpose() {
		g.inARow = 0
		return
	}
	g.inARow++
	g.total++
	g.last = r.Err.Message
	if g.over = g.limit.Exceeded(g.inARow, g.total, g.planned); g.over {
		g.stop()
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
