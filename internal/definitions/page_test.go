package definitions

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"loadgen/internal/stream"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

var update = flag.Bool("update", false, "write the page's table")

// example reads the chat stream of docs/definitions.md, which check_tools.py feeds to
// the tools themselves.
func example(t *testing.T) (r *client.Result, tokens int, duration float64) {
	t.Helper()
	text, err := os.ReadFile("testdata/example.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Start    int     `json:"start_ms"`
		Done     int     `json:"done_ms"`
		Tokens   int     `json:"completion_tokens"`
		Duration float64 `json:"duration_s"`
		Events   []struct {
			At     int `json:"at_ms"`
			Kind   string
			Tokens int32
			Data   struct{ Choices []any }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Events) == 0 {
		t.Fatal(err, len(file.Events))
	}
	kinds := map[string]client.Kind{"role": client.Role, "reasoning": client.Reasoning, "token": stream.Token, "text": client.Text, "usage": stream.Usage}
	start := time.Duration(file.Start) * ms
	r = &client.Result{Start: start, Written: start}
	for _, e := range file.Events {
		kind, known := kinds[e.Kind]
		if !known {
			t.Fatalf("an event of kind %q", e.Kind)
		}
		r.Events = append(r.Events, client.Event{At: start + time.Duration(e.At)*ms, Kind: kind, Choices: len(e.Data.Choices) > 0, Tokens: e.Tokens})
	}
	r.LastByte = start + time.Duration(file.Done)*ms
	r.End = r.LastByte + ms
	return r, file.Tokens, file.Duration
}

// writeTable writes a Markdown table of the means.
func writeTable(w io.Writer, rows []Row) {
	mean := func(s Stat) string {
		if s.Count == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", 1e3*s.Mean)
	}
	fmt.Fprintln(w, "| tool | TTFT | ITL | TPOT | latency | duration s | tokens/s |\n|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %.3f | %.1f |\n", r.Tool, mean(r.TTFT), mean(r.ITL), mean(r.TPOT), mean(r.Latency), r.Duration, r.Throughput)
	}
}

// TestPage computes the page's table, and holds the page to the versions in the code.
func TestPage(t *testing.T) {
	const page, begin, end = "../../docs/definitions.md", "<!-- table -->\n", "<!-- end -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("the page has no table")
	}
	r, n, duration := example(t)
	rows := rowsOf(r, metrics.Rule{Chat: true}, n, duration)
	for _, row := range rows {
		if named := fmt.Sprintf("`%s %s`", row.Tool, row.Version); row.Version != "" && !strings.Contains(string(text), named) {
			t.Errorf("the page does not name %s", named)
		}
	}
	var want bytes.Buffer
	writeTable(&want, rows)
	if *update {
		if err := os.WriteFile(page, []byte(head+begin+want.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if table != want.String() {
		t.Errorf("the page has\n%s\nwant\n%s", table, want.String())
	}
}
