// Package pause waits. It takes a context and a duration and gives back when either is over;
// it does nothing else.
package pause

import (
	"context"
	"time"
)

// For waits, at most until ctx ends. The error is why ctx ended, nil where it has not.
func For(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}
