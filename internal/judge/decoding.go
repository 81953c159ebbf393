package judge

import "math"

// DecodingAtATime is how many requests decode at a time on average, by Little's law: the
// rate at which they complete times the time each decodes. Times are in seconds; the
// result is NaN where something is not known.
func DecodingAtATime(completed int, meanE2EL, meanTTFT, duration float64) float64 {
	n := float64(completed) * (meanE2EL - meanTTFT) / duration
	if !(duration > 0) || !(n >= 0) || math.IsInf(n, 0) {
		return math.NaN()
	}
	return n
}

// MeanE2EL is the mean E2EL of a result that has none, as benchmark_serving's by default: from
// its other means and the completions' mean length. Times are in seconds; the result is NaN
// where something is not known.
func MeanE2EL(completed, outputTokens int, meanTTFT, meanTPOT float64) float64 {
	if completed <= 0 {
		return math.NaN()
	}
	return meanTTFT + meanTPOT*(float64(outputTokens)/float64(completed)-1)
}

// TokensPerChunk is how many tokens a chunk has on average: the chunks are the time that
// all requests decode, divided by the mean ITL, and the first of each. Times are in
// seconds; the result is NaN where something is not known.
func TokensPerChunk(completed, outputTokens int, meanE2EL, meanTTFT, meanITL float64) float64 {
	n := float64(completed)
	tokens := float64(outputTokens) / (n*(meanE2EL-meanTTFT)/meanITL + n)
	if !(meanITL > 0) || !(meanE2EL > meanTTFT) || !(tokens > 0) {
		return math.NaN()
	}
	return tokens
}

// DecodingAtATime is the number of requests that a server decoded at a time, the mean of
// its repeats, NaN where it is not known.
func (c *Comparison) DecodingAtATime(load, variant int) float64 {
	if f := c.Summaries[load][variant]; f != nil {
		return f.decoding()
	}
	return math.NaN()
}

func (f *Summary) decoding() float64 {
	sum, n := 0.0, 0.0
	for _, run := range f.runs() {
		if run.Decoding > 0 {
			sum, n = sum+run.Decoding, n+1
		}
	}
	return sum / n
}

// runs are all repeats.
func (f *Summary) runs() []*Summary { return append([]*Summary{f}, f.Later...) }

// decodesUnlike reports whether two servers decoded numbers of requests at a time by which
// their paces do not compare. Within a quarter they do: between 13 and 85 at a time the
// TPOT of one server grew with the 0.3rd to 0.6th power of the number, so that a quarter
// moves it by 8 to 17 %.
//
// With an open loop the number follows from the pace itself. With a closed one a faster
// server decodes for less of each request's time, and so fewer at a time, without any
// limit: that much, down to a half, is allowed where no batch limit was found.
func decodesUnlike(a, b *Summary) bool {
	x, y := a.decoding(), b.decoding()
	if !(x > 0) || !(y > 0) {
		return false
	}
	limited := a.has("batch_limited") || b.has("batch_limited")
	if alike := min(x, y) / max(x, y); alike >= 1-decodingShare {
		return false
	} else if limited || alike < 0.5 {
		return limited || !a.OpenLoop
	}
	if a.OpenLoop {
		return false
	}
	return math.Abs(math.Log(waitRatio(a, b))) > -math.Log(1-decodingShare) || math.Abs(math.Log(waitRatio(b, a))) > -math.Log(1-decodingShare)
}

// decodeTime is how long a request decodes on average, by its mean latencies in seconds: E2EL
// without TTFT or, without E2EL, TPOT times the tokens after the first.
func (f *Summary) decodeTime(value func(Quantity) float64) float64 {
	mean := func(metric string) float64 { return value(Quantity{Metric: metric, Statistic: MeanOf}) }
	if e2el := mean("e2el"); e2el > 0 {
		return e2el - mean("ttft")
	}
	return mean("tpot") * (f.mean(f.Output) - 1)
}

// waitRatio is how many requests of b decode at a time, relative to how many would if
// they waited for their first token as long as a's. It is 0 where that is not known.
func waitRatio(a, b *Summary) float64 {
	ttft := Quantity{Metric: "ttft", Statistic: MeanOf}
	decode := b.decodeTime(b.Value)
	ratio := (decode + a.Value(ttft)) / (decode + b.Value(ttft))
	if !(decode > 0) || math.IsNaN(ratio) {
		return 0
	}
	return ratio
}
