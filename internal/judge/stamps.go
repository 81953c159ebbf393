package judge

import (
	"fmt"

	"loadgen/internal/health"
)

// Limits of what is said of stamps.
const (
	differingStamps  = 0.01 // share of the reads with two stamps in which they differ
	unstampedBytes   = 0.01 // share of the bytes without a packet's stamp
	fewStampedReads  = 20   // too few to speak of a share
	fewCapturedBytes = 1000
)

// StampFindings are what is found in how arrivals were stamped by packets: that the packets' stamps
// and the sockets' contradict each other, or that packets were not seen.
func StampFindings(h *health.Report) (all []Finding) {
	p := h.Captured()
	if p == nil {
		return nil
	}
	if share := float64(p.Differing) / float64(max(p.Compared, 1)); p.Compared >= fewStampedReads && share > differingStamps {
		all = append(all, find("stamps_disagree", fmt.Sprintf("the timestamps of packets and of sockets differ in %s of the reads that have both, by up to %s: segments were captured that the kernel discarded or delayed, or one of the two is wrong; repeat the run with each",
			percent(share), short(p.Largest.Seconds())), "reads_compared", int(p.Compared), "reads_differing", int(p.Differing), "largest_difference", p.Largest.Seconds()))
	}
	bytes := p.Stamped + p.Unstamped
	if share := float64(p.Unstamped) / float64(max(bytes, 1)); bytes >= fewCapturedBytes && share > unstampedBytes {
		why := "their packets were not seen: connections through a tunnel or translated addresses are not followed"
		if p.Lost > 0 {
			why = fmt.Sprintf("%d packets were lost because loadgen came too late to take them", p.Lost)
		}
		all = append(all, find("packets_missed", fmt.Sprintf("%s of the bytes have the timestamps of sockets, not of packets: %s", percent(share), why),
			"share", share, "lost", int(p.Lost), "connections_unfollowed", int(p.Unfollowed)))
	}
	return all
}
