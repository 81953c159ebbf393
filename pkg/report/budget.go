package report

import (
	"fmt"
	"io"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/pyjson"
	"loadgen/pkg/metrics"
)

// WriteVerdict tells a verdict: one line when all is well, else why not.
func WriteVerdict(w io.Writer, prefix string, v judge.Verdict, b *judge.Budget) {
	var bounds []string
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if x := b.Bounds[m]; x.Count > 0 {
			bounds = append(bounds, fmt.Sprintf("%s %.3g ms", strings.ToUpper(m.String()), 1e3*x.Most()))
		}
	}
	if len(bounds) == 0 {
		return
	}
	if v.Level == judge.Clean {
		fmt.Fprintf(w, "%sverdict clean: loadgen's own part is at most %s\n", prefix, strings.Join(bounds, ", "))
		return
	}
	fmt.Fprintf(w, "%sverdict %s: loadgen's own part is up to %s\n", prefix, v.Level, strings.Join(bounds, ", "))
	for _, r := range v.Reasons {
		fmt.Fprintf(w, "%s  - %s\n", prefix, r.Text)
	}
}

// FindingsJSON is the JSON of findings or notes.
func FindingsJSON(all []judge.Finding) []pyjson.Object {
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

// WriteFindings tells findings, then notes.
func WriteFindings(w io.Writer, prefix string, findings, notes []judge.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%sfinding %s: %s\n", prefix, f.Code, f.Text)
	}
	for _, f := range notes {
		fmt.Fprintf(w, "%snote %s: %s\n", prefix, f.Code, f.Text)
	}
}
