// Package expose writes metrics in Prometheus' text format, as package prom reads it. It takes
// values and gives bytes, and does no I/O.
package expose

import (
	"math"
	"strconv"
	"strings"

	"loadgen/internal/prom"
)

// Family is a metric with its series, as it is written.
type Family struct {
	Name, Help string
	Kind       string // counter, gauge, histogram
	Samples    []prom.Sample
}

// ContentType is that of the text format.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Append appends metrics in the text format (version 0.0.4).
func Append(dst []byte, families []Family) []byte {
	escapeHelp := strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel := strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	for _, f := range families {
		dst = append(dst, "# HELP "+f.Name+" "+escapeHelp.Replace(f.Help)+"\n# TYPE "+f.Name+" "+f.Kind+"\n"...)
		for _, s := range f.Samples {
			dst = append(dst, s.Name...)
			for i, l := range s.Labels {
				separator := ","
				if i == 0 {
					separator = "{"
				}
				dst = append(dst, separator+l.Name+`="`+escapeLabel.Replace(strings.ToValidUTF8(l.Value, "\uFFFD"))+`"`...)
			}
			if len(s.Labels) > 0 {
				dst = append(dst, '}')
			}
			dst = append(dst, " "+FormatValue(s.Value)+"\n"...)
		}
	}
	return dst
}

// FormatValue writes a value as Prometheus reads it.
func FormatValue(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
