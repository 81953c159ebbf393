package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"loadgen/internal/trtsim"
)

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

// TestFaultsAreFound drives the benchmark against each fault of the simulator.
func TestFaultsAreFound(t *testing.T) {
	const n, tokens = 4, 8
	for fault, class := range map[trtsim.Fault]string{
		trtsim.FaultCut: "cut", trtsim.FaultError: "error_event", trtsim.FaultNull: "not_sse", trtsim.Fault500: "http_status", trtsim.Fault503: "http_status",
		trtsim.FaultStall: "idle_timeout", trtsim.FaultSlowHeaders: "", trtsim.FaultEmptyText: "", trtsim.FaultSplitUTF8: "", trtsim.FaultBurst: "",
		trtsim.FaultWrongUsage: "", trtsim.FaultNoUsage: "", trtsim.FaultNoDone: "", trtsim.FaultOneByte: "",
	} {
		for _, dialect := range []string{"1.2", "latest"} {
			for _, backend := range []string{"openai", "openai-chat"} {
				t.Run(fmt.Sprintf("%s/%s/%s", fault, dialect, backend), func(t *testing.T) {
					want := class
					if fault == trtsim.FaultError && (dialect == "1.2" || backend == "openai-chat") {
						want = "cut"
					}
					t.Chdir(t.TempDir())
					synctest.Test(t, func(t *testing.T) {
						d, err := trtsim.FindDialect(dialect)
						if err != nil {
							t.Fatal(err)
						}
						profile, err := trtsim.FindProfile("ideal")
						if err != nil {
							t.Fatal(err)
						}
						p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
						stop, cancel := context.WithCancel(context.Background())
						var served sync.WaitGroup
						served.Go(func() {
							trtsim.New(trtsim.Options{Profile: profile, Dialect: d, Faults: []trtsim.FaultRate{{Fault: fault, Probability: 1}}}).Serve(context.Background(), stop, p)
						})
						got := runPlan(t, []string{"--model", "m", "--tokenizer", "llama3", "--backend", backend, "--dataset-name", "random", "--random-ids", "--random-input-len", "8",
							"--random-output-len", fmt.Sprint(tokens), "--num-prompts", fmt.Sprint(n), "--no-test-input", "--disable-tqdm", "--idle-timeout", "5", "--ignore-eos",
							"--save-result", "--save-detailed", "--result-filename", "r.json"}, nil, p.dial)
						cancel()
						served.Wait()
						var r resultFile
						readResultFile(t, "r.json", &r)
						failed := r.Own.Failures.ByClass[want]
						if want == "" && r.Completed != n || want != "" && failed != n {
							t.Errorf("completed %d, failures %v, want %d of %q\n%s", r.Completed, r.Own.Failures.ByClass, n, want, got.stderr)
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
