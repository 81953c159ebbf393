package gpu

import (
	"math"
	"testing"
	"time"
)

func TestBetween(t *testing.T) {
	const s = time.Second
	r := Report{Samples: []Sample{
		{2 * s, "0", "H200", 300, 1000}, {0, "0", "H200", 100, 500}, {4 * s, "0", "H200", 300, 1200}, {9 * s, "0", "H200", 900, 9000},
		{2 * s, "10", "H200", -1, -1}, {2 * s, "2", "A10", 50, 100},
	}}
	all := r.Between(1*s, 4*s)
	if len(all) != 3 || all[0].GPU != "0" || all[1].GPU != "2" || all[2].GPU != "10" {
		t.Fatalf("%+v", all)
	}
	// From 200 to 300 W in a second, then 300 W for two.
	if u := all[0]; !(math.Abs(u.Joules-850) <= 1e-9) || !(math.Abs(u.MeanWatts-850./3) <= 1e-9) || u.MaxWatts != 300 || u.MeanMemory != 1100 || u.MaxMemory != 1200 || u.Samples != 2 || !u.Powered {
		t.Errorf("%+v", u)
	}
	// One sample stands for all of the time.
	if u := all[1]; u.Joules != 150 || u.MeanWatts != 50 {
		t.Errorf("%+v", u)
	}
	if u := all[2]; u.Powered || u.Joules != 0 || u.MaxWatts != 0 || u.MaxMemory != 0 {
		t.Errorf("%+v", u)
	}
	// A run between two samples has the memory of the one before it.
	if u := r.Between(2500*time.Millisecond, 3*s)[0]; u.Samples != 0 || u.MaxMemory != 1000 || u.MaxWatts != 300 || u.Joules != 150 {
		t.Errorf("%+v", u)
	}
	if u := r.Between(4*s, 4*s); u[0].Powered {
		t.Errorf("%+v", u)
	}
}
