package selftest

import (
	"context"
	"net"
	"strings"
	"testing"

	"loadgen/internal/bench"
	"loadgen/internal/recording"
	"loadgen/internal/trtsim"
)

// simulator makes a self-test's simulator of this process.
func simulator(t *testing.T, faults ...trtsim.FaultRate) func(ctx context.Context, profile string, speed float64) (string, func() error, error) {
	return func(ctx context.Context, profile string, speed float64) (string, func() error, error) {
		p, err := trtsim.FindProfile(profile)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		stopping, stop := context.WithCancel(ctx)
		served := make(chan error, 1)
		go func() {
			served <- trtsim.New(trtsim.Options{Profile: p, Faults: faults, Seed: 1}).Serve(ctx, stopping, l)
		}()
		return "http://" + l.Addr().String(), func() error { stop(); return <-served }, nil
	}
}

// TestRun: a run is compared with its truth; where a request fails there is nothing to compare.
func TestRun(t *testing.T) {
	load := recording.Defaults()
	load.NumPrompts, load.RandomInputLen, load.RandomOutputLen = 6, 4, 5
	options := Options{Bench: bench.Options{Version: "test", Env: func(string) (string, bool) { return "", false }}, Load: load, Profile: "ideal", Quick: true}
	options.Simulator = simulator(t)
	table, err := Run(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if table.Requests != 6 || table.Output != 5 || table.Gaps != 4 || table.Verdict == "" || table.EventsPerSecond != 0 {
		t.Errorf("%+v", table)
	}
	// The test request succeeds.
	options.Load.NumPrompts, options.Simulator = 30, simulator(t, trtsim.FaultRate{Fault: trtsim.FaultCut, Probability: 0.2})
	if table, err := Run(t.Context(), options); err == nil || !strings.HasPrefix(err.Error(), "a request of the self-test failed: ") {
		t.Errorf("with failures: %+v %v", table, err)
	}
}
