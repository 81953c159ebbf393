package recording

import (
	"fmt"
	"slices"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/ranks"
	"loadgen/pkg/client"
)

// Rank is what part of a run a recording has, where several processes made the run together,
// and how they began together.
type Rank struct {
	ranks.Rank
	Host string `json:"host"`
	// Run names the run: the same on all ranks. It is "" where they met nowhere.
	Run string `json:"run,omitempty"`
	// Start is when all were to begin, by the clock of rank 0 where they met, else by each
	// one's own.
	Start time.Time `json:"start"`
	// At is the same instant on the run's clock.
	At time.Duration `json:"at_ns"`
	// Clock is this host's clock against rank 0's, and UTC against UTC, as far as known.
	Clock ranks.Clock `json:"clock"`
	UTC   ranks.Clock `json:"utc"`
}

// Part is what a merged recording keeps of a rank beside its requests.
type Part struct {
	Rank
	Machine     Machine       `json:"machine"`
	Health      health.Report `json:"health"`
	Began       time.Time     `json:"began"`
	Ended       time.Time     `json:"ended"`
	Elapsed     time.Duration `json:"elapsed_ns"`
	Interrupted bool          `json:"interrupted"`
	Notes       []Note        `json:"notes"`
	// Planned is how many requests of the plan were its to send.
	Planned int `json:"planned"`
}

// checkRanks checks what a file says of ranks.
func (r *Recording) checkRanks() error {
	whole := func(k ranks.Rank) bool { return 0 <= k.Index && k.Index < k.Size && k.Size <= ranks.MostRanks }
	if r.Rank != nil && (!whole(r.Rank.Rank) || !plausible(r.Rank.At)) {
		return fmt.Errorf("its header: %v", r.Rank.Rank)
	}
	for i, p := range r.Parts {
		if !whole(p.Rank.Rank) || !plausible(p.Elapsed) || p.Planned < 0 || p.Size != r.Parts[0].Size || i > 0 && p.Index <= r.Parts[i-1].Index {
			return fmt.Errorf("its header: %v among %d", p.Rank.Rank, len(r.Parts))
		}
	}
	return nil
}

// rank is which process made the recording, alone where it is all of a run.
func (r *Recording) rank() ranks.Rank {
	if r.Rank == nil {
		return ranks.Rank{}
	}
	return r.Rank.Rank
}

// Owns reports whether a planned request was this process's to send.
func (r *Recording) Owns(i int) bool { return r.rank().Has(i, r.Planned[i].Conversation) }

// Count is how many of the planned requests were this process's to send. Where ranks sent as
// many as there was time for, the plan has requests that none of them came to.
func (r *Recording) Count() (n int) {
	switch {
	case r.Repeats && len(r.Parts) > 0:
		for i := range r.Parts {
			n += r.Parts[i].Planned
		}
		return n
	case r.rank().Alone():
		return len(r.Planned)
	}
	for i := range r.Planned {
		if r.Owns(i) {
			n++
		}
	}
	return n
}

// Concurrency is the bound on requests under way: of the settings', this process's share.
func (r *Recording) Concurrency() int { return r.rank().Share(r.Settings.Concurrency()) }

// Rate is the request rate per second, 0 where all are due at once: this process's share.
func (r *Recording) Rate() float64 {
	return r.Settings.Rate() / float64(max(r.rank().Size, 1))
}

// ProbeRate is the number of probes per second, 0 for none: this process's share.
func (r *Recording) ProbeRate() float64 {
	return r.Settings.ProbeRate / float64(max(r.rank().Size, 1))
}

// probeOwner is the rank, of so many, that sent a probe: of those that follow one another each
// rank has one.
func (r *Recording) probeOwner(q *client.Result, size int) int {
	period := r.Settings.ProbePeriod()
	if period == 0 || q.Due < r.Start {
		return 0
	}
	return ranks.Owner(int((q.Due-r.Start+period/2)/period), 0, size)
}

// Loads are the stages with this process's share of their loads.
func (r *Recording) Loads() []Stage {
	out := slices.Clone(r.Stages)
	for i := range out {
		out[i].Rate /= float64(max(r.rank().Size, 1))
		out[i].Concurrency = r.rank().Share(out[i].Concurrency)
	}
	return out
}

// HealthOf is what the process was like that sent a request.
func (r *Recording) HealthOf(i int) *health.Report {
	if len(r.Parts) == 0 {
		return &r.Health
	}
	return r.healthOf(ranks.Owner(i, r.Planned[i].Conversation, r.Parts[0].Size))
}

// HealthOfProbe is what the process was like that sent a probe.
func (r *Recording) HealthOfProbe(q *client.Result) *health.Report {
	if len(r.Parts) == 0 {
		return &r.Health
	}
	return r.healthOf(r.probeOwner(q, r.Parts[0].Size))
}

// healthOf is what a rank of a merged recording was like.
func (r *Recording) healthOf(owner int) *health.Report {
	if owner < len(r.Parts) && r.Parts[owner].Index == owner { // as where no rank is missing
		return &r.Parts[owner].Health
	}
	for k := range r.Parts {
		if r.Parts[k].Index == owner {
			return &r.Parts[k].Health
		}
	}
	return &r.Health
}

// Part is what one of the processes of a merged recording recorded, on the merged run's
// clock. Its requests are the merged recording's own.
func (r *Recording) Part(k int) *Recording {
	p := &r.Parts[k]
	out := *r
	out.Parts, out.Rank = nil, &p.Rank
	out.Machine, out.Health, out.Began, out.Ended, out.Elapsed, out.Interrupted, out.Notes = p.Machine, p.Health, p.Began, p.Ended, p.Elapsed, p.Interrupted, p.Notes
	out.Killed, out.Lost, out.Before, out.After, out.Server, out.GPU = false, 0, nil, nil, nil, nil
	if r.Repeats {
		out.Planned = r.Planned[:min(p.extent(), len(r.Planned))]
	}
	out.Results, out.Spool = make([]*client.Result, len(out.Planned)), nil
	for i := range out.Results {
		if out.Owns(i) {
			out.Results[i] = r.Result(i)
		}
	}
	out.Probes, out.ProbeSpool = nil, nil
	for _, q := range r.Probes { // a merged recording has all of them in memory
		if r.probeOwner(q, p.Size) == p.Index {
			out.Probes = append(out.Probes, q)
		}
	}
	return &out
}

// extent is how much of the plan there was, of which a part had its requests.
func (p *Part) extent() int {
	if p.Planned == 0 {
		return 0
	}
	return p.Index + (p.Planned-1)*p.Size + 1
}
