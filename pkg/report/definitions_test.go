package report

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"loadgen/internal/definitions"
	"loadgen/internal/stream"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

var update = flag.Bool("update", false, "write the documents' tables")

// example is the chat stream of docs/definitions.md: five tokens in four chunks.
func example() []definitions.Row {
	const ms = time.Millisecond
	start := 1000 * ms
	r := &client.Result{Start: start, Written: start}
	for _, e := range []struct {
		at      int
		kind    stream.Kind
		choices bool
		tokens  int32
	}{
		{100, stream.Role, true, 0}, {110, stream.Reasoning, true, 1}, {130, stream.Token, true, 2}, {150, stream.Text, true, 4}, {190, stream.Text, true, 5}, {195, stream.Usage, false, 5},
	} {
		r.Events = append(r.Events, client.Event{At: start + time.Duration(e.at)*ms, Kind: e.kind, Choices: e.choices, Tokens: e.tokens})
	}
	r.LastByte, r.End = start+200*ms, start+201*ms
	s := metrics.NewSample(r, 0, metrics.Rule{Chat: true})
	d := definitions.NewReader(len(r.Events))
	d.Add(r, &s, 5)
	return d.Rows(metrics.Compute([]metrics.Sample{s}, 0.205, metrics.Options{}))
}

// writeTable writes a Markdown table of the means.
func writeTable(w io.Writer, rows []definitions.Row) {
	mean := func(s definitions.Stat) string {
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

// TestDefinitionsPage computes the page's table.
func TestDefinitionsPage(t *testing.T) {
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
	var want bytes.Buffer
	writeTable(&want, example())
	if *update {
		if err := os.WriteFile(page, []byte(head+begin+want.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if table != want.String() {
		t.Errorf("the page says\n%s\nand it is\n%s", table, want.String())
	}
}
