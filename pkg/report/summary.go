package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"loadgen/internal/judge"
	"loadgen/internal/plain"
)

// summaryRows are the metrics of a summary, with their names there.
var summaryRows = []struct {
	quantity judge.Quantity
	name     string
}{
	{judge.Quantity{Metric: "ttft", Statistic: judge.MeanOf}, "Mean TTFT (ms)"},
	{judge.Quantity{Metric: "tpot", Statistic: judge.MeanOf}, "Mean TPOT (ms)"},
	{judge.Quantity{Metric: "itl", Statistic: judge.MeanOf}, "Mean ITL (ms)"},
	{judge.Quantity{Metric: "e2el", Statistic: judge.MeanOf}, "Mean E2EL (ms)"},
	{judge.Quantity{Metric: judge.OutputThroughput, Higher: true}, "Output Throughput (tok/s)"},
}

// Summary writes benchmark_summary.txt: the baseline vs each of the others.
func (g *Group) Summary(w io.Writer) {
	w = plain.Writer{To: w}
	rule, thin := strings.Repeat("=", 80), strings.Repeat("-", 80)
	fmt.Fprintf(w, "%s\nBENCHMARK COMPARISON SUMMARY\n%s\n%s\n\n", rule, g.heading(), rule)
	fmt.Fprintf(w, "Model: %s\n", g.model())
	if hardware := g.hardware(); hardware != "" {
		fmt.Fprintf(w, "Hardware: %s\n", hardware)
	}
	fmt.Fprintf(w, "Configuration: %s\n\n", g.configuration())
	for load, name := range g.Loads {
		fmt.Fprintf(w, "%s\n%s: %s\n%s\n\n", thin, map[string]string{"concurrency": "CONCURRENCY LEVEL", "request rate": "REQUEST RATE", "load": "LOAD"}[g.load], name, thin)
		fmt.Fprintf(w, "%-30s", "Metric")
		for _, label := range g.judged.Labels {
			fmt.Fprintf(w, " %-*s", g.column(), label)
		}
		for i := range g.judged.Labels[1:] {
			fmt.Fprintf(w, " %-15s", g.speedUpName(i+1))
		}
		fmt.Fprintf(w, "\n%s\n", strings.Repeat("-", 45+g.column()+(g.column()+17)*max(0, len(g.judged.Labels)-2)+g.column()))
		for _, row := range summaryRows {
			g.summaryRow(w, load, row.quantity, row.name)
		}
		fmt.Fprintln(w)
	}
	if len(g.judged.Reasons) > 0 && len(g.judged.Rows) > 0 && !g.isOrigins() {
		fmt.Fprintf(w, "%s\n", g.summaryWarning())
	}
}

// summaryWarning says in one line that some of a summary is not comparable.
func (g *Group) summaryWarning() string {
	var parts []string
	for _, r := range g.judged.Reasons {
		scope := strings.TrimPrefix(g.scope(&r), " for ")
		if r.Metrics == nil {
			scope = "all metrics" + scope
		}
		parts = append(parts, scope+" ("+g.judged.Labels[r.Variant]+" "+r.Short+")")
	}
	return "NOT COMPARABLE: " + strings.Join(parts, "; ")
}

// column is the width of a server's values.
func (g *Group) column() int {
	wide := 20
	for _, label := range g.judged.Labels {
		wide = max(wide, utf8.RuneCountInString(label))
	}
	return wide
}

// speedUpName is the head of a speed-up's column.
func (g *Group) speedUpName(variant int) string {
	if len(g.judged.Labels) == 2 {
		return "Speedup"
	}
	return fmt.Sprintf("Speedup %d/1", variant+1)
}

func (g *Group) summaryRow(w io.Writer, load int, quantity judge.Quantity, name string) {
	fmt.Fprintf(w, "%-30s", name)
	for variant := range g.judged.Labels {
		fmt.Fprintf(w, " %-*s", g.column(), decimals(g.value(load, variant, quantity)))
	}
	for variant := 1; variant < len(g.judged.Labels); variant++ {
		up := "n/a"
		if x := g.speedUp(load, variant, quantity); !math.IsNaN(x) {
			up = fmt.Sprintf("%-15.2fx", x)
		}
		fmt.Fprintf(w, " %s", up)
	}
	fmt.Fprintln(w)
}

func decimals(x float64) string {
	switch {
	case math.IsNaN(x):
		return "n/a"
	case math.Abs(x) >= 1e12:
		return fmt.Sprintf("%.4g", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// value is a server's metric at a concurrency as reports show it, latencies in ms; NaN
// where there is none.
func (g *Group) value(load, variant int, quantity judge.Quantity) float64 {
	f := g.judged.Summaries[load][variant]
	switch {
	case f == nil:
		return math.NaN()
	case quantity.Higher:
		return f.Value(quantity)
	}
	return 1e3 * f.Value(quantity)
}

// speedUp is how many times better a server is than the baseline.
func (g *Group) speedUp(load, variant int, quantity judge.Quantity) float64 {
	r := judge.Row{Quantity: quantity, Base: g.value(load, 0, quantity), Other: g.value(load, variant, quantity)}
	return r.SpeedUp()
}

// heading names the servers as the origin's text does: the newest first.
func (g *Group) heading() string {
	if g.Title != "" {
		return plain.Name(g.Title, longestHeading)
	}
	if len(g.Variants) == 2 && g.Variants[0].Name == "pytorch_hf" && g.Variants[1].Name == "trt_engine" {
		return "TensorRT Engine vs PyTorch Backend (HuggingFace)" // as the origin's script has it
	}
	if runs := g.Variants[0].Runs; len(g.Variants) == 1 && len(runs) == 1 {
		dir, base := runs[0].place()
		return plain.Name(filepath.Base(dir)+"/"+base, longestHeading)
	}
	labels := slices.Clone(g.judged.Labels)
	slices.Reverse(labels)
	if len(labels) > 4 {
		return fmt.Sprintf("%d servers vs %s", len(labels)-1, g.judged.Labels[0])
	}
	return strings.Join(labels, " vs ")
}

const longestHeading = 300 // characters

// model is the name of the model without its owner, or of all models that there are.
func (g *Group) model() string {
	return g.all(func(s *Stored) string {
		name := plain.Name(s.file.ModelID, longestHeading)
		name = name[strings.LastIndex(strings.TrimRight(name, "/"), "/")+1:]
		return strings.TrimPrefix(name, "Meta-")
	})
}

// all are the texts of all results, each once.
func (g *Group) all(of func(s *Stored) string) string {
	var texts []string
	for _, variant := range g.Variants {
		for _, s := range variant.Runs {
			if text := of(s); text != "" && !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	if len(texts) > mostNamed {
		texts = append(texts[:mostNamed], "...")
	}
	return strings.Join(texts, " / ")
}

const mostNamed = 4 // of what should be the same in all results

// hardware is what the user named, "" for nothing.
func (g *Group) hardware() string { return cmp.Or(g.Hardware, g.origins("2x H200 GPUs")) }

// configuration is the lengths, and what the user named.
func (g *Group) configuration() string {
	var parts []string
	for _, part := range []struct {
		name   string
		tokens func(s *Stored) *int
	}{
		{"ISL", func(s *Stored) *int { return s.file.TotalInputTokens }},
		{"OSL", func(s *Stored) *int { return s.file.TotalOutputTokens }},
	} {
		lengths := g.all(func(s *Stored) string {
			tokens, completed := part.tokens(s), countOf(s.file.Completed)
			if tokens == nil || completed <= 0 {
				return ""
			}
			return fmt.Sprintf("%.0f", float64(*tokens)/float64(completed))
		})
		if lengths != "" {
			parts = append(parts, part.name+"="+lengths)
		}
	}
	if more := cmp.Or(g.Configuration, g.origins("TP=2")); more != "" {
		parts = append(parts, more)
	}
	return strings.Join(parts, ", ")
}
