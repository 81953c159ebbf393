package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"loadgen/internal/analysis"
	"loadgen/internal/judge"
	"loadgen/internal/recording"
	"loadgen/pkg/metrics"
)

// summaryOf is what stderr gets of a run with these findings and notes.
func summaryOf(extended bool, findings, notes []judge.Finding) string {
	var out bytes.Buffer
	cfg := newConfig()
	cfg.Extended = extended
	b := &judge.Budget{}
	b.Bounds[metrics.TTFT].Count = 1
	reasons := []judge.Reason{{Text: "the CPU was busy"}, {Text: "loadgen started requests late"}, {Text: "the CPU was busy"}}
	a := &analysis.Analysis{Verdict: judge.Verdict{Level: judge.Degraded, Reasons: reasons}, Budget: b, Findings: findings, Notes: notes}
	(&benchmark{cfg: cfg, s: streams{err: &out}}).summarize(&recording.Recording{}, a)
	return out.String()
}

// TestSummaryFits: whatever is found, stderr fits a terminal, and nothing is said twice.
func TestSummaryFits(t *testing.T) {
	var many []judge.Finding
	for i := range 30 {
		many = append(many, judge.Finding{Code: fmt.Sprintf("found_%d", i), Text: strings.Repeat("many words ", 20)})
	}
	notes := []judge.Finding{{Code: "too_few_samples", Text: "p99 needs more"}, {Code: "rare", Text: "seldom"}}
	text := summaryOf(false, many[:1], notes)
	if strings.Contains(text, "too_few_samples") || !strings.Contains(text, "note rare: seldom\n") || strings.Count(text, "the CPU was busy") != 1 {
		t.Error(text)
	}
	if want := "loadgen: verdict degraded: measurement error at most 0 ms TTFT\nloadgen:   - the CPU was busy\nloadgen:   - loadgen started requests late\nloadgen: finding found_0: many"; !strings.HasPrefix(text, want) {
		t.Errorf("%s\nwant %s", text, want)
	}
	text = summaryOf(false, many, notes)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, line := range lines {
		if len(line) > 80 || !strings.HasPrefix(line, "loadgen: ") && !strings.HasPrefix(line, "         ") {
			t.Errorf("%q", line)
		}
	}
	if len(lines) > 24 || !strings.Contains(text, "found_29") {
		t.Errorf("%d lines:\n%s", len(lines), text)
	}
	if text := summaryOf(true, many, notes); strings.Count(text, "loadgen: finding found_") != 30 || !strings.Contains(text, "note too_few_samples") {
		t.Error(text)
	}
}
