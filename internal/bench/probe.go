package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"loadgen/internal/barrier"
	"loadgen/internal/load"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// checkProbes checks what is said of the probes.
func checkProbes(s *recording.Settings) error {
	if s.ProbeRate == 0 && (s.ProbeInputLen != recording.Defaults().ProbeInputLen || s.ProbeOutputLen != recording.Defaults().ProbeOutputLen) {
		return wrong("probe_request_rate", "probes have a length, but none are sent: give their rate")
	}
	return nil
}

// prepareProbe makes the request that probes are, nil without any: random ids of its own seed.
func (b *Bench) prepareProbe(ctx context.Context) error {
	if b.s.ProbeRate == 0 {
		return nil
	}
	const otherPrompts = 1 << 30 // flips a bit of the seed
	set, err := dataset.Load(ctx, dataset.Options{Name: "random", Tokenizer: b.tokenizer, NumPrompts: 1, InputLen: b.s.ProbeInputLen, RandomOutputLen: b.s.ProbeOutputLen,
		FromIDs: true, IDs: b.s.TokenizeOnClient, Seed: uint32(b.s.Seed) ^ otherPrompts})
	if err == nil {
		b.probe, err = b.client.Prepare(set.At(0))
	}
	if err != nil {
		return fmt.Errorf("probes: %w", err)
	}
	return nil
}

// sendProbes sends probes beside a load that begins at an instant, 0 for now, until stop is
// called, which returns when all have been answered, and why some of their results are not on
// the disk. Of several processes each sends every so many-th.
func (b *Bench) sendProbes(ctx context.Context, start time.Duration, rec *recording.Recording, file *recording.Writer) (stop func() error) {
	if b.probe == nil {
		return func() error { return nil }
	}
	stopBeating := func() {}
	if r := &b.o.Ranks; r.Barrier != nil && !r.Alone() {
		stopBeating = r.Barrier.Beat() // others' probes wait for this rank's load
	}
	until, end := context.WithCancel(ctx)
	rec.ProbeSpool = recording.NewSpool()
	to := &servers{all: b.servers.all} // which go to each in turn, wherever the load goes
	o := load.Repeated{Start: cmp.Or(start, to.Now()), Period: b.s.ProbePeriod(), First: b.o.Ranks.Index, Step: b.o.Ranks.Size, Server: to.inTurn}
	var all sync.WaitGroup
	all.Go(func() {
		load.Every(until, ctx, to, o, b.probe, func(k int, r *client.Result) {
			rec.ProbeSpool.Add((k-o.First)/max(o.Step, 1), r)
			if file != nil {
				file.AddProbe(k, r)
			}
		})
	})
	return func() error {
		stopBeating()
		end()
		all.Wait()
		return rec.ProbeSpool.Finish()
	}
}

// awaitLoads waits until the loads of all ranks are over, as probes go on as long as the last
// of them. Where some rank does not come to that, it is noted.
func (b *Bench) awaitLoads(ctx context.Context, rec *recording.Recording) {
	r := &b.o.Ranks
	if b.probe == nil || r.Alone() || r.Barrier == nil {
		return
	}
	if rec.Interrupted {
		r.Barrier.Leave(errInterrupted)
		return
	}
	_, err := r.Barrier.Meet(ctx, "load over", nil)
	left, late := (*barrier.LeftError)(nil), (*barrier.TimeoutError)(nil)
	switch {
	case err == nil:
		return
	case ctx.Err() != nil:
		err = errWaiting
	case errors.As(err, &left):
		err = fmt.Errorf("rank %d on %s: %s", left.Rank, left.Host, left.Why)
	case errors.As(err, &late):
		err = fmt.Errorf("%s did not say so within %v", ranks.List(late.Missing), late.Limit)
	}
	if left == nil {
		r.Barrier.Leave(err)
	}
	b.keep(recording.Note{Code: "probes_ended_early", Text: fmt.Sprintf("probes ended before the load of every rank was known to be over, so some of the last may be missing: %v", err)})
}

// errInterrupted and errWaiting are why a rank does not wait for the others: its load ended
// early, or it was interrupted after it.
var (
	errInterrupted = errors.New("its run ended early")
	errWaiting     = errors.New("interrupted while waiting for the other ranks")
)
