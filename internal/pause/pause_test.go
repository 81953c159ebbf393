package pause

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		began := time.Now()
		took := func(want time.Duration, wantErr, err error) {
			t.Helper()
			if got := time.Since(began); got != want || !errors.Is(err, wantErr) || wantErr == nil && err != nil {
				t.Errorf("%v after %v, want %v after %v", err, got, wantErr, want)
			}
		}
		took(3*time.Second, nil, For(ctx, 3*time.Second))
		took(3*time.Second, nil, For(ctx, -1))
		time.AfterFunc(time.Second, func() { cancel(why) })
		took(4*time.Second, why, For(ctx, time.Hour))
		took(4*time.Second, why, For(ctx, time.Hour))
		took(4*time.Second, why, For(ctx, 0))
	})
}
