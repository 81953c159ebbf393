package analysis

import (
	"math"
	"testing"
	"time"

	"loadgen/internal/gpu"
)

// TestGPU: joules per token are those of the run's time and tokens.
func TestGPU(t *testing.T) {
	rec := scripted(20, 10) // 11 s, 200 tokens out, 10240 in
	if a, _ := codes(t, rec); a.GPUSection(rec) != nil {
		t.Error("a section of nothing")
	}
	rec.GPU = &gpu.Report{Source: "nvidia-smi", Samples: []gpu.Sample{{At: time.Second, GPU: "0", Watts: 100, Memory: 5}, {At: time.Second, GPU: "1", Watts: 300, Memory: 7}}}
	a, _ := codes(t, rec)
	g := a.Loadgen(rec).GPU
	if !(math.Abs(*g.Energy-4400) <= 1e-6) || !(math.Abs(*g.PerOutputToken-22) <= 1e-6) || !(math.Abs(*g.PerToken-4400./10440) <= 1e-6) || len(g.GPUs) != 2 || *g.GPUs[1].MaxPower != 300 {
		t.Errorf("%+v", g)
	}
	rec.GPU.Samples[0].Watts = -1
	if g := a.GPUSection(rec); g.Energy != nil || g.PerToken != nil || g.GPUs[0].MeanPower != nil || g.GPUs[1].Energy == nil {
		t.Errorf("%+v", g)
	}
}
