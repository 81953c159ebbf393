package requests

import (
	"bytes"
	"encoding/csv"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/parquet"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/client/answer"
	"loadgen/pkg/metrics"
)

const ms = time.Millisecond

// run is a run of four requests: a success on a fresh connection, one on a reused one, a failure
// and one that was never sent.
func run(t *testing.T) (*recording.Recording, *analysis.Analysis) {
	t.Helper()
	rec := &recording.Recording{Settings: recording.Defaults(), Start: 1000 * ms, Elapsed: time.Second}
	model := "m"
	rec.Settings.Model, rec.Settings.NumPrompts = &model, 4
	for i := range 4 {
		rec.Planned = append(rec.Planned, recording.Planned{PromptLen: 10 + i, OutputLen: 3})
		at := time.Duration(1000+10*i) * ms
		r := &client.Result{Due: at, Handed: at, Permit: at + ms, Start: at + 2*ms, Connect: at + 3*ms, Written: at + 4*ms, Ended: at + 70*ms, End: at + 70*ms, KernelStamps: true}
		r.Status, r.FinishReason, r.ID, r.Text = 200, "length", "id", []byte("abc")
		r.Usage, r.SeenUsage = answer.UsageCounts{Prompt: 11, Completion: 3, Cached: -1}, answer.UsageCounts{Prompt: 11, Completion: 3, Cached: 4}
		for k := range 3 {
			r.Events = append(r.Events, client.Event{At: at + time.Duration(22+20*k)*ms, Kind: client.Text, Choices: true, Tokens: -1, TextEnd: int32(k + 1)})
		}
		rec.Results = append(rec.Results, r)
	}
	rec.Planned[1].Conversation, rec.Planned[1].Turn = 2, 1
	rec.Results[1].Reused = true
	rec.Results[2].Err = &client.Error{Class: "cut", Message: "the stream, \"cut\"\nshort"}
	rec.Results[3] = nil
	a, err := analysis.Analyze(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rec, a
}

// byName are the values of a row that are there.
func byName(row Row) map[string]any {
	out := map[string]any{}
	for i, c := range Columns {
		if row[i] != nil {
			out[c.Name] = row[i]
		}
	}
	return out
}

// TestRows: each request that was sent is a row; latencies are those of the successes alone.
func TestRows(t *testing.T) {
	rec, a := run(t)
	var rows []map[string]any
	for row := range OfRun(rec, a) {
		rows = append(rows, byName(row))
	}
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	want := map[string]any{"request": 0, "ok": true, "http_status": 200, "finish_reason": "length", "due_s": 0.0, "start_s": 0.002, "queue_ms": 1.0, "connect_ms": 1.0,
		"ttft_ms": 20.0, "tpot_ms": 20.0, "e2el_ms": 60.0, "itl_ms": []float64{20, 20}, "chunks": 3, "input_tokens": 10, "server_input_tokens": 11, "cached_tokens": 4,
		"output_tokens": 3, "answer_id": "id", "kernel_stamps": true}
	for name, value := range want {
		if !equal(rows[0][name], value) {
			t.Errorf("%s: %v, want %v", name, rows[0][name], value)
		}
	}
	if len(rows[0]) != len(want) {
		t.Errorf("%v", rows[0])
	}
	if r := rows[1]; r["connect_ms"] != nil || r["conversation"] != 2 || r["turn"] != 2 || !equal(r["due_s"], 0.01) {
		t.Errorf("%v", r)
	}
	if r := rows[2]; r["ok"] != false || r["error_class"] != "cut" || r["ttft_ms"] != nil || r["e2el_ms"] != nil || r["output_tokens"] != nil || r["itl_ms"] != nil || r["server_input_tokens"] != nil {
		t.Errorf("%v", r)
	}
}

// equal compares values; floats to the last digits, which differences of instants cost.
func equal(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && math.Abs(x-y) < 1e-9
	case []float64:
		y, ok := b.([]float64)
		return ok && slices.EqualFunc(x, y, func(a, b float64) bool { return equal(a, b) })
	}
	return a == b
}

// TestMeansAreTheResults: the columns' means are those that the result has.
func TestMeansAreTheResults(t *testing.T) {
	rec, a := run(t)
	sums, n := map[string]float64{}, map[string]float64{}
	for row := range OfRun(rec, a) {
		for name, value := range byName(row) {
			if x, ok := value.(float64); ok {
				sums[name], n[name] = sums[name]+x, n[name]+1
			}
		}
	}
	for m, name := range map[metrics.Metric]string{metrics.TTFT: "ttft_ms", metrics.TPOT: "tpot_ms", metrics.E2EL: "e2el_ms"} {
		if got := sums[name] / n[name]; !equal(got, 1e3*a.Summary.Latency[m].Mean) {
			t.Errorf("%s: %v, the result has %v", name, got, a.Summary.Latency[m].Mean)
		}
	}
}

// TestWholeAnswers have no TTFT, TPOT and gaps.
func TestWholeAnswers(t *testing.T) {
	rec, _ := run(t)
	rec.Settings.NonStreaming = true
	for _, r := range rec.Results[:3] {
		r.LastByte = r.Start + 50*ms
	}
	a, err := analysis.Analyze(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	for row := range OfRun(rec, a) {
		r := byName(row)
		if r["ok"] == true && (!equal(r["e2el_ms"], 50.0) || r["ttft_ms"] != nil || r["tpot_ms"] != nil || r["itl_ms"] != nil) {
			t.Errorf("%v", r)
		}
	}
}

// TestFileRows: a result file with details has the same latencies; without them it has no rows.
func TestFileRows(t *testing.T) {
	rec, _ := run(t)
	a, err := analysis.Detailed(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := a.File(rec, true)
	rows, err := OfFile(f)
	if err != nil {
		t.Fatal(err)
	}
	k := 0
	for row := range Named("f.json", rows) {
		r := byName(row)
		if r["file"] != "f.json" || r["request"] != k || r["ok"] != (k < 2) || r["input_tokens"] != 10+k {
			t.Errorf("%v", r)
		}
		if k < 2 && (!equal(r["ttft_ms"], 20.0) || !equal(r["tpot_ms"], 20.0) || !equal(r["e2el_ms"], 60.0) || r["output_tokens"] != 3) || k == 2 && (r["error"] == nil || r["ttft_ms"] != nil) {
			t.Errorf("%v", r)
		}
		k++
	}
	if k != 3 {
		t.Errorf("%d rows", k)
	}
	f.E2ELs = nil // of the 1.2 layout
	rows, err = OfFile(f)
	if err != nil {
		t.Fatal(err)
	}
	for row := range rows {
		if r := byName(row); r["ok"] == true && !equal(r["e2el_ms"], 60.0) {
			t.Errorf("%v", r)
		}
	}
	if _, err := OfFile(a.File(rec, false)); !errors.Is(err, ErrNoDetails) {
		t.Error(err)
	}
	whole := &result.File{TTFTs: []float64{-1}, ITLs: [][]float64{{}}, OutputLens: []int{3}, E2ELs: []float64{0.5}}
	rows, _ = OfFile(whole)
	for row := range rows {
		if r := byName(row); r["ttft_ms"] != nil || !equal(r["e2el_ms"], 500.0) {
			t.Errorf("%v", r)
		}
	}
}

// TestFileClasses: a failure's class is read off its message, which begins with it unless its words
// are the original's. Nothing is said of another program's messages.
func TestFileClasses(t *testing.T) {
	f := &result.File{Loadgen: &result.Loadgen{Failures: &result.Failures{ByClass: map[string]int{"cut": 1, "http_status": 2, "no_tokens": 2}}}}
	for _, x := range []struct{ message, class string }{
		{"cut: the connection ended before the answer did", "cut"},
		{"cancelled: after as many tokens as it was to have", "cancelled"},
		{"cut_at_end: the request was under way when the run ended", "cut_at_end"},
		{"interrupted: the run was ended by a signal", "interrupted"},
		{"no_tokens: the stream ended without any token", "no_tokens"},
		{"Never received a valid chunk to calculate TTFT.This response will be marked as failed!", "no_tokens"},
		{"Service Unavailable", "http_status"},
		{"Busy: come back later", "http_status"},
	} {
		f.Errors, f.TTFTs, f.ITLs, f.OutputLens = []string{x.message}, []float64{0}, [][]float64{nil}, []int{0}
		rows, err := OfFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for row := range rows {
			if r := byName(row); r["error_class"] != x.class || r["error"] != x.message || r["ok"] != false {
				t.Errorf("%q: %v", x.message, r)
			}
		}
	}
	f.Loadgen.Failures.ByClass = nil
	if got := classOf(f, "anything: else"); got != "" {
		t.Errorf("a class that no failure of the run has: %q", got)
	}
	if f.Loadgen = nil; classOf(f, "cut: x") != "" {
		t.Error("another program's message has a class")
	}
}

// TestFormats: CSV and Parquet have the same values.
func TestFormats(t *testing.T) {
	rec, a := run(t)
	var table, packed bytes.Buffer
	if err := errors.Join(WriteCSV(&table, OfRun(rec, a)), WriteParquet(&packed, OfRun(rec, a))); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(records) != 4 {
		t.Fatal(err, records)
	}
	f, err := parquet.Open(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.Columns(), records[0]) {
		t.Errorf("%v %v", f.Columns(), records[0])
	}
	k := 0
	err = f.Rows(nil, func(read func() (parquet.Group, error)) error {
		k++
		group, err := read()
		for i, field := range group {
			value := field.Value
			switch v := value.(type) {
			case int64:
				value = int(v)
			case []any:
				list := []float64{}
				for _, x := range v {
					list = append(list, x.(float64))
				}
				value = list
			}
			if cell(value) != records[k][i] {
				t.Errorf("row %d, %s: %v, in CSV %q", k, field.Name, value, records[k][i])
			}
		}
		return err
	})
	if err != nil || k != 3 {
		t.Error(k, err)
	}
}

// TestColumnsPage: docs/automation.md explains every column.
func TestColumnsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/automation.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Columns {
		if row := "| `" + c.Name + "` | " + c.Meaning + " |"; !strings.Contains(string(page), row) {
			t.Errorf("the page does not have %s", row)
		}
	}
}
