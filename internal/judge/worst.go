package judge

import (
	"slices"
	"strings"
)

// mostNamed bounds the processes whose reasons a verdict gives.
const mostNamed = 4

// Worst is the verdict on a run that several processes made together: that of the worst of
// them, with the reasons of those that are not clean, by their names.
func Worst(names []string, all []Verdict) Verdict {
	out := Verdict{Level: Clean}
	for _, v := range all {
		if slices.Index(levels, v.Level) > slices.Index(levels, out.Level) {
			out.Level = v.Level
		}
	}
	named := 0
	var around []string
	for _, level := range []Level{ClientLimited, Degraded} { // the worst first
		for i, v := range all {
			if v.Level != level || named == mostNamed {
				continue
			}
			named++
			for _, r := range v.Reasons {
				r.who = names[i] + ": "
				r.Text = r.who + r.Text
				out.Reasons = append(out.Reasons, r)
			}
			if v.around != "" {
				around = append(around, names[i]+": "+v.around)
			}
		}
	}
	out.around = strings.Join(around, "; ")
	return out
}

// levels are all levels, from the best to the worst.
var levels = []Level{Clean, Degraded, ClientLimited}
