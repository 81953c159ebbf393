package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"loadgen/internal/plain"
	"loadgen/internal/pyjson"
	"loadgen/pkg/metrics"
)

// Run is a finished run and how it is to be shown.
type Run struct {
	Date               time.Time
	Backend            string
	ModelID, Tokenizer string
	NumPrompts         int
	Metadata           [][2]string
	RequestRate        float64
	Burstiness         float64
	MaxConcurrency     *int
	// Metrics selects which latencies are shown.
	Metrics []metrics.Metric
	// Compat12 is the layout of the 1.2 release.
	Compat12 bool
	// Detailed keeps a value for each request.
	Detailed bool
	Summary  *metrics.Summary
	Energy   *Energy
}

// Selected returns the metrics to show, in the order of reports.
func (r *Run) Selected() (out []metrics.Metric) {
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		for _, s := range r.Metrics {
			if s == m {
				out = append(out, m)
				break
			}
		}
	}
	return out
}

// FileName is the result file's name where none is given.
func (r *Run) FileName() string {
	concurrency := ""
	if r.MaxConcurrency != nil {
		concurrency = fmt.Sprintf("-concurrency%d", *r.MaxConcurrency)
	}
	model := plain.FileName(r.ModelID[strings.LastIndexByte(r.ModelID, '/')+1:], longestPart)
	return fmt.Sprintf("%s-%sqps%s-%s-%s.json", r.Backend, pyjson.FormatFloat(r.RequestRate), concurrency, model, r.Date.Format("20060102-150405"))
}

// longestPart is how many bytes of a model's name are in a file's name, which may have 255.
const longestPart = 150

// Energy is what the server's meter says about a run.
type Energy struct {
	TotalJoules float64
	PerWatt     *float64 // output tokens per second and watt; nil without a rise of the meter
	Watts       float64  // mean power
}

func (e *Energy) print(w io.Writer) {
	perWatt := "N/A"
	if e.PerWatt != nil {
		perWatt = fixed(*e.PerWatt, 4)
	}
	fmt.Fprintln(w, centred(" Energy Metrics ", '-'))
	for _, row := range [][2]string{{"Total Energy (J):", fixed(e.TotalJoules, 4)},
		{"Output Tokens per Second per Watt (tps/W):", perWatt}, {"Total GPU Power (W):", fixed(e.Watts, 4)}} {
		fmt.Fprintf(w, "%-40s %-10s\n", row[0], row[1])
	}
}
