package main

import (
	"context"
	"fmt"

	"loadgen/internal/load"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// warmUp sends requests with prompts of their own, as many at once as the run
// will, and measures nothing.
func (p *plan) warmUp(ctx context.Context) error {
	n := p.cfg.Warmup
	if n == 0 || len(p.requests) == 0 {
		return nil
	}
	in, out, _ := p.meanLengths()
	const otherPrompts = 1 << 31 // flips the seed's highest bit
	set, err := dataset.Random(ctx, p.tok, dataset.RandomOptions{NumPrompts: n, InputLen: in, OutputLen: out, IDs: true,
		TokenizeOnClient: p.cfg.TokenizeOnClient, Seed: uint32(p.cfg.Seed) ^ otherPrompts})
	if err != nil {
		return fmt.Errorf("--warmup: %w", err)
	}
	requests := make([]*client.Prepared, n)
	for i, r := range set.Requests {
		if requests[i], err = p.client.Prepare(r); err != nil {
			return err
		}
	}
	p.note("warming up with %d requests", n)
	bound := p.cfg.concurrency()
	if bound == 0 {
		bound = n
	}
	done := load.Run(ctx, p.client, requests, load.Options{Concurrency: bound})
	if ctx.Err() != nil {
		return context.Cause(ctx)
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
		p.remark("warmup_failed", "%d of %d warm-up requests failed; the first: %s", failed, n, printable(first.Message))
	}
	return nil
}
