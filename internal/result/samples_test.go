package result

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"loadgen/pkg/metrics"
)

// TestSamples: what requests of a detailed file count as, and their latencies.
func TestSamples(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		ttft, e2el float64 // e2el 0: the file has none
		n          int
		itl        []float64
		err        string
		want       [4][]float64
		failed     bool
	}{
		"a stream":                {ttft: 1, e2el: 5, n: 4, itl: []float64{1, 1, 1}, want: [4][]float64{{1}, {4. / 3}, {1, 1, 1}, {5}}},
		"no E2EL":                 {ttft: 1, n: 4, itl: []float64{1, 1, 1}, want: [4][]float64{{1}, {1}, {1, 1, 1}, {4}}},
		"an E2EL that is null":    {ttft: 1, e2el: nan, n: 4, itl: []float64{1, 1, 1}, want: [4][]float64{{1}, {1}, {1, 1, 1}, {4}}},
		"a gap that is null":      {ttft: 1, n: 3, itl: []float64{nan, 2}, want: [4][]float64{{1}, {1}, {0, 2}, {3}}},
		"one token":               {ttft: 1, e2el: 1, n: 1, itl: []float64{}, want: [4][]float64{{1}, nil, {}, {1}}},
		"no token":                {ttft: 1, e2el: 1, n: 0, itl: []float64{}, want: [4][]float64{{1}, nil, {}, {1}}},
		"whole":                   {ttft: -1, e2el: 3, n: 4, itl: []float64{}, want: [4][]float64{nil, nil, nil, {3}}},
		"whole, without E2EL":     {ttft: -1, n: 4, itl: []float64{}, failed: true},
		"cut after some tokens":   {ttft: 1, itl: []float64{1}, err: "cut", failed: true},
		"failed at once":          {err: "Internal Server Error", failed: true},
		"failed without a text":   {failed: true},
		"a TTFT that is null":     {ttft: nan, n: 4, itl: []float64{1}, failed: true},
		"tokens, and a complaint": {ttft: 1, e2el: 2, n: 2, itl: []float64{1}, err: "late", failed: true},
	} {
		f := &File{TTFTs: []float64{c.ttft}, OutputLens: []int{c.n}, ITLs: [][]float64{c.itl}, Errors: []string{c.err}, InputLens: []int{7}}
		if c.e2el != 0 {
			f.E2ELs = []float64{c.e2el}
		}
		all := slices.Collect(f.Samples())
		if len(all) != 1 || all[0].Success == c.failed || all[0].PromptLen != 7 || all[0].OutputTokens != c.n || all[0].Error != c.err {
			t.Errorf("%s: %+v", name, all)
		}
		for m := metrics.TTFT; m <= metrics.E2EL; m++ {
			got := f.RequestValues(m)
			if c.failed && got != nil || !c.failed && (len(got) != 1 || !reflect.DeepEqual(got[0], c.want[m])) {
				t.Errorf("%s: %s is %v, want %v", name, m, got, c.want[m])
			}
		}
	}
	if f := (&File{TTFTs: []float64{1}, OutputLens: []int{1}}); f.RequestValues(metrics.TTFT) != nil {
		t.Error("values of a file without gaps")
	}
}
