package judge

import "math"

// priorFreedom are the degrees of freedom of RunToRun: it was measured in 13 runs.
const priorFreedom = 12

// variation is, by statistic, how much a metric varies from run to run: the coefficient of
// variation times the square root of the number of requests.
type variation struct{ mean, median, p99 float64 }

// variations were measured with 13 runs each of 80, 320 and 640 requests against one
// unchanged server (vLLM on two H200, closed loops of 16, 64 and 128, on one host; the
// coefficient of mean E2EL was 2.6, 1.1 and 1.0 %, of mean TTFT 10.7, 3.1 and 2.2 %): the
// largest of the three. ITL's are of runs with one token a chunk. A server that is
// restarted varies more.
var variations = map[string]variation{
	"ttft": {mean: 0.96, median: 1.10, p99: 0.67},
	"tpot": {mean: 0.11, median: 0.29, p99: 0.23},
	"itl":  {mean: 0.18, median: 0.06, p99: 1.57},
	"e2el": {mean: 0.25, median: 0.26, p99: 0.31},
}

// spreadRequests is from how many requests on more of them no longer make runs more alike,
// as far as was measured.
const spreadRequests = 640

// firstWaveSpread is the same for the first wave's mean TTFT, times its requests: it was
// 15.8, 2.5 and 1.5 % with 16, 64 and 128.
const firstWaveSpread = 2.5

// RunToRun is the coefficient of variation of a metric's statistic from run to run that is
// assumed where it was not measured: with one run. Throughput varies as mean E2EL does.
func RunToRun(f Quantity, requests int) float64 {
	n := float64(min(max(requests, 1), spreadRequests))
	if f.Metric == FirstWaveTTFT {
		return firstWaveSpread / n
	}
	metric, statistic := f.Metric, f.Statistic
	if f.Higher {
		metric, statistic = "e2el", MeanOf
	}
	k := variations[metric].mean
	switch statistic {
	case MedianOf:
		k = variations[metric].median
	case P99Of:
		k = variations[metric].p99
	}
	return k / math.Sqrt(n)
}
