// Package requests is the table of a run's requests, a row for each that was sent: it takes a
// recording and its analysis, or a result file with each request's values, and gives CSV or
// Parquet. It computes no metric of its own: latencies are those of package metrics.
package requests

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/parquet"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// Column is a column of the table and what it holds.
type Column struct {
	parquet.Column
	Meaning string
}

// Columns are the table's. A value that is not known, or that there is none of, is null.
var Columns = []Column{
	{parquet.Column{Name: "file", Type: parquet.Texts}, "the file that the run was read from; null in a table that a run writes itself"},
	{parquet.Column{Name: "request", Type: parquet.Integers}, "index of the request in the plan, from 0"},
	{parquet.Column{Name: "conversation", Type: parquet.Integers}, "number of the conversation that it is a turn of, from 1"},
	{parquet.Column{Name: "turn", Type: parquet.Integers}, "number of the turn, from 1"},
	{parquet.Column{Name: "ok", Type: parquet.Booleans}, "whether it succeeded, by the run's rule; latencies, ITLs and output tokens are null otherwise"},
	{parquet.Column{Name: "error_class", Type: parquet.Texts}, "class of the failure"},
	{parquet.Column{Name: "error", Type: parquet.Texts}, "message of the failure"},
	{parquet.Column{Name: "http_status", Type: parquet.Integers}, "status of the answer"},
	{parquet.Column{Name: "finish_reason", Type: parquet.Texts}, "why the server stopped"},
	{parquet.Column{Name: "due_s", Type: parquet.Doubles}, "when the schedule wanted it sent, since the run's start"},
	{parquet.Column{Name: "start_s", Type: parquet.Doubles}, "when its clock started, since the run's start"},
	{parquet.Column{Name: "queue_ms", Type: parquet.Doubles}, "from being due to having a concurrency slot"},
	{parquet.Column{Name: "connect_ms", Type: parquet.Doubles}, "time to open its connection, part of TTFT; null on a reused one"},
	{parquet.Column{Name: "ttft_ms", Type: parquet.Doubles}, "time to first token; null for an answer that was not streamed"},
	{parquet.Column{Name: "tpot_ms", Type: parquet.Doubles}, "time per output token after the first"},
	{parquet.Column{Name: "e2el_ms", Type: parquet.Doubles}, "end-to-end latency"},
	{parquet.Column{Name: "itl_ms", Type: parquet.Lists}, "times between its chunks: a list, in CSV separated by blanks"},
	{parquet.Column{Name: "chunks", Type: parquet.Integers}, "events that brought choices"},
	{parquet.Column{Name: "input_tokens", Type: parquet.Integers}, "nominal length of the prompt"},
	{parquet.Column{Name: "server_input_tokens", Type: parquet.Integers}, "length of the prompt by the server's count"},
	{parquet.Column{Name: "cached_tokens", Type: parquet.Integers}, "how many of these were in the server's prefix cache"},
	{parquet.Column{Name: "output_tokens", Type: parquet.Integers}, "length of the completion: the server's usage, else the tokenizer's count"},
	{parquet.Column{Name: "answer_id", Type: parquet.Texts}, "the answer's id, for the server's log"},
	{parquet.Column{Name: "kernel_stamps", Type: parquet.Booleans}, "whether the kernel timestamped its arrivals"},
}

// Row is the value of each of Columns, nil for null.
type Row []any

// set sets the value of a column.
func (r Row) set(name string, value any) {
	r[slices.IndexFunc(Columns, func(c Column) bool { return c.Name == name })] = value
}

// ErrNoDetails is the error of a result file without the values of each request.
var ErrNoDetails = errors.New("it does not have each request's values")

// OfRun yields the rows of a run. A row is valid until the next.
func OfRun(rec *recording.Recording, a *analysis.Analysis) iter.Seq[Row] {
	rule := analysis.RuleOf(&rec.Settings)
	return func(yield func(Row) bool) {
		row := make(Row, len(Columns))
		var read metrics.Reading
		k := 0
		for i, r := range rec.All() {
			clear(row)
			planned := rec.Planned[i]
			row.set("request", i)
			if planned.Conversation > 0 {
				row.set("conversation", planned.Conversation)
				row.set("turn", planned.Turn+1)
			}
			read.Read(r, planned.PromptLen, rule)
			row.answer(r, rec.Start)
			row.sample(&read.Sample, a.Summary.OutputLens[k], rule.Whole)
			if k++; !yield(row) {
				return
			}
		}
	}
}

// answer sets what is known of the exchange.
func (r Row) answer(of *client.Result, start time.Duration) {
	seconds := func(at time.Duration) float64 { return (at - start).Seconds() }
	r.set("due_s", seconds(of.Due))
	if of.Permit > 0 {
		r.set("queue_ms", 1e3*max(of.Permit-of.Due, 0).Seconds())
	}
	if of.Start > 0 {
		r.set("start_s", seconds(of.Start))
	}
	if of.Connect > of.Start && !of.Reused {
		r.set("connect_ms", 1e3*(of.Connect-of.Start).Seconds())
	}
	if of.Status > 0 {
		r.set("http_status", of.Status)
		r.set("kernel_stamps", of.KernelStamps)
	}
	if of.FinishReason != "" {
		r.set("finish_reason", of.FinishReason)
	}
	if of.ID != "" {
		r.set("answer_id", of.ID)
	}
	if n := of.SeenUsage.Prompt; n >= 0 && of.Err == nil {
		r.set("server_input_tokens", n)
	}
	if n := of.SeenUsage.Cached; n >= 0 && of.Err == nil {
		r.set("cached_tokens", n)
	}
	chunks := 0
	for i := range of.Events {
		if of.Events[i].Choices {
			chunks++
		}
	}
	r.set("chunks", chunks)
	if of.Err != nil {
		r.set("error_class", string(of.Err.Class))
		r.set("error", of.Err.Message)
	}
}

// sample sets the latencies and tokens of a request.
func (r Row) sample(s *metrics.Sample, tokens int, whole bool) {
	r.set("ok", s.Success)
	r.set("input_tokens", s.PromptLen)
	if !s.Success {
		return
	}
	r.set("output_tokens", tokens)
	r.set("e2el_ms", 1e3*s.Latency)
	if whole {
		return
	}
	r.set("ttft_ms", 1e3*s.TTFT)
	gaps := make([]float64, len(s.ITL))
	for i, x := range s.ITL {
		gaps[i] = 1e3 * x
	}
	r.set("itl_ms", gaps)
	if tpot, ok := metrics.PerToken(s.TTFT, s.Latency, tokens); ok {
		r.set("tpot_ms", 1e3*tpot)
	}
}

// OfFile yields the rows of a result file, as far as it has them.
func OfFile(f *result.File) (iter.Seq[Row], error) {
	n := len(f.TTFTs)
	if n == 0 || len(f.ITLs) != n || len(f.OutputLens) != n {
		return nil, ErrNoDetails
	}
	return func(yield func(Row) bool) {
		row := make(Row, len(Columns))
		i := 0
		for s := range f.Samples() {
			clear(row)
			row.set("request", i)
			row.sample(&s, s.OutputTokens, s.TTFT < 0)
			row.set("input_tokens", nil)
			if i < len(f.InputLens) {
				row.set("input_tokens", s.PromptLen)
			}
			if s.Error != "" {
				row.set("error", s.Error)
				if class := classOf(f, s.Error); class != "" {
					row.set("error_class", class)
				}
			}
			if !yield(row) {
				return
			}
			i++
		}
	}, nil
}

// classOf is the class of a failure by its message, which begins with it but for those that are
// worded as the original's; "" where that does not show. Another program's messages have no class.
func classOf(f *result.File, message string) string {
	if f.Loadgen == nil {
		return ""
	}
	known := func(class string) bool {
		return client.Class(class).OnPurpose() || f.Loadgen.Failures != nil && f.Loadgen.Failures.ByClass[class] > 0
	}
	class, _, _ := strings.Cut(message, ": ")
	switch {
	case known(class):
		return class
	case message == client.NeverValid:
		return string(client.NoTokens)
	case known(string(client.HTTPStatus)): // whose message is the status line's
		return string(client.HTTPStatus)
	}
	return ""
}

// Named are rows with the name of their file.
func Named(name string, rows iter.Seq[Row]) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for row := range rows {
			row.set("file", name)
			if !yield(row) {
				return
			}
		}
	}
}

// WriteParquet writes rows as Parquet.
func WriteParquet(out io.Writer, rows iter.Seq[Row]) error {
	var columns []parquet.Column
	for _, c := range Columns {
		columns = append(columns, c.Column)
	}
	w := parquet.NewWriter(out, columns)
	for row := range rows {
		if err := w.Row(row); err != nil {
			return err
		}
	}
	return w.Close()
}

// WriteCSV writes rows as CSV, with a head.
func WriteCSV(out io.Writer, rows iter.Seq[Row]) error {
	w := csv.NewWriter(out)
	cells := make([]string, len(Columns))
	for i, c := range Columns {
		cells[i] = c.Name
	}
	err := w.Write(cells)
	for row := range rows {
		if err != nil {
			break
		}
		for i, value := range row {
			cells[i] = cell(value)
		}
		err = w.Write(cells)
	}
	w.Flush()
	return errors.Join(err, w.Error())
}

// cell is a value in CSV: "" for null, shortest forms of numbers.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return pyjson.FormatFloat(v)
	case []float64:
		all := make([]string, len(v))
		for i, x := range v {
			all[i] = pyjson.FormatFloat(x)
		}
		return strings.Join(all, " ")
	}
	panic(fmt.Sprintf("a cell cannot hold a %T", value))
}
