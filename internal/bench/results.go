package bench

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// keeper keeps a run's results: the first in memory, and those beyond a bound in a spool.
type keeper struct {
	rec   *recording.Recording
	spool *recording.Spool // nil where all are kept in memory
	most  int64            // bytes in memory
	bytes atomic.Int64
	mu    sync.Mutex // of rec.Results
}

// keep keeps a result by its place in the plan. It is safe for concurrent use.
func (k *keeper) keep(i int, r *client.Result) {
	const each, event = 800, 32
	if k.spool == nil || k.bytes.Add(int64(each+event*cap(r.Events)+cap(r.Text)+cap(r.Body))) <= k.most {
		k.mu.Lock()
		defer k.mu.Unlock()
		if more := i + 1 - len(k.rec.Results); more > 0 { // it is not known how many there will be
			k.rec.Results = append(k.rec.Results, make([]*client.Result, more)...)
		}
		k.rec.Results[i] = r
		return
	}
	k.spool.Add(i, r)
}

// answered hands out the run as it is known when all is answered, at an instant of its clock.
func (b *Bench) answered(k *keeper, now time.Duration) {
	if b.o.OnAnswered == nil {
		return
	}
	rec := *k.rec
	rec.Elapsed, rec.Ended, rec.Notes = now-rec.Start, b.o.Now(), slices.Clone(b.notes)
	if k.spool != nil && k.spool.Len() > 0 {
		rec.Spool = k.spool
	}
	b.o.OnAnswered(&rec)
}

// done ends the keeping. The error is why results are in memory that were to be in a file.
func (k *keeper) done() error {
	if k.spool == nil || k.spool.Len() == 0 {
		return nil
	}
	k.rec.Spool = k.spool
	return k.spool.Finish()
}
