package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"loadgen/internal/outfile"
	"loadgen/internal/pause"
)

// lock takes a lock as huggingface_hub's file locks do, and waits for one that
// another process holds. The file stays, as theirs does.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	for {
		switch err := outfile.Lock(f); {
		case err == nil:
			return func() { f.Close() }, nil
		case !errors.Is(err, outfile.ErrLocked):
			f.Close()
			return nil, err
		}
		if err := pause.For(ctx, 50*time.Millisecond); err != nil {
			f.Close()
			return nil, err
		}
	}
}
