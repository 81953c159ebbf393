package result

import "math"

// RequestValues are the values in seconds of a latency, by its place in MetricNames, of each
// success in the order of the file, which is that of the starts: one of TTFT, TPOT and E2EL,
// each gap of ITL. They are nil unless the file was saved in detail.
func (f *File) RequestValues(m int) (out [][]float64) {
	for i := range min(len(f.TTFTs), len(f.ITLs), len(f.OutputLens)) {
		ttft, n := f.TTFTs[i], f.OutputLens[i]
		if !math.IsNaN(ttft) && !(n == 0 && ttft == 0) { // the last is a failure
			out = append(out, requestValues(MetricNames[m], ttft, n, f.ITLs[i]))
		}
	}
	return out
}

// requestValues are those of one request of n tokens.
func requestValues(metric string, ttft float64, n int, itl []float64) []float64 {
	gaps := make([]float64, len(itl))
	sum := 0.0
	for i, g := range itl {
		if !math.IsNaN(g) {
			gaps[i] = g
		}
		sum += gaps[i]
	}
	switch {
	case metric == "ttft":
		return []float64{ttft}
	case metric == "itl":
		return gaps
	case metric == "e2el":
		return []float64{ttft + sum}
	case n > 1:
		return []float64{sum / float64(n-1)}
	}
	return nil
}
