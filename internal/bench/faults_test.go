package bench_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/trtsim"
)

// TestFaultsAreFound drives the benchmark against each fault of the simulator.
func TestFaultsAreFound(t *testing.T) {
	const n, tokens = 4, 8
	profile, err := trtsim.FindProfile("ideal")
	if err != nil {
		t.Fatal(err)
	}
	for fault, class := range map[trtsim.Fault]string{
		trtsim.FaultCut: "cut", trtsim.FaultError: "error_event", trtsim.FaultNull: "not_sse", trtsim.Fault500: "http_status", trtsim.Fault503: "http_status",
		trtsim.FaultStall: "idle_timeout", trtsim.FaultSlowHeaders: "", trtsim.FaultEmptyText: "", trtsim.FaultSplitUTF8: "", trtsim.FaultBurst: "",
		trtsim.FaultWrongUsage: "", trtsim.FaultNoUsage: "", trtsim.FaultNoDone: "", trtsim.FaultOneByte: "",
	} {
		for _, dialect := range []string{"1.2", "latest"} {
			d, err := trtsim.FindDialect(dialect)
			if err != nil {
				t.Fatal(err)
			}
			for _, backend := range []string{"openai", "openai-chat"} {
				t.Run(fmt.Sprintf("%s/%s/%s", fault, dialect, backend), func(t *testing.T) {
					want := class
					if fault == trtsim.FaultError && (dialect == "1.2" || backend == "openai-chat") {
						want = "cut"
					}
					synctest.Test(t, func(t *testing.T) {
						out, err := benchtest.Simulated(t, trtsim.Options{Profile: profile, Dialect: d, Faults: []trtsim.FaultRate{{Fault: fault, Probability: 1}}},
							"--backend", backend, "--random-input-len", "8", "--random-output-len", fmt.Sprint(tokens), "--num-prompts", fmt.Sprint(n),
							"--no-test-input", "--idle-timeout", "5", "--ignore-eos", "--save-detailed")
						if err != nil {
							t.Fatal(err)
						}
						r := out.Parsed(t)
						failures := r.Loadgen.Failures.ByClass
						if want == "" && *r.Completed != n || want != "" && failures[want] != n {
							t.Errorf("completed %d, failures %v, want %d of %q", *r.Completed, failures, n, want)
						}
						count := map[trtsim.Fault]int{trtsim.FaultWrongUsage: tokens + 7, trtsim.FaultSplitUTF8: tokens, trtsim.FaultNoUsage: tokens}[fault]
						if count > 0 && r.OutputLens[0] != count {
							t.Errorf("%d tokens, want %d", r.OutputLens[0], count)
						}
					})
				})
			}
		}
	}
}
