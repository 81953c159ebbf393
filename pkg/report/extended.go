package report

import (
	"fmt"
	"io"

	"loadgen/internal/pyjson"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// ExtendedJSON is the object of the metrics beyond the original's.
func ExtendedJSON(x *metrics.Extended, percentiles []float64) pyjson.Object {
	times := func(s metrics.Stats) pyjson.Object { return statsJSON(s, percentiles, 1e3) }
	counts := func(s metrics.Stats) pyjson.Object { return statsJSON(s, percentiles, 1) }
	o := pyjson.Object{
		{Key: "ttft_first_content_ms", Value: times(x.FirstContent)}, {Key: "ttft_first_visible_ms", Value: times(x.FirstVisible)},
		{Key: "itl_per_token_ms", Value: nil}, {Key: "tokens_per_chunk", Value: counts(x.TokensPerChunk)},
		{Key: "time_to_second_token_ms", Value: times(x.SecondToken)}, {Key: "tokens_per_s_per_user", Value: counts(x.UserPace)},
		{Key: "ttft_from_due_ms", Value: times(x.DueTTFT)}, {Key: "e2el_from_due_ms", Value: times(x.DueE2EL)}, {Key: "queue_ms", Value: times(x.Queue)},
		{Key: "peak_concurrency", Value: x.PeakConcurrency}, {Key: "mean_concurrency", Value: x.MeanConcurrency},
	}
	if x.PerToken != nil {
		o.Set("itl_per_token_ms", times(*x.PerToken))
	} else {
		o.Set("tokens_per_chunk", pyjson.Object{{Key: "mean", Value: x.TokensPerChunk.Mean}})
	}
	intervals := pyjson.Object{}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if i := x.Means[m]; i != nil {
			intervals.Set("mean_"+m.String()+"_ms", []float64{1e3 * i.Low, 1e3 * i.High})
		}
	}
	o.Set("intervals_95", intervals)
	o.Set("steady_state", steadyJSON(x.Steady, times))
	series := []pyjson.Object{}
	for i, s := range x.Series {
		series = append(series, pyjson.Object{{Key: "second", Value: i}, {Key: "concurrency", Value: s.Concurrency}, {Key: "peak", Value: s.Peak},
			{Key: "tokens", Value: s.Tokens}, {Key: "started", Value: s.Started}, {Key: "completed", Value: s.Completed}})
	}
	o.Set("series", series)
	return o
}

// steadyJSON is null where there was no time with all slots busy.
func steadyJSON(s *metrics.Steady, times func(metrics.Stats) pyjson.Object) any {
	if s == nil {
		return nil
	}
	o := pyjson.Object{
		{Key: "from_s", Value: s.From},
		{Key: "to_s", Value: s.To},
		{Key: "requests", Value: s.Requests},
		{Key: "dropped", Value: s.Dropped},
		{Key: "output_throughput", Value: s.TokensPerSecond},
	}
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		o.Set(m.String()+"_ms", times(s.Latency[m]))
	}
	return o
}

func statsJSON(s metrics.Stats, percentiles []float64, scale float64) pyjson.Object {
	o := pyjson.Object{{Key: "mean", Value: scale * s.Mean}, {Key: "median", Value: scale * s.Median}, {Key: "std", Value: scale * s.Std},
		{Key: "min", Value: scale * s.Min}, {Key: "max", Value: scale * s.Max}}
	for i, p := range s.Percentiles {
		o.Set("p"+percentile(percentiles[i]), scale*p)
	}
	return o
}

// Extended prints the block of --extended, after the original's table.
func Extended(w io.Writer, x *metrics.Extended, percentiles []float64, server pyjson.Object) {
	fmt.Fprintln(w, centred(" Extended ", '='))
	value := func(label string, f float64) { fmt.Fprintf(w, "%-40s %-10s\n", label, fixed(f, 2)) }
	block := func(label, unit string, s metrics.Stats, scale float64) {
		value("Mean "+label+unit, scale*s.Mean)
		value("Median "+label+unit, scale*s.Median)
		for i, p := range s.Percentiles {
			value("P"+percentile(percentiles[i])+" "+label+unit, scale*p)
		}
	}
	block("TTFT, first content", " (ms):", x.FirstContent, 1e3)
	block("TTFT, first visible", " (ms):", x.FirstVisible, 1e3)
	block("Time to 2nd token", " (ms):", x.SecondToken, 1e3)
	if x.PerToken != nil {
		block("ITL per token", " (ms):", *x.PerToken, 1e3)
	}
	value("Mean tokens per chunk:", x.TokensPerChunk.Mean)
	block("Tokens/s of a user", ":", x.UserPace, 1)
	block("TTFT from due", " (ms):", x.DueTTFT, 1e3)
	block("E2EL from due", " (ms):", x.DueE2EL, 1e3)
	block("Queueing here", " (ms):", x.Queue, 1e3)
	value("Peak concurrency:", float64(x.PeakConcurrency))
	value("Mean concurrency:", x.MeanConcurrency)
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		if i := x.Means[m]; i != nil {
			fmt.Fprintf(w, "%-40s %s to %s\n", "95 % interval of mean "+names[m]+" (ms):", fixed(1e3*i.Low, 2), fixed(1e3*i.High, 2))
		}
	}
	if s := x.Steady; s != nil {
		fmt.Fprintln(w, centred("Steady state", '-'))
		fmt.Fprintf(w, "All slots busy from %.2f to %.2f s: %d requests within, %d dropped\n", s.From, s.To, s.Requests, s.Dropped)
		value("Output token throughput (tok/s):", s.TokensPerSecond)
		for m := metrics.TTFT; m <= metrics.E2EL; m++ {
			block(names[m], " (ms):", s.Latency[m], 1e3)
		}
	}
	if server != nil {
		fmt.Fprintln(w, centred("Server's own times", '-'))
		for _, part := range []string{"queue_ms", "prefill_ms", "decode_ms"} {
			if o, ok := server.Get(part).(pyjson.Object); ok {
				value("Mean "+part[:len(part)-3]+" (ms):", o.Get("mean").(float64))
			}
		}
	}
	fmt.Fprintln(w, "==================================================")
}

// ServerJSON is what the server's own records say of a run.
func ServerJSON(s *client.ServerMetrics, percentiles []float64) pyjson.Object {
	queue, prefill, decode := metrics.ServerTimes(s, percentiles)
	reused, missed := 0, 0
	for _, r := range s.Requests {
		reused, missed = reused+r.Reused, missed+r.Missed
	}
	return pyjson.Object{{Key: "requests", Value: len(s.Requests)}, {Key: "queue_ms", Value: statsJSON(queue, percentiles, 1e3)},
		{Key: "prefill_ms", Value: statsJSON(prefill, percentiles, 1e3)}, {Key: "decode_ms", Value: statsJSON(decode, percentiles, 1e3)},
		{Key: "reused_blocks", Value: reused}, {Key: "missed_blocks", Value: missed},
		{Key: "iterations", Value: s.Iterations}, {Key: "peak_active_requests", Value: s.PeakActive}}
}
