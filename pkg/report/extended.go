package report

import (
	"fmt"
	"io"

	"loadgen/pkg/metrics"
)

// ServerTimes are the server's own times of its requests, in seconds.
type ServerTimes struct {
	// Queue is until a request is scheduled, Prefill from there to the first token,
	// Decode from there to the last.
	Queue, Prefill, Decode metrics.Stats
}

// FirstWave is the first requests of a closed loop, as many as its concurrency, which all
// start at once.
type FirstWave struct {
	Requests, Completed int
	Latency             [4]metrics.Stats // in seconds, by Metric; of the successes
}

// Extended prints the block of extended metrics, after the original's table; wave and server
// are nil where there are none.
func Extended(w io.Writer, x *metrics.Extended, percentiles []float64, wave *FirstWave, server *ServerTimes) {
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
	if wave != nil {
		fmt.Fprintln(w, centred("First wave", '-'))
		fmt.Fprintf(w, "%d requests that started at once: %d completed\n", wave.Requests, wave.Completed)
		for m := metrics.TTFT; m <= metrics.E2EL; m++ {
			block(names[m], " (ms):", wave.Latency[m], 1e3)
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
		value("Mean queue (ms):", 1e3*server.Queue.Mean)
		value("Mean prefill (ms):", 1e3*server.Prefill.Mean)
		value("Mean decode (ms):", 1e3*server.Decode.Mean)
	}
	fmt.Fprintln(w, "==================================================")
}
