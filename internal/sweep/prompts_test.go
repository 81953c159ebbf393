package sweep

import (
	"fmt"
	"testing"
)

// TestPrompts: the seeds and steps of different runs differ, as good as always; a run's are the
// same when it is made again; steps are primes.
func TestPrompts(t *testing.T) {
	steps, seeds := map[int]int{}, map[int]int{}
	for i := range 3000 {
		name := fmt.Sprintf("concurrency_%d.json", i)
		seed, step := Prompts(1<<32-2, name)
		if again, same := Prompts(1<<32-2, name); again != seed || same != step {
			t.Fatalf("%s: %d and %d, and again %d and %d", name, seed, step, again, same)
		}
		if step < 3 || step > mostIDStep+100 || step%2 == 0 || step > 3 && step%3 == 0 || seed < 0 || seed >= 1<<32 {
			t.Fatalf("%s: seed %d, step %d", name, seed, step)
		}
		steps[step]++
		seeds[seed]++
	}
	if len(steps) < 2300 || len(seeds) < 2999 {
		t.Errorf("%d different steps and %d seeds of 3000", len(steps), len(seeds))
	}
	if a, _ := Prompts(0, "x"); a == 0 {
		t.Error("the seed is not the file's")
	}
}
