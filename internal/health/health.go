// Package health is what a process and its machine were like during a run: processor
// time, throttling, pauses of the collector and the scheduler, stalls and steps of the
// clock. It holds plain values; internal/health/observe fills them in, internal/judge
// decides what they mean. It never reads a clock or a file.
package health

import (
	"slices"
	"time"
)

// Dist sums up durations.
type Dist struct {
	Count         int
	P50, P99, Max time.Duration
}

// NewDist sums up values, which it sorts.
func NewDist(values []time.Duration) Dist {
	n := len(values)
	if n == 0 {
		return Dist{}
	}
	slices.Sort(values)
	at := func(q float64) time.Duration { return values[min(int(q*float64(n)), n-1)] }
	return Dist{n, at(0.5), at(0.99), values[n-1]}
}

// Report is what a run's surroundings were like.
type Report struct {
	Wall, User, System time.Duration // of this process
	Cores              int           // processors that it may use
	Machine            *Machine      // nil where the system does not say
	Cgroup             *Cgroup       // nil where there is no limit
	GCPauses           Dist          // the collector's stops of the whole program
	Scheduler          Dist          // how long goroutines were ready before they ran
	Ticks              Dist          // by how much a regular timer was late
	Reads              Dist          // from the kernel's stamp of an arrival to its read
	Stalls             []Stall
	Clock              string // the kernel's clock source, "" where it does not say
	Steps              []Step
	Reactors           []Reactor `json:",omitempty"` // none where each stream had a goroutine
	Stamping           *Stamping // nil where the source of stamps was not to be chosen
}

// Reactor is what the thread of a reactor did.
type Reactor struct {
	Exchanges   int           // that it began to carry
	CPU, Waited time.Duration // on a processor; ready, and without one
	Reads       Dist          // from the kernel's stamp of an arrival to its read
}

// WorstReads is the distribution of the reactor whose reads came latest (p99), that of all
// where there is one.
func (r *Report) WorstReads() Dist {
	worst := r.Reads
	for _, x := range r.Reactors {
		if x.Reads.P99 > worst.P99 {
			worst = x.Reads
		}
	}
	return worst
}

// Busiest is the largest share of a processor that a reactor's thread used, 0 without any.
func (r *Report) Busiest() (share float64) {
	for _, x := range r.Reactors {
		if r.Wall > 0 {
			share = max(share, x.CPU.Seconds()/r.Wall.Seconds())
		}
	}
	return share
}

// Stamping is how the source of arrival stamps was chosen, and what came of it.
type Stamping struct {
	// WakeDelay is how long a thread that is woken waited for a processor before the run, negative
	// where that was not measured: where it is long, packets are captured. Refused says why they
	// are not all the same, "" for no reason.
	WakeDelay time.Duration
	Refused   string
	Packets   *Packets // nil where none are captured
}

// Captured is what came of packets, nil where none were captured.
func (r *Report) Captured() *Packets {
	if r.Stamping == nil {
		return nil
	}
	return r.Stamping.Packets
}

// Packets is what came of stamping arrivals by the packets that brought them.
type Packets struct {
	Captured, Lost          uint64 // frames; the ring had no room for the latter
	Connections, Unfollowed uint64 // of the latter the first packet was not seen
	Stamped, Unstamped      uint64 // bytes, with a packet's stamp and without
	// Compared are reads that have a packet's stamp and the socket's; in Differing of them these
	// differ, by Largest at most.
	Compared, Differing uint64
	Largest             time.Duration
}

// Machine is what all processors together did.
type Machine struct {
	Busy  float64 // share of their time that was not idle
	Steal float64 // share that the hypervisor gave to others
}

// Cgroup is the processor limit of the process's control group.
type Cgroup struct {
	Cores     float64       // as many processors as it may use
	Throttled time.Duration // for so long it was stopped
	Periods   int           // in so many periods
}

// Stall is a span, on the run's clock, in which the process did not get to run. It
// may have begun before, at any time after Since, when the process was last seen.
type Stall struct{ Since, From, To time.Duration }

// Step is a step of the wall clock against the monotonic one.
type Step struct{ At, By time.Duration }
