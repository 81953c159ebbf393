package bench_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/pkg/dataset"
)

// TestAFileIsReadOnce: a server that names its model is not waited for, so the data set's file is
// read for the prompts alone; where none answers it is read before, as it may be wrong.
func TestAFileIsReadOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prompts.jsonl")
	ready := &benchtest.Memory{Handle: func(x *benchtest.Exchange) { x.Reply("200 OK", "application/json", `{"data":[{"id":"m"}]}`) }}
	for _, c := range []struct {
		name, text string
		up, read   bool
		asked      int
	}{
		{"ready", `{"prompt": "x"}`, true, false, 1},
		{"ready, and a file that is wrong", `nonsense`, true, false, 1},
		{"refused", `{"prompt": "x"}`, false, true, 0},
		{"refused, and a file that is wrong", `nonsense`, false, true, 0},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		var waits []string
		o := bench.Options{Settings: benchtest.Settings(t, []string{"--dataset-name", "jsonl", "--dataset-path", path}), Dial: benchtest.Refuse,
			Env: func(string) (string, bool) { return "", false }, OnWait: func(what string, _ time.Duration) { waits = append(waits, what) }}
		if c.up {
			o.Dial = ready.Dial
		}
		ready.Got = nil
		b := bench.New(o)
		err := b.Connect(t.Context())
		b.Close()
		ready.Wait()
		if len(ready.Got) != c.asked {
			t.Errorf("%s: %d requests, want %d", c.name, len(ready.Got), c.asked)
		}
		if read := slices.ContainsFunc(waits, func(w string) bool { return strings.Contains(w, path) }); read != c.read {
			t.Errorf("%s: waits for %q", c.name, waits)
		}
		wrong := c.text == "nonsense" && !c.up
		if (err == nil) != c.up || errors.As(err, new(*dataset.Error)) != wrong {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
