// Package gpu holds what was sampled of GPUs during a run, power and memory, and what
// follows from it. It takes samples and gives means and joules; it reads no clock and does
// no I/O (package observe does).
package gpu

import (
	"cmp"
	"slices"
	"time"
)

// Sample is a reading of one GPU. What it did not give is -1.
type Sample struct {
	At   time.Duration // on the run's clock
	GPU  string        // index or UUID
	Name string        // model
	// Watts is the power drawn, Memory what is in use, in MiB.
	Watts, Memory float64
}

// Report is what was sampled of a run.
type Report struct {
	Source  string   `json:"source"` // nvidia-smi, or the URL of an exporter
	Samples []Sample `json:"samples"`
}

// Use is what a GPU drew and held between two instants.
type Use struct {
	GPU, Name string
	Samples   int // within
	// MeanWatts, MaxWatts and Joules are 0 where Powered is not set: the GPU gave no power.
	MeanWatts, MaxWatts, Joules float64
	Powered                     bool
	MeanMemory, MaxMemory       float64 // MiB
}

// Between is what each GPU used from one instant to another, in the order of their names.
// Power between two samples is the line between them; before the first and after the last it
// is theirs.
func (r *Report) Between(from, to time.Duration) (all []Use) {
	by := map[string][]Sample{}
	for _, s := range r.Samples {
		by[s.GPU] = append(by[s.GPU], s)
	}
	for name, samples := range by {
		slices.SortStableFunc(samples, func(a, b Sample) int { return cmp.Compare(a.At, b.At) })
		all = append(all, use(name, samples, from, to))
	}
	slices.SortFunc(all, func(a, b Use) int {
		return cmp.Or(cmp.Compare(len(a.GPU), len(b.GPU)), cmp.Compare(a.GPU, b.GPU)) // 2 before 10
	})
	return all
}

func use(name string, samples []Sample, from, to time.Duration) Use {
	u := Use{GPU: name}
	var powered []Sample
	memories := 0
	for _, s := range samples {
		u.Name = s.Name
		if s.Watts >= 0 {
			powered = append(powered, s)
		}
		if s.At < from || s.At > to {
			continue
		}
		u.Samples++
		if s.Memory >= 0 {
			memories++
			u.MeanMemory += s.Memory
			u.MaxMemory = max(u.MaxMemory, s.Memory)
		}
		u.MaxWatts = max(u.MaxWatts, s.Watts)
	}
	u.MeanMemory /= float64(max(memories, 1))
	if memories == 0 { // the run was shorter than the time between samples
		for _, s := range samples {
			if u.MaxMemory == 0 || s.At <= from {
				u.MeanMemory, u.MaxMemory = max(s.Memory, 0), max(s.Memory, 0)
			}
		}
	}
	if len(powered) == 0 || to <= from {
		return u
	}
	u.Powered = true
	u.Joules = energy(powered, from, to)
	u.MeanWatts = u.Joules / (to - from).Seconds()
	u.MaxWatts = max(u.MaxWatts, u.MeanWatts)
	return u
}

// energy integrates the power of sorted samples.
func energy(samples []Sample, from, to time.Duration) (joules float64) {
	first, last := samples[0], samples[len(samples)-1]
	line := []Sample{{At: min(from, first.At), Watts: first.Watts}}
	line = append(append(line, samples...), Sample{At: max(to, last.At), Watts: last.Watts})
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		begin, end := max(a.At, from), min(b.At, to)
		if end <= begin {
			continue
		}
		at := func(t time.Duration) float64 {
			return a.Watts + (b.Watts-a.Watts)*float64(t-a.At)/float64(b.At-a.At)
		}
		joules += (at(begin) + at(end)) / 2 * (end - begin).Seconds()
	}
	return joules
}
