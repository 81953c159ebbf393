package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"loadgen/internal/breakdown/show"
	"loadgen/internal/judge"
	"loadgen/internal/plain"
	"loadgen/internal/pyjson"
	"loadgen/pkg/metrics"
)

// Lines writes a JSON object for each file, a line each: its metrics and findings, and
// what the comparison says of it.
func Lines(w io.Writer, files []*Stored, groups []*Group) error {
	for _, s := range files {
		line := s.object()
		if of := comparisonOf(groups, s); of != nil {
			line.Set("comparison", of)
		}
		if _, err := w.Write(append(pyjson.Append(nil, plainNumbers(line)), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// object is the file's metrics, findings and notes for programs.
func (s *Stored) object() pyjson.Object {
	o := pyjson.Object{{Key: "file", Value: s.Name}}
	if s.shown != nil {
		o = append(o, s.shown.Object()...)
	} else {
		o = append(o, s.summary()...)
	}
	findings, notes := s.judge()
	if remarks := s.remarks(); len(remarks) > 0 {
		o.Set("remarks", remarks)
	}
	if v := s.Verdict(); v != "" {
		o.Set("verdict", v)
	}
	o.Set("findings", findingObjects(findings))
	o.Set("notes", findingObjects(notes))
	return o
}

// plainNumbers replaces what JSON has no number for with null, at any depth.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case float64:
		return finiteOrNil(v)
	case *float64:
		if v != nil {
			return finiteOrNil(*v)
		}
	case []float64:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = finiteOrNil(x)
		}
		return out
	case [][]float64:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainNumbers(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainNumbers(x)
		}
		return out
	case []pyjson.Object:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plainNumbers(x)
		}
		return out
	case pyjson.Object:
		out := make(pyjson.Object, len(v))
		for i, m := range v {
			out[i] = pyjson.Member{Key: m.Key, Value: plainNumbers(m.Value)}
		}
		return out
	}
	return v
}

// finiteOrNil is null for what JSON has no number for.
func finiteOrNil(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return x
}

func findingObjects(all []judge.Finding) []pyjson.Object {
	out := []pyjson.Object{}
	for _, f := range all {
		figures := f.Figures
		if figures == nil {
			figures = pyjson.Object{}
		}
		out = append(out, pyjson.Object{{Key: "code", Value: f.Code}, {Key: "text", Value: f.Text}, {Key: "figures", Value: figures}})
	}
	return out
}

// summary is what the file has, or allows to compute, without its requests' values.
func (s *Stored) summary() (o pyjson.Object) {
	f := s.file
	for _, m := range []struct{ key, value string }{{"date", f.Date}, {"backend", f.Backend}, {"model_id", f.ModelID}} {
		if m.value != "" {
			o.Set(m.key, m.value)
		}
	}
	count := func(key string, x *int) {
		if x != nil {
			o.Set(key, *x)
		}
	}
	value := func(key string, x *float64) {
		if x != nil {
			o.Set(key, whole(*x))
		}
	}
	count("num_prompts", f.NumPrompts)
	count("completed", f.Completed)
	value("duration", f.Duration)
	count("total_input_tokens", f.TotalInputTokens)
	count("total_output_tokens", f.TotalOutputTokens)
	value("request_throughput", f.RequestThroughput)
	value(goodput, f.RequestGoodput)
	value("output_throughput", f.OutputThroughput)
	value("total_token_throughput", f.TotalTokenThroughput)
	if rate := f.Setting("request_rate"); rate != nil {
		o.Set("request_rate", whole(rate))
	}
	if f.Loadgen != nil || f.MaxConcurrency != nil {
		o.Set("max_concurrency", f.MaxConcurrency)
	}
	if n := s.decoding(); n > 0 {
		o.Set("decoding_at_a_time", n)
	}
	if wave := s.firstWave(); wave.N > 0 {
		o.Set("first_wave_completed", wave.N)
		o.Set("mean_first_wave_ttft_ms", 1e3*wave.Value)
	}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		for _, statistic := range s.statistics() {
			if x := s.Latency(statistic, m); !math.IsNaN(x) {
				o.Set(statistic+"_"+m.String()+"_ms", 1e3*x)
			}
		}
	}
	return o
}

// headline is what a run was and what came of it. What the file does not have is left out.
func (s *Stored) headline() string {
	f := s.file
	text := fmt.Sprintf("%d requests completed", countOf(f.Completed))
	switch {
	case f.Completed == nil:
		text = "an unknown number of requests completed"
	case f.NumPrompts != nil:
		text = fmt.Sprintf("%d of %d requests completed", countOf(f.Completed), countOf(f.NumPrompts))
	}
	if f.Duration != nil {
		text += fmt.Sprintf(" in %.2f s", *f.Duration)
	}
	if c := countOf(f.MaxConcurrency); c > 0 {
		text += fmt.Sprintf(", concurrency %d", c)
	}
	if x := f.OutputThroughput; x != nil {
		text += fmt.Sprintf(", %.2f output tokens/s", *x)
	}
	if x := f.RequestGoodput; x != nil {
		text += fmt.Sprintf(", goodput %.2f requests/s", *x)
	}
	if why := s.Partial(); why != "" {
		text = "PARTIAL, " + why + "; " + text
	}
	return text
}

// remarks are which other client wrote the file, what its numbers mean, and what it lacks.
func (s *Stored) remarks() (out []string) {
	program := s.program()
	if s.file.Loadgen != nil || program == "benchmark_serving" {
		return nil
	}
	f := s.file
	var missing []string
	lacks := func(what string, isMissing bool) {
		if isMissing {
			missing = append(missing, what)
		}
	}
	lacks("the number of requests sent", f.NumPrompts == nil)
	lacks("the number of requests completed", f.Completed == nil)
	lacks("the duration", f.Duration == nil)
	lacks("token totals", f.TotalInputTokens == nil || f.TotalOutputTokens == nil)
	lacks("the output throughput", f.OutputThroughput == nil)
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		lacks(strings.ToUpper(m.String()), math.IsNaN(s.Latency("mean", m)))
	}
	by := "written by " + program
	if len(missing) > 0 {
		by += "; the file does not have: " + strings.Join(missing, ", ")
	}
	return append([]string{by}, f.Remarks...)
}

// WriteText shows the file to people.
func (s *Stored) WriteText(w io.Writer) {
	f := s.file
	fmt.Fprintf(w, "%s\n", plain.Line(s.Name))
	fmt.Fprint(w, "  ")
	if f.ModelID != "" {
		fmt.Fprintf(w, "%s, ", plain.Line(f.ModelID))
	}
	fmt.Fprintln(w, s.headline())
	for _, remark := range s.remarks() {
		fmt.Fprintf(w, "  %s\n", remark)
	}
	s.writeTrust(w)
	statistics := s.statistics()
	fmt.Fprintf(w, "  %-6s", "ms")
	for _, name := range statistics {
		fmt.Fprintf(w, " %10s", name)
	}
	fmt.Fprintln(w)
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if math.IsNaN(s.Latency("mean", m)) {
			continue
		}
		fmt.Fprintf(w, "  %-6s", strings.ToUpper(m.String()))
		for _, name := range statistics {
			if x := s.Latency(name, m); math.IsNaN(x) {
				fmt.Fprintf(w, " %10s", "-")
			} else {
				fmt.Fprintf(w, " %10.2f", 1e3*x)
			}
		}
		fmt.Fprintln(w)
	}
	if n := s.decoding(); n > 0 {
		fmt.Fprintf(w, "  %.1f requests were decoding at a time", n)
		if wave := s.firstWave(); wave.N > 0 {
			fmt.Fprintf(w, "; mean TTFT of the first wave (%d requests) %.2f ms", wave.N, 1e3*wave.Value)
		}
		fmt.Fprintln(w)
	}
	show.Stages(w, "  ", s.loadgen().Stages)
	show.Servers(w, "  ", s.loadgen().Servers)
	show.Probes(w, "  ", s.loadgen().Probes)
	show.Cancelled(w, "  ", s.loadgen().Cancellation)
	writeRanks(w, "  ", s.loadgen().Ranks)
	if m := s.loadgen().ServerMetrics; m != nil && m.Exposition != nil {
		show.Metrics(w, "  ", m.Exposition)
	}
	if g := s.loadgen().GPU; g != nil {
		show.GPU(w, "  ", g)
	}
	if t := s.loadgen().TimeBreakdown; t != nil {
		show.Text(w, "  ", t)
	}
}

// writeTrust writes how far the metrics can be trusted: the verdict with the bounds of the
// measurement error, failures, findings and notes.
func (s *Stored) writeTrust(w io.Writer) {
	if v := s.storedVerdict(); len(v.Measured) > 0 {
		WriteVerdict(w, "  ", v)
	} else if v.Level != "" {
		fmt.Fprintf(w, "  verdict %s\n", plain.Line(v.Level))
	}
	findings, notes := s.judge()
	if !slices.ContainsFunc(findings, isFailures) { // which would say the same
		for i, line := range s.failureLines() {
			if i > 0 {
				line = "  - " + line
			}
			fmt.Fprintf(w, "  %s\n", plain.Line(line))
		}
	}
	WriteFindings(w, "  ", publicFindings(findings), publicFindings(notes))
}

// isFailures reports whether a finding is that of failed requests.
func isFailures(f judge.Finding) bool { return f.Code == "failures" }

func publicFindings(all []judge.Finding) []Finding {
	out := make([]Finding, len(all))
	for i, f := range all {
		out[i] = Finding{Code: f.Code, Text: f.Text}
	}
	return out
}
