package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"

	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// drawn reports whether the data set's prompts are drawn at random, so that their length is
// all that they are to have.
func (b *Bench) drawn() bool {
	switch b.s.DatasetName {
	case "random", "random_image", "synthetic_text", "prefix_repetition", "trace":
		return true
	}
	return false
}

// salt makes the run's prompts new, if that was asked for.
func (b *Bench) salt(set *dataset.Set) {
	if !b.s.CacheSalt {
		return
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	text := hex.EncodeToString(random[:])
	if at := b.o.Ranks.Barrier; at != nil { // all ranks' prompts have the same
		text = at.Run()[:len(text)]
	}
	set.Salt(text, b.tokenizer, b.drawn())
	b.keep(recording.Note{Code: "cache_salt", Text: "prompts begin with this run's salt, " + text + ", so that no prefix cache has them"})
}

// verifiers is how many prompts are counted at once, rounds how often one is mended.
const (
	verifiers = 16
	rounds    = 8
)

// verification is what came of counting.
type verification struct {
	mu                    sync.Mutex
	exact, mended, differ int
	err                   error
}

// verify has the server count the prompts, if that was asked for, and mends drawn ones until
// it counts what they are to have.
func (b *Bench) verify(ctx context.Context, set *dataset.Set, request func(int) dataset.Request) error {
	if !b.s.VerifyPrompts || set.Len() == 0 {
		return nil
	}
	if b.s.DryRun {
		b.say(recording.Note{Code: "not_verified", Text: "prompts are not verified, as a dry run asks no server"})
		return nil
	}
	if err := b.awaitServer(ctx); err != nil {
		return err
	}
	set.Keep() // what is mended stays so
	counter, err := b.client.NewCounter(ctx, request(0))
	if err != nil {
		return fmt.Errorf("the server does not count prompts: %w", err)
	}
	var v verification
	var workers sync.WaitGroup
	next := make(chan int)
	counting, cancel := context.WithCancel(ctx)
	defer cancel()
	for range min(verifiers, len(set.Requests)) {
		workers.Go(func() {
			for i := range next {
				before, after, err := b.mend(counting, counter, &set.Requests[i], request(i))
				if v.count(set.Requests[i].PromptLen, before, after, err) {
					cancel()
				}
			}
		})
	}
	for i := range set.Requests {
		select {
		case next <- i:
			continue
		case <-counting.Done():
		}
		break
	}
	close(next)
	workers.Wait()
	if err := stopped(ctx); err != nil {
		return err
	}
	if v.err != nil {
		return fmt.Errorf("the server does not count prompts: %w", v.err)
	}
	b.keep(recording.Note{Code: "prompts_verified", Text: v.text(counter, len(set.Requests))})
	return nil
}

// count takes in a prompt and reports whether counting failed.
func (v *verification) count(want, before, after int, err error) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case err != nil:
		if v.err == nil {
			v.err = err
		}
		return true
	case after != want:
		v.differ++
	case before != want:
		v.mended++
	default:
		v.exact++
	}
	return false
}

func (v *verification) text(counter *client.Counter, n int) string {
	how := counter.Route
	if how == "" {
		how = "the usage of requests for one token, whose prompts are in its prefix cache now"
	}
	return fmt.Sprintf("%d prompts were counted by the server (%s): %d had their nominal length, %d were corrected, %d have another", n, how, v.exact, v.mended, v.differ)
}

// filler follows a prompt that is too short: words that are one token each nearly everywhere.
var filler = [...]string{" the", " of", " and", " to", " in", " is", " that", " for", " it", " was", " on", " with", " as", " at", " by", " from"}

// mend has a prompt counted, and corrects one that is drawn text at its end.
func (b *Bench) mend(ctx context.Context, counter *client.Counter, r *dataset.Request, sent dataset.Request) (before, after int, err error) {
	want := r.PromptLen
	if before, err = counter.Count(ctx, sent); err != nil || before == want || !b.drawn() || r.IDs != nil {
		return before, before, err
	}
	after = before
	for round := 0; round < rounds && after != want; round++ {
		ids := b.tokenizer.Encode(r.Prompt, false)
		switch off := after - want; {
		case off >= len(ids):
			return before, after, nil // what the server adds alone is too long
		case off > 0:
			r.Prompt = b.tokenizer.Decode(ids[:max(len(ids)-off-round/2, 1)], false)
		default:
			for k := range -off {
				r.Prompt += filler[(len(ids)+k)%len(filler)]
			}
		}
		sent.Prompt = r.Prompt
		if after, err = counter.Count(ctx, sent); err != nil {
			return before, after, err
		}
	}
	return before, after, nil
}
