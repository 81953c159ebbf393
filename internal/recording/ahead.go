package recording

import (
	"sync"

	"loadgen/pkg/client"
)

// Results of a spool are decoded ahead of who reads them, on a goroutine of its own, in batches
// of so many results or, of long answers, events. A batch is used again when it was read.
const (
	batchResults = 64
	batchEvents  = 4096
	batches      = 4
)

// Slots bounds the slots of Prepared.
const Slots = batches * batchResults

// batch is some requests that were sent, one after the other.
type batch struct {
	slot, n int // the slot of the first, and how many there are
	index   [batchResults]int
	result  [batchResults]*client.Result // in memory, or in a room
	room    [batchResults]client.Result
	events  []client.Event // of the rooms
}

// decoder decodes the requests that were sent, in the order of the plan.
type decoder struct {
	prepare func(slot, i int, q *client.Result) // nil for nothing
	free    chan *batch
	full    chan *batch // has room for all batches
	quit    chan struct{}
}

// decode begins to decode; stop ends it, and waits for that.
func (r *Recording) decode(prepare func(slot, i int, q *client.Result)) (d *decoder, stop func()) {
	d = &decoder{prepare: prepare, free: make(chan *batch, batches), full: make(chan *batch, batches), quit: make(chan struct{})}
	for k := range batches {
		d.free <- &batch{slot: k * batchResults, events: make([]client.Event, 0, batchEvents)}
	}
	var done sync.WaitGroup
	done.Go(func() { d.run(r) })
	return d, func() {
		close(d.quit)
		done.Wait()
	}
}

func (d *decoder) run(r *Recording) {
	from := r.Spool.reader()
	defer r.Spool.giveBack(from)
	for next := 0; next < len(r.Planned); {
		select {
		case b := <-d.free:
			next = b.fill(r, from, next)
			for k := 0; d.prepare != nil && k < b.n; k++ {
				d.prepare(b.slot+k, b.index[k], b.result[k])
			}
			d.full <- b
		case <-d.quit:
			return
		}
	}
	close(d.full)
}

// read hands the requests on, until there are enough.
func (d *decoder) read(yield func(slot, i int, q *client.Result) bool) {
	for b := range d.full {
		for k := range b.n {
			if !yield(b.slot+k, b.index[k], b.result[k]) {
				return
			}
		}
		d.free <- b
	}
}

// fill reads some requests from one on, and returns the next one.
func (b *batch) fill(r *Recording, from *spoolReader, next int) int {
	b.n, b.events = 0, b.events[:0]
	for ; next < len(r.Planned) && b.n < batchResults && len(b.events) < batchEvents; next++ {
		q := r.kept(next)
		if q == nil {
			room := &b.room[b.n]
			room.Events = b.events[len(b.events):]
			if q = from.result(next, room); q != nil {
				b.events = b.events[:min(len(b.events)+len(q.Events), cap(b.events))]
			}
		}
		if q != nil {
			b.index[b.n], b.result[b.n] = next, q
			b.n++
		}
	}
	return next
}
