package analysis

import (
	"loadgen/internal/recording"
	"loadgen/internal/result"
)

// GPUSection is what the GPUs drew and held from the run's start to its end, nil where that
// was not sampled.
func (a *Analysis) GPUSection(rec *recording.Recording) *result.GPU {
	if rec.GPU == nil {
		return nil
	}
	out := &result.GPU{Source: rec.GPU.Source}
	joules, powered := 0.0, true
	for _, u := range rec.GPU.Between(rec.Start, rec.Start+rec.Elapsed) {
		one := result.GPUUse{GPU: u.GPU, Name: u.Name, Samples: u.Samples, MeanMemory: u.MeanMemory, MaxMemory: u.MaxMemory}
		if powered = powered && u.Powered; u.Powered {
			joules += u.Joules
			one.MeanPower, one.MaxPower, one.Energy = &u.MeanWatts, &u.MaxWatts, &u.Joules
		}
		out.GPUs = append(out.GPUs, one)
	}
	if !powered || len(out.GPUs) == 0 {
		return out
	}
	out.Energy = &joules
	if n := a.Summary.OutputTokens; n > 0 {
		out.PerOutputToken = new(joules / float64(n))
		out.PerToken = new(joules / float64(n+a.Summary.InputTokens))
	}
	return out
}
