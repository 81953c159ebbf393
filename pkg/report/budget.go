package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/internal/pyjson"
	"loadgen/pkg/metrics"
)

// ErrorBudget is the JSON of what a run knows of its own part in its figures.
func ErrorBudget(b *metrics.Budget, h *health.Report, v judge.Verdict) pyjson.Object {
	bounds := pyjson.Object{}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		x := b.Bounds[m]
		bounds = append(bounds, pyjson.Member{Key: m.String(), Value: pyjson.Object{
			{Key: "mean", Value: 1e3 * x.Mean}, {Key: "median", Value: 1e3 * x.Median}, {Key: "p99", Value: 1e3 * x.P99},
			{Key: "bound", Value: 1e3 * x.Most()}, {Key: "of_median", Value: 1e3 * x.Typical}, {Key: "count", Value: x.Count}}})
	}
	reasons := []pyjson.Object{}
	for _, r := range v.Reasons {
		scale := 1e3
		if r.What == "throughput" || r.What == "clock" {
			scale = 1
		}
		reasons = append(reasons, pyjson.Object{
			{Key: "what", Value: r.What},
			{Key: "bound", Value: scale * r.Bound},
			{Key: "limit", Value: scale * r.Limit},
			{Key: "text", Value: r.Text},
		})
	}
	return pyjson.Object{
		{Key: "bound_ms", Value: bounds}, {Key: "idle_share", Value: b.Idle}, {Key: "reasons", Value: reasons},
		{Key: "schedule_lateness_ms", Value: distJSON(b.Lateness)}, {Key: "slot_wait_ms", Value: distJSON(b.SlotWait)},
		{Key: "start_delay_ms", Value: distJSON(b.StartDelay)}, {Key: "send_delay_ms", Value: distJSON(b.SendDelay)},
		{Key: "connect_ms", Value: distJSON(b.Connect)}, {Key: "path_rtt_ms", Value: distJSON(b.RTT)},
		{Key: "stamp_to_read_ms", Value: distJSON(h.Reads)}, {Key: "late_stamps_ms", Value: distJSON(b.Slack)},
		{Key: "retransmitted_segments", Value: b.Retransmits},
		{Key: "clock", Value: pyjson.Object{{Key: "source", Value: h.Clock}, {Key: "steps", Value: stepsJSON(h.Steps)}}},
		{Key: "gc_pause_ms", Value: distJSON(h.GCPauses)}, {Key: "scheduler_delay_ms", Value: distJSON(h.Scheduler)},
		{Key: "timer_lateness_ms", Value: distJSON(h.Ticks)}, {Key: "stalls", Value: stallsJSON(h.Stalls)},
		{Key: "cpu", Value: cpuJSON(h)},
	}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func distJSON(d health.Dist) pyjson.Object {
	return pyjson.Object{{Key: "count", Value: d.Count}, {Key: "p50", Value: ms(d.P50)}, {Key: "p99", Value: ms(d.P99)}, {Key: "max", Value: ms(d.Max)}}
}

func stepsJSON(steps []health.Step) []pyjson.Object {
	out := []pyjson.Object{}
	for _, s := range steps {
		out = append(out, pyjson.Object{{Key: "at_s", Value: s.At.Seconds()}, {Key: "by_ms", Value: ms(s.By)}})
	}
	return out
}

// stallsJSON sums the stalls up: a starved process has thousands.
func stallsJSON(stalls []health.Stall) pyjson.Object {
	var sum, longest time.Duration
	for _, s := range stalls {
		sum, longest = sum+s.To-s.From, max(longest, s.To-s.From)
	}
	return pyjson.Object{{Key: "count", Value: len(stalls)}, {Key: "total_ms", Value: ms(sum)}, {Key: "longest_ms", Value: ms(longest)}}
}

// cpuJSON is null where the system does not say.
func cpuJSON(h *health.Report) pyjson.Object {
	process, busy, steal := 0.0, any(nil), any(nil)
	if h.Wall > 0 {
		process = (h.User + h.System).Seconds() / h.Wall.Seconds()
	}
	if h.Machine != nil {
		busy, steal = h.Machine.Busy, h.Machine.Steal
	}
	o := pyjson.Object{
		{Key: "process_cores", Value: process},
		{Key: "cores", Value: h.Cores},
		{Key: "machine_busy", Value: busy},
		{Key: "machine_steal", Value: steal},
	}
	if g := h.Cgroup; g != nil {
		return append(o, pyjson.Member{Key: "cgroup", Value: pyjson.Object{
			{Key: "cores", Value: g.Cores},
			{Key: "throttled_ms", Value: ms(g.Throttled)},
			{Key: "throttled_periods", Value: g.Periods},
		}})
	}
	return append(o, pyjson.Member{Key: "cgroup", Value: nil})
}

// WriteVerdict tells a verdict: one line when all is well, else why not.
func WriteVerdict(w io.Writer, prefix string, v judge.Verdict, b *metrics.Budget) {
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
