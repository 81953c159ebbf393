package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loadgen/internal/compare"
)

// TestRunsOfAServerThatDied: a run at whose end the server was gone is no measurement of a load.
func TestRunsOfAServerThatDied(t *testing.T) {
	l := &loadRuns{}
	for notes, want := range map[string]string{
		`[{"code": "server_gone", "text": "it is gone", "figures": {}}]`: "it is gone",
		`[{"code": "other", "text": "something else", "figures": {}}]`:   "",
		`[]`: "",
	} {
		path := filepath.Join(t.TempDir(), "r.json")
		if err := os.WriteFile(path, []byte(`{"num_prompts": 4, "completed": 3, "duration": 1.0, "loadgen": {"schema": 1, "version": "1", "notes": `+notes+`}}`), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := l.gone(path); (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", notes, err)
		}
		other := errors.New("it could not be written")
		if got := l.why(other, path); got != other {
			t.Errorf("%s: %v", notes, got)
		}
		if want == "" {
			want = "every request failed"
		}
		if got := l.why(fmt.Errorf("%w", compare.ErrAllFailed), path); !strings.Contains(got.Error(), want) {
			t.Errorf("%s: %v", notes, got)
		}
	}
	if err := l.gone(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a result that is not there")
	}
}
