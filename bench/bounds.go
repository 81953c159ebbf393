//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
)

// bounds compares a result's means with the truth by the measurement error that it states. Its TTFT
// and E2EL begin when the request is sent, and the truth here when it arrived: how long the
// server took to read it is no error of the client's.
func (r *row) bounds(f *result, t *truth) {
	if f.Own.Budget == nil {
		return
	}
	for _, x := range []struct {
		metric   string
		off, way float64
	}{
		// Some of what packets take on the way is in TTFT and E2EL.
		{"ttft", f.TTFT - t.ArrivedTTFT.Mean, 0.2},
		{"tpot", f.TPOT - t.TPOT.Mean, 0},
		{"itl", f.ITL - t.ITL.Mean, 0},
		{"e2el", f.E2EL - t.ArrivedE2EL.Mean, 0.2},
	} {
		const rounding = 1e-3
		if bound := f.Own.Budget.Bounds[x.metric].Mean + x.way + rounding; -bound <= x.off && x.off <= bound {
			r.held += x.metric + " "
		} else {
			fmt.Fprintf(os.Stderr, "%s is off by %.4f ms, and the stated bound is %.4f\n", x.metric, x.off, bound)
		}
	}
	if r.held == "" {
		r.held = "none"
	}
}

// boundsHeld says in how many turns the bounds of each metric held, "" where none were stated.
func boundsHeld(turns []row) string {
	var texts []string
	for _, metric := range []string{"ttft", "tpot", "itl", "e2el"} {
		held, stated := 0, 0
		for _, r := range turns {
			if r.held != "" {
				stated++
			}
			if strings.Contains(" "+r.held, " "+metric+" ") {
				held++
			}
		}
		if stated > 0 {
			texts = append(texts, fmt.Sprintf("%s %d/%d", metric, held, stated))
		}
	}
	return strings.Join(texts, ", ")
}
