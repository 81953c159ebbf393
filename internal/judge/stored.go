package judge

import "fmt"

// Stored is what a result file keeps of a run; times are in seconds, and NaN where
// the file does not say.
type Stored struct {
	Asked, Completed          int // requests; Asked is 0 where it is not known
	InputTokens, OutputTokens int
	Duration                  float64
	Concurrency               int     // 0 for no bound
	Rate                      float64 // requests per second, 0 for all at once
	Throughput                float64 // of requests
	TTFT, TPOT, E2EL          float64 // means
	MedianITL                 float64
	TokensPerChunk            float64   // on average
	Percentiles               []float64 // that the file has
}

// burstShare is how many times the pace must be longer than half of the gaps for tokens to
// come in bursts: where each comes on its own both are alike, but for stalls.
const burstShare = 10

// Judge finds what a stored result allows.
func (s *Stored) Judge() (findings, notes []Finding) {
	if s.Asked > 0 && s.Completed < s.Asked {
		findings = append(findings, find("failures", fmt.Sprintf("%d of %d requests were not completed. Latencies cover successful requests only", s.Asked-s.Completed, s.Asked), "failed", s.Asked-s.Completed, "sent", s.Asked))
	}
	if served := DecodingAtATime(s.Completed, s.E2EL, s.TTFT, s.Duration); served > 0 && s.Concurrency > 0 && 2*served <= float64(s.Concurrency) && s.TTFT >= s.E2EL-s.TTFT {
		findings = append(findings, find("batch_limited", fmt.Sprintf("about %.1f requests were served at a time (Little's law), of %d under way: TTFT is mostly queueing. The server's maximum batch size or its memory was the bound", served, s.Concurrency),
			"served", served, "under_way", s.Concurrency))
	}
	if burstShare*s.MedianITL < s.TPOT {
		findings = append(findings, find("coalesced", fmt.Sprintf("tokens came in bursts: the median ITL is %s at a TPOT of %s. Read TPOT, not ITL", short(s.MedianITL), short(s.TPOT)), "median_itl_s", s.MedianITL, "mean_tpot_s", s.TPOT))
	}
	if s.TokensPerChunk >= tokensAChunk {
		findings = append(findings, find("multi_token_chunks", fmt.Sprintf("a chunk has %.3g tokens on average, so ITL is the time between chunks, not tokens: read TPOT", s.TokensPerChunk), "tokens_per_chunk", s.TokensPerChunk))
	}
	if s.Rate > 0 && s.Throughput < 0.8*s.Rate {
		findings = append(findings, find("rate_not_reached", fmt.Sprintf("%.4g requests/s were completed, where the schedule has %.4g", s.Throughput, s.Rate), "completed_per_s", s.Throughput, "scheduled_per_s", s.Rate))
	}
	return findings, tooFew(s.Completed, max(s.OutputTokens-s.Completed, 0), s.Percentiles)
}
