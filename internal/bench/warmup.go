package bench

import (
	"context"
	"fmt"

	"loadgen/internal/load"
	"loadgen/internal/plain"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// warmUp sends requests with other prompts than the run's, as many at once as the run
// will, and measures nothing.
func (b *Bench) warmUp(ctx context.Context) error {
	n := b.s.Warmup
	if n == 0 || b.requests.len() == 0 {
		return nil
	}
	in, out := b.MeanLengths()
	const otherPrompts = 1 << 31 // flips the seed's highest bit
	set, err := dataset.Load(ctx, dataset.Options{Name: "random", Tokenizer: b.tokenizer, NumPrompts: n, InputLen: in, RandomOutputLen: out,
		FromIDs: true, IDs: b.s.TokenizeOnClient, Seed: uint32(b.s.Seed) ^ otherPrompts})
	if err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	requests := make([]*client.Prepared, 0, n)
	for i := range n {
		if !b.o.Ranks.Has(i, 0) { // another rank sends it
			continue
		}
		p, err := b.client.Prepare(set.At(i))
		if err != nil {
			return err
		}
		requests = append(requests, p)
	}
	if n = len(requests); n == 0 {
		return nil
	}
	b.say(recording.Note{Code: "warming_up", Text: fmt.Sprintf("warming up with %d requests", n)})
	bound := b.o.Ranks.Share(b.s.Concurrency())
	if bound == 0 {
		bound = n
	}
	b.wait(fmt.Sprintf("waiting for the answers to %d warm-up requests", n), 0)
	done := load.Run(ctx, b.servers, n, func(i int) *client.Prepared { return requests[i] }, load.Options{Concurrency: bound, Server: func(i int) int {
		return b.servers.inTurn(b.o.Ranks.Index + i*max(b.o.Ranks.Size, 1))
	}})
	b.wait("", 0)
	if err := stopped(ctx); err != nil {
		return err
	}
	failed := 0
	var first *client.Error
	for i := range done.Results {
		if r := &done.Results[i]; r.Err != nil {
			if failed++; first == nil {
				first = r.Err
			}
		}
	}
	if failed > 0 {
		b.keep(recording.Note{Code: "warmup_failed", Text: fmt.Sprintf("%d of %d warm-up requests failed; the first: %s", failed, n, plain.Line(first.Message))})
	}
	return nil
}

// MeanLengths are the mean lengths of the run's prompts and completions, at least 1.
func (b *Bench) MeanLengths() (in, out int) {
	n := len(b.planned)
	if n == 0 {
		return 1, 1
	}
	for _, r := range b.planned {
		in, out = in+r.PromptLen, out+r.OutputLen
	}
	return max(in/n, 1), max(out/n, 1)
}
