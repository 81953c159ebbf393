package load

import (
	"math"
	"strings"
	"testing"

	"loadgen/internal/golden"
)

func TestGoldenArrivals(t *testing.T) {
	files := golden.Files(t, "arrivals", "*.json")
	for _, file := range files {
		t.Run(golden.Name(file), func(t *testing.T) {
			var c struct {
				Rate       float64 `json:"request_rate"`
				Burstiness float64
				Seed       uint32
				N          int `json:"num_prompts"`
				Gaps       []float64
				Error      string
			}
			golden.Read(t, file, &c)
			err := CheckRate(c.Rate, c.Burstiness)
			if c.Error != "" {
				if _, words, _ := strings.Cut(c.Error, ": "); err == nil || !strings.HasPrefix(err.Error(), words) {
					t.Errorf("got %v, want %s", err, c.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := Intervals(c.N, c.Rate, c.Burstiness, c.Seed)
			if len(got) != len(c.Gaps) {
				t.Fatalf("%d gaps, want %d", len(got), len(c.Gaps))
			}
			for i, want := range c.Gaps {
				if !(math.Abs(got[i]-want) <= 1e-12*math.Abs(want)) {
					t.Errorf("gap %d: got %v, want %v", i, got[i], want)
				}
			}
		})
	}
	t.Logf("%d schedules", len(files))
}

// TestArrivalsAddUp: a request is due when the waits before it are over.
func TestArrivalsAddUp(t *testing.T) {
	gaps, at := Intervals(4, 5, 2, 7), Arrivals(4, 5, 2, 7)
	if want := gaps[0] + gaps[1] + gaps[2] + gaps[3]; len(at) != 5 || at[0] != 0 || at[1] != gaps[0] || !(math.Abs(at[4]-want) <= 1e-15) {
		t.Errorf("waits %v, due at %v", gaps, at)
	}
}

func TestArrivalsOfAnInfiniteRate(t *testing.T) {
	for _, at := range Arrivals(3, math.Inf(1), 0.5, 0) {
		if at != 0 {
			t.Error("not all due at once")
		}
	}
}

func TestRatesThatDivideByZero(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {math.Copysign(0, -1), 1}, {1e-200, 1e-200}, {-1e-200, 1e-200}} {
		if err := CheckRate(c[0], c[1]); err == nil || !strings.HasPrefix(err.Error(), "float division by zero") {
			t.Errorf("rate %v burstiness %v: %v", c[0], c[1], err)
		}
	}
}

func TestOddRatesTerminate(t *testing.T) {
	for _, rate := range []float64{math.NaN(), 1e-320, 1e308} {
		for _, burstiness := range []float64{math.Inf(1), 1e-320, 1e300, 1} {
			due, end := Schedule(Arrivals(3, rate, burstiness, 0))
			if len(due) != 3 || end < 0 {
				t.Errorf("rate %v burstiness %v: %v %v", rate, burstiness, due, end)
			}
		}
	}
}
