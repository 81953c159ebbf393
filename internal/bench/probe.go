package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"loadgen/internal/load"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// checkProbes checks what is said of the probes.
func checkProbes(s *recording.Settings) error {
	lens := func(setting string, n int) error {
		if n < 1 || n > 1<<20 {
			return wrong(setting, fmt.Sprintf("%d is not a number of tokens, 1 to %d", n, 1<<20))
		}
		return nil
	}
	switch rate := s.ProbeRate; {
	case !(rate >= 0 && rate <= rateMost):
		return wrong("probe_request_rate", fmt.Sprintf("%s is not a rate, above 0 and at most %s; 0 sends no probes", pyjson.FormatFloat(rate), pyjson.FormatFloat(rateMost)))
	case rate == 0 && (s.ProbeInputLen != recording.Defaults().ProbeInputLen || s.ProbeOutputLen != recording.Defaults().ProbeOutputLen):
		return wrong("probe_request_rate", "probes have a length, but none are sent: give their rate")
	}
	if err := lens("probe_input_len", s.ProbeInputLen); err != nil {
		return err
	}
	return lens("probe_output_len", s.ProbeOutputLen)
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

// sendProbes sends probes beside the load until stop is called, which returns when all have
// been answered, and why some of their results are not on the disk.
func (b *Bench) sendProbes(ctx context.Context, rec *recording.Recording, file *recording.Writer) (stop func() error) {
	if b.probe == nil {
		return func() error { return nil }
	}
	until, end := context.WithCancel(ctx)
	rec.ProbeSpool = recording.NewSpool()
	// The order in which the load goes to several servers stays as it is without probes.
	to := &servers{all: b.servers.all, underWay: make([]int, len(b.servers.all))}
	period := time.Duration(float64(time.Second) / b.s.ProbeRate)
	var all sync.WaitGroup
	all.Go(func() {
		load.Every(until, ctx, to, to.Now(), period, b.probe, func(k int, r *client.Result) {
			rec.ProbeSpool.Add(k, r)
			if file != nil {
				file.AddProbe(k, r)
			}
		})
	})
	return func() error {
		end()
		all.Wait()
		return rec.ProbeSpool.Finish()
	}
}
