package pyrand

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
)

// TestVectors compares with draws of CPython, NumPy and pandas
// (testdata/make_vectors.py).
func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Seed   uint64
			Python struct {
				Shuffle, Choices, Sample, Choice []int
				Random                           []string
				SampleLarge                      []int `json:"sample_large"`
			}
			Pandas            []int
			PandasReplace     []int   `json:"pandas_replace"`
			PandasOne         []int   `json:"pandas_one"`
			GeneratorShuffles [][]int `json:"generator_shuffles"`
			GeneratorIntegers []int   `json:"generator_integers"`
			GeneratorLarge    []int   `json:"generator_large"`
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range file.Cases {
		same := func(what string, got, want []int) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("seed %d, %s:\n got %v\nwant %v", c.Seed, what, got, want)
			}
		}
		p := NewPython(c.Seed)
		same("shuffle", shuffled(30, p.Shuffle), c.Python.Shuffle)
		for _, text := range c.Python.Random {
			if want, err := strconv.ParseFloat(text, 64); err != nil || p.Float64() != want {
				t.Errorf("seed %d: random differs from %s (%v)", c.Seed, text, err)
			}
		}
		same("choices", p.Choices(17, 12), c.Python.Choices)
		same("sample", p.Sample(20, 6), c.Python.Sample)
		same("sample of many", p.Sample(100000, 12), c.Python.SampleLarge)
		choice := make([]int, len(c.Python.Choice))
		for i := range choice {
			choice[i] = p.Choice(5)
		}
		same("choice", choice, c.Python.Choice)
		same("pandas sample", NewNumPy(uint32(c.Seed)).Choice(50, 20, false), c.Pandas)
		same("pandas sample with replacement", NewNumPy(uint32(c.Seed)).Choice(50, 70, true), c.PandasReplace)
		same("pandas sample of one row", NewNumPy(uint32(c.Seed)).Choice(1, 3, true), c.PandasOne)
		g := NewGenerator(c.Seed)
		for _, want := range c.GeneratorShuffles {
			same("Generator.shuffle", shuffled(len(want), g.Shuffle), want)
		}
		draw := func(n int, k int) (out []int) {
			for range k {
				out = append(out, g.Int(n))
			}
			return out
		}
		same("Generator.integers", draw(1000, 20), c.GeneratorIntegers)
		same("Generator.integers of a large range", draw(3_000_000_019, 5), c.GeneratorLarge)
	}
}

func shuffled(n int, shuffle func(n int, swap func(i, j int))) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// Sample is random.sample(range(n), k): k different indices below n, k at most n. No data set
// draws so; the vectors go on after such a draw.
func (p *Python) Sample(n, k int) []int {
	// CPython's rule: a set of what was taken where that is smaller than a list of all.
	setSize := 21.0
	if k > 5 {
		setSize += math.Pow(4, math.Ceil(math.Log(float64(k*3))/math.Log(4)))
	}
	out := make([]int, k)
	if float64(n) <= setSize {
		pool := make([]int, n)
		for i := range pool {
			pool[i] = i
		}
		for i := range out {
			j := p.below(n - i)
			out[i], pool[j] = pool[j], pool[n-i-1]
		}
		return out
	}
	taken := make(map[int]bool, k)
	for i := range out {
		j := p.below(n)
		for taken[j] {
			j = p.below(n)
		}
		taken[j] = true
		out[i] = j
	}
	return out
}
