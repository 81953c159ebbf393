package merge

import (
	"cmp"
	"slices"
	"time"

	"loadgen/internal/gpu"
	"loadgen/internal/health"
)

// together is what several processes were like, for a reader: what they used is added up, and
// of delays it is the worst of any of them. Requests are judged by their own rank's health.
func together(a, b health.Report, first bool) health.Report {
	if first {
		return b
	}
	out := health.Report{
		Wall: max(a.Wall, b.Wall), User: a.User + b.User, System: a.System + b.System, Cores: a.Cores + b.Cores,
		Machine: busier(a.Machine, b.Machine), Cgroup: moreThrottled(a.Cgroup, b.Cgroup),
		GCPauses: worst(a.GCPauses, b.GCPauses), Scheduler: worst(a.Scheduler, b.Scheduler), Ticks: worst(a.Ticks, b.Ticks), Reads: worst(a.Reads, b.Reads),
		Stalls: slices.Concat(a.Stalls, b.Stalls), Clock: a.Clock, Steps: slices.Concat(a.Steps, b.Steps),
		Reactors: slices.Concat(a.Reactors, b.Reactors),
		Stamping: allStamping(a.Stamping, b.Stamping),
	}
	if a.Clock != b.Clock {
		out.Clock = ""
	}
	slices.SortStableFunc(out.Stalls, func(x, y health.Stall) int { return cmp.Compare(x.To, y.To) })
	slices.SortStableFunc(out.Steps, func(x, y health.Step) int { return cmp.Compare(x.At, y.At) })
	return out
}

// allStamping is how several processes came to their stamps.
func allStamping(a, b *health.Stamping) *health.Stamping {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &health.Stamping{WakeDelay: max(a.WakeDelay, b.WakeDelay), Refused: cmp.Or(a.Refused, b.Refused), Packets: allPackets(a.Packets, b.Packets)}
}

// allPackets adds up what came of packets in several processes.
func allPackets(a, b *health.Packets) *health.Packets {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &health.Packets{
		Captured: a.Captured + b.Captured, Lost: a.Lost + b.Lost, Connections: a.Connections + b.Connections, Unfollowed: a.Unfollowed + b.Unfollowed,
		Stamped: a.Stamped + b.Stamped, Unstamped: a.Unstamped + b.Unstamped, Compared: a.Compared + b.Compared, Differing: a.Differing + b.Differing,
		Largest: max(a.Largest, b.Largest),
	}
}

func worst(a, b health.Dist) health.Dist {
	return health.Dist{Count: a.Count + b.Count, P50: max(a.P50, b.P50), P99: max(a.P99, b.P99), Max: max(a.Max, b.Max)}
}

func busier(a, b *health.Machine) *health.Machine {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &health.Machine{Busy: max(a.Busy, b.Busy), Steal: max(a.Steal, b.Steal)}
}

func moreThrottled(a, b *health.Cgroup) *health.Cgroup {
	if a == nil || b != nil && b.Throttled > a.Throttled {
		return b
	}
	return a
}

func shiftGPU(r *gpu.Report, by time.Duration) *gpu.Report {
	out := &gpu.Report{Source: r.Source, Samples: slices.Clone(r.Samples)}
	for i := range out.Samples {
		out.Samples[i].At += by
	}
	return out
}
