package barrier

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"loadgen/internal/pause"
	"loadgen/internal/ranks"
)

// A rank that was killed says nothing. While a rank beats, it writes a count to a file of its
// own; a rank whose count stands still while this one's goes on is gone. Time is counted in
// this rank's own writes, so that a file system that stands still makes nobody gone.
const (
	beat   = 5 * time.Second
	missed = 6 // beats
)

// GoneError is the error of a meeting to which ranks will not come, as they no longer run.
type GoneError struct{ Ranks []int }

func (e *GoneError) Error() string {
	return fmt.Sprintf("no sign of life from %s for %v: killed or stopped?", ranks.List(e.Ranks), beat*missed)
}

// sign is what a rank's file had, and this rank's beats when it first had that.
type sign struct {
	text string
	at   int64
}

// Beat shows the others that this process runs, until stop is called. A meeting in the
// meantime ends with a GoneError when one that it waits for no longer does; all ranks have to
// beat from before that meeting on. stop waits for a write that is under way.
func (b *Barrier) Beat() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var beating sync.WaitGroup
	beating.Go(func() {
		for n := 1; ctx.Err() == nil; n++ {
			text := fmt.Appendf(nil, "%s %d\n", b.nonce, n)
			if os.WriteFile(b.aliveFile(b.o.Rank.Index), text, 0o666) == nil {
				b.beats.Add(1)
			}
			_ = pause.For(ctx, beat)
		}
	})
	return func() { cancel(); beating.Wait() }
}

func (b *Barrier) aliveFile(rank int) string {
	return filepath.Join(b.o.Dir, "barrier-alive-"+strconv.Itoa(rank))
}

// whoIsGone looks, once after each beat of this rank's, whether the missing ranks have beaten.
func (b *Barrier) whoIsGone(missing []int) error {
	now := b.beats.Load()
	if now == b.looked {
		return nil
	}
	b.looked = now
	var gone []int
	for _, i := range missing {
		text := string(readNow(b.aliveFile(i)))
		if last, ok := b.signs[i]; !ok || last.text != text {
			b.signs[i] = sign{text, now}
		} else if now-last.at > missed {
			gone = append(gone, i)
		}
	}
	if len(gone) > 0 {
		return &GoneError{gone}
	}
	return nil
}
