//go:build linux

// Bench measures what loadgen reports against a server that knows the truth,
// beside a C client that does the least a client can do. It is run by
// "make bench-truth" and needs a C compiler and Linux.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/server"
)

// stats are statistics of the truth or of the floor, in milliseconds.
type stats struct{ Mean, SD, P99 float64 }

// truth is what the server knows of the last requests.
type truth struct {
	TTFT stats `json:"ttft_ms"`
	ITL  stats `json:"itl_ms"`
	TPOT stats `json:"tpot_ms"`
	E2EL stats `json:"e2e_ms"`
	// The same from when the request arrived, before the server read it.
	ArrivedTTFT stats   `json:"ttft_from_arrival_ms"`
	ArrivedE2EL stats   `json:"e2e_from_arrival_ms"`
	Spread      float64 `json:"read_spread_ms"`
	First       int64   `json:"first_read_ns"` // by the monotonic clock
	Events      int
}

// row is one measurement: reported minus true, in milliseconds.
type row struct {
	ttft, ttft99, itl, itl99, itlSD, tpot, e2el float64
	cpu, spread, memory, own, start             float64 // us an event, ms, KB a stream, of that its own, ms
	held                                        string  // the stated bounds that held, "" for none stated
}

// level is one load.
type level struct {
	streams, tokens int
	requests        int // as many as streams if 0
	ttft, itl       string
	flood           bool
}

// bench is the programs that were built, and where the server listens.
type bench struct {
	dir, port, url string
	server         int // its process
}

// build makes what is measured, and what measures.
func build(dir string) {
	for _, c := range [][]string{
		{"cc", "-O2", "-o", dir + "/truth", "bench/c/truth.c", "-lm"},
		{"cc", "-O2", "-o", dir + "/floor", "bench/c/floor.c", "-lm"},
		{"make", "-s", "build", "OUT=" + dir + "/loadgen"},
	} {
		cmd := exec.Command(c[0], c[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		check(cmd.Run())
	}
}

func main() {
	turns := flag.Int("turns", 3, "turns of each client")
	only := flag.String("levels", "1,100,500,1000,2000,4000,10000,flood", "loads to measure; opening is a longer flood")
	soak := flag.Duration("soak", 0, "hold 2,000 streams for so long instead, and show memory and descriptors")
	computing := flag.Int("compute", 0, "measure instead how long after the last answer of so many requests of 16 tokens loadgen ends, and its memory")
	before := flag.String("before", "", "with -compute, a revision to measure in turn with this one")
	view := flag.Bool("live", false, "measure what the live view costs instead")
	spinners := flag.Int("spinners", -1, "measure the sources of stamps instead, while so many processes keep all processors busy")
	steps := flag.Duration("clock-steps", 0, "step this machine's wall clock by so much in the middle of runs instead (needs root), and put it right again")
	sources := flag.String("timestamps", "kernel,packet,auto", "the sources of stamps to measure")
	peers := flag.Bool("peers", false, "measure the commands in PEER_NAME=COMMAND variables, too: {url}, {n} and {tokens} are replaced")
	flag.Parse()
	dir, err := os.MkdirTemp("", "bench")
	check(err)
	defer os.RemoveAll(dir)
	build(dir)
	machine()
	port, err := server.FreePort()
	check(err)
	b := &bench{dir: dir, port: port}
	b.url = "http://127.0.0.1:" + b.port
	if *view {
		b.live(*turns)
		return
	}
	if *computing > 0 {
		b.compute(*computing, *turns, *before)
		return
	}
	if *spinners >= 0 {
		if !isSet("levels") {
			*only = "64,500"
		}
		b.stamps(*spinners, *turns, strings.Split(*sources, ","), strings.Split(*only, ","))
		return
	}
	if *steps > 0 {
		b.clockSteps(*steps)
		return
	}
	if *soak > 0 {
		b.soak(*soak)
		return
	}
	fmt.Println("| streams | client | TTFT mean | TTFT p99 | ITL mean | ITL p99 | ITL sd | TPOT mean | E2EL mean | CPU us/event | x floor | KB/stream | own | spread ms | start ms | bounds held |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, name := range strings.Split(*only, ",") {
		l := level{tokens: 100, ttft: "50ms", itl: "10ms"}
		switch name {
		case "flood":
			l = level{streams: 64, tokens: 4000, flood: true}
		case "opening": // the first are not over when the last are opened
			l = level{streams: 64, tokens: 20000, flood: true}
		default:
			l.streams, err = strconv.Atoi(name)
			check(err)
		}
		if l.streams > 2000 {
			l.tokens, l.ttft, l.itl = 20, "2s", "250ms"
		}
		b.measure(l, *turns, *peers)
	}
}

// isSet reports whether a flag was given.
func isSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// serve starts the server; stop ends it.
func (b *bench) serve(l level) (stop func()) {
	args := []string{"-addr", "127.0.0.1:" + b.port, "-fifo", "50", "-batch", "250us"}
	if l.flood {
		args = append(args, "-flood")
	} else {
		args = append(args, "-ttft", l.ttft, "-itl", l.itl)
	}
	server := exec.Command(b.dir+"/truth", args...)
	check(server.Start())
	b.server = server.Process.Pid
	b.await()
	return func() { server.Process.Kill(); server.Wait() }
}

// measure runs every client in turn at one load, tells of each turn and prints the medians.
func (b *bench) measure(l level, turns int, withPeers bool) {
	defer b.serve(l)()
	clients := []string{"floor", "reactor", "blocking"}
	if withPeers {
		for _, v := range os.Environ() {
			if name, _, ok := strings.Cut(v, "="); ok && strings.HasPrefix(name, "PEER_") {
				clients = append(clients, name)
			}
		}
	}
	rows := map[string][]row{}
	for range turns {
		for _, c := range clients {
			b.post("/truth/reset")
			r, err := b.run(c, l)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s at %d streams: %v\n", c, l.streams, err)
				continue
			}
			rows[c] = append(rows[c], r)
			fmt.Fprintln(os.Stderr, line(l, c, []row{r}, median(rows["floor"], processor)))
		}
	}
	floor := median(rows["floor"], processor)
	for _, c := range clients {
		if len(rows[c]) > 0 {
			fmt.Println(line(l, c, rows[c], floor))
		}
	}
}

func processor(r row) float64 { return r.cpu }

// line is a line of the table: the medians of a client's turns.
func line(l level, client string, turns []row, floor float64) string {
	m := func(f func(row) float64) string { return strconv.FormatFloat(median(turns, f), 'f', 2, 64) }
	name := strconv.Itoa(l.streams)
	switch {
	case l.flood && l.tokens > 4000:
		name = "opening (" + name + ")"
	case l.flood:
		name = "flood (" + name + ")"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %.2f | %.0f | %.0f | %s | %.0f | %s |", name, client,
		m(func(r row) float64 { return r.ttft }), m(func(r row) float64 { return r.ttft99 }), m(func(r row) float64 { return r.itl }),
		m(func(r row) float64 { return r.itl99 }), m(func(r row) float64 { return r.itlSD }), m(func(r row) float64 { return r.tpot }),
		m(func(r row) float64 { return r.e2el }), m(processor), median(turns, processor)/floor,
		median(turns, func(r row) float64 { return r.memory }), median(turns, func(r row) float64 { return r.own }), m(func(r row) float64 { return r.spread }),
		median(turns, func(r row) float64 { return r.start }), boundsHeld(turns))
}

// run runs one client once.
func (b *bench) run(client string, l level) (row, error) {
	n, tokens := strconv.Itoa(l.streams), strconv.Itoa(l.tokens)
	file := filepath.Join(b.dir, "r.json")
	var cmd *exec.Cmd
	switch {
	case client == "floor":
		cmd = exec.Command(b.dir+"/floor", b.port, n, tokens, "-kern")
	case strings.HasPrefix(client, "PEER_"):
		words := strings.NewReplacer("{url}", b.url, "{n}", n, "{tokens}", tokens, "{file}", file).Replace(os.Getenv(client))
		cmd = exec.Command("sh", "-c", words)
	default:
		cmd = b.loadgen(l, file, "--transport", client)
	}
	var began unix.Timespec
	check(unix.ClockGettime(unix.CLOCK_MONOTONIC, &began))
	out, held, err := watch(cmd)
	if err != nil {
		return row{}, err
	}
	var t truth
	b.get("/truth?last="+n, &t)
	r := row{spread: t.Spread, start: float64(t.First-began.Nano()) / 1e6, memory: held.resident / float64(l.streams), own: held.own / float64(l.streams)}
	if client == "floor" {
		var f struct {
			TTFT, ITL stats
			CPU       float64 `json:"cpu_us_per_event"`
		}
		if err := json.Unmarshal(out, &f); err != nil {
			return r, err
		}
		r.ttft, r.ttft99, r.cpu = f.TTFT.Mean-t.TTFT.Mean, f.TTFT.P99-t.TTFT.P99, f.CPU
		r.itl, r.itl99, r.itlSD = f.ITL.Mean-t.ITL.Mean, f.ITL.P99-t.ITL.P99, f.ITL.SD-t.ITL.SD
		return r, nil
	}
	f, err := readResult(file)
	if err != nil {
		return r, err
	}
	if f.Own.CPU.PerEvent == 0 { // a peer does not tell: that of the whole program
		used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		f.Own.CPU.PerEvent = float64(used.Nanoseconds()) / 1e3 / float64(max(t.Events, 1))
	}
	r.ttft, r.ttft99, r.cpu = f.TTFT-t.TTFT.Mean, f.TTFT99-t.TTFT.P99, f.Own.CPU.PerEvent
	r.itl, r.itl99, r.itlSD = f.ITL-t.ITL.Mean, f.ITL99-t.ITL.P99, f.ITLSD-t.ITL.SD
	r.tpot, r.e2el = f.TPOT-t.TPOT.Mean, f.E2EL-t.E2EL.Mean
	r.bounds(&f, &t)
	return r, nil
}

// loadgen is the command for a load that writes its result to file.
func (b *bench) loadgen(l level, file string, more ...string) *exec.Cmd {
	args := []string{"--base-url", b.url, "--model", "llama3", "--dataset-name", "random", "--random-ids", "--random-input-len", "512",
		"--random-output-len", strconv.Itoa(l.tokens), "--num-prompts", strconv.Itoa(max(l.requests, l.streams)), "--no-test-input", "--disable-tqdm", "--ignore-eos",
		"--percentile-metrics", "ttft,tpot,itl,e2el", "--save-result", "--result-filename", file}
	return exec.Command(b.dir+"/loadgen", append(args, more...)...)
}

// result is what is read of a result file, in milliseconds.
type result struct {
	Completed int
	TTFT      float64 `json:"mean_ttft_ms"`
	TTFT99    float64 `json:"p99_ttft_ms"`
	ITL       float64 `json:"mean_itl_ms"`
	ITL99     float64 `json:"p99_itl_ms"`
	ITLSD     float64 `json:"std_itl_ms"`
	TPOT      float64 `json:"mean_tpot_ms"`
	E2EL      float64 `json:"mean_e2el_ms"`
	Own       struct {
		Budget *struct {
			Bounds map[string]struct{ Mean float64 } `json:"bound_ms"`
		} `json:"error_budget"`
		CPU struct {
			PerEvent float64 `json:"us_per_event"`
		}
	} `json:"loadgen"`
}

func readResult(file string) (r result, err error) {
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return r, err
}

func median(rows []row, of func(row) float64) float64 {
	if len(rows) == 0 {
		return 0
	}
	var all []float64
	for _, r := range rows {
		all = append(all, of(r))
	}
	sort.Float64s(all)
	return all[len(all)/2]
}

// machine says where this is.
func machine() {
	for _, file := range []string{"/proc/sys/kernel/osrelease", "/proc/loadavg"} {
		data, _ := os.ReadFile(file)
		fmt.Fprintf(os.Stderr, "%s: %s", file, data)
	}
}

func (b *bench) await() {
	for range 100 {
		if r, err := http.Get(b.url + "/health"); err == nil {
			r.Body.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	check(fmt.Errorf("the server does not answer at %s", b.url))
}

func (b *bench) post(path string) {
	r, err := http.Post(b.url+path, "", nil)
	check(err)
	r.Body.Close()
}

func (b *bench) get(path string, v any) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", b.url+path, nil)
	check(err)
	r, err := http.DefaultClient.Do(req)
	check(err)
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	check(err)
	check(json.Unmarshal(data, v))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
