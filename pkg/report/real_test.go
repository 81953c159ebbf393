package report

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"loadgen/internal/judge"
)

const realResults = "../../testdata/real"

// unpacked is a result of testdata/real, read once.
func unpacked(t *testing.T, name string) *Stored {
	t.Helper()
	realMu.Lock()
	defer realMu.Unlock()
	if s := unpackedOnce[name]; s != nil {
		return s
	}
	in, err := os.Open(filepath.Join(realResults, name+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	plain, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(name)+".json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ReadStored(path)
	if err != nil {
		t.Fatal(err)
	}
	Groups([]*Stored{s}, Naming{}) // keeps each request's values
	unpackedOnce[name] = s
	return s
}

var (
	realMu       sync.Mutex
	unpackedOnce = map[string]*Stored{}
)

// comparedReal compares servers, each given by its results: names as they are to be called,
// of files of testdata/real.
func comparedReal(t *testing.T, n Naming, variants ...map[string]string) *Group {
	t.Helper()
	var files []*Stored
	for i, variant := range variants {
		for name, of := range variant {
			s := *unpacked(t, of)
			s.Name = fmt.Sprintf("%c/%s.json", 'a'+i, name)
			files = append(files, &s)
		}
	}
	slices.SortFunc(files, func(a, b *Stored) int { return strings.Compare(a.Name, b.Name) })
	groups := Groups(files, n)
	if len(groups) != 1 {
		t.Fatalf("%d groups", len(groups))
	}
	return groups[0]
}

// at are the results of a directory at each concurrency.
func at(pattern string) map[string]string {
	all := map[string]string{}
	for _, c := range []int{16, 64, 128} {
		all[fmt.Sprintf("concurrency_%d", c)] = fmt.Sprintf(pattern, c)
	}
	return all
}

// rounds are results of rounds against one unchanged server, each a repeat.
func rounds(numbers ...int) map[string]string {
	all := map[string]string{}
	for i, round := range numbers {
		for _, c := range []int{16, 64, 128} {
			name := fmt.Sprintf("concurrency_%d", c)
			if i > 0 {
				name += fmt.Sprintf("_repeat_%d", i+1)
			}
			all[name] = fmt.Sprintf("same_server/concurrency_%d_round_%02d", c, round)
		}
	}
	return all
}

// realRow is the row of a quantity at a concurrency.
func realRow(t *testing.T, g *Group, concurrency string, f judge.Quantity) *judge.Row {
	t.Helper()
	for i := range g.judged.Rows {
		if r := &g.judged.Rows[i]; r.Quantity == f && g.Loads[r.Load] == concurrency {
			return r
		}
	}
	t.Fatalf("no row of %v at %s", f, concurrency)
	return nil
}

func meanOf(metric string) judge.Quantity {
	return judge.Quantity{Metric: metric, Statistic: judge.MeanOf}
}

// TestABatchLimitIsNoSpeed: one engine, once limited to 8 sequences.
func TestABatchLimitIsNoSpeed(t *testing.T) {
	g := comparedReal(t, Naming{}, at("default_vs_max_num_seqs_8/default/concurrency_%d"), at("default_vs_max_num_seqs_8/max_num_seqs_8/concurrency_%d"))
	if !g.judged.Void() || len(g.judged.Rows) != 3*len(judge.Quantities) {
		for i := range g.judged.Rows {
			if g.judged.Rows[i].Void == "" {
				t.Errorf("%s: %s", g.Loads[g.judged.Rows[i].Load], g.judged.Describe(&g.judged.Rows[i]))
			}
		}
	}
	if want := "No winner can be named: b ran with a batch limit of about 8.0. Next: set the same batch limit on all servers."; g.answer() != want {
		t.Errorf("the answer is %q, want %q", g.answer(), want)
	}
	want := "7.2 requests were decoding at a time, vs 13.1, 44.6, 85.2 of the baseline"
	if !slices.ContainsFunc(g.judged.Reasons, func(r judge.Reasons) bool {
		return r.Code == "decoding_differs" && r.Text == want && slices.Equal(r.Loads, []int{0, 1, 2}) && slices.Equal(r.Metrics, []string{"tpot", "itl"})
	}) {
		t.Errorf("%+v", g.judged.Reasons)
	}
	for load, decoding := range []float64{13.1, 44.6, 85.2} {
		if got := g.judged.DecodingAtATime(load, 0); !(math.Abs(got-decoding) <= 0.05) {
			t.Errorf("level %d: %v decode at a time, want %v", load, got, decoding)
		}
		if got := g.judged.DecodingAtATime(load, 1); !(math.Abs(got-7.2) <= 0.05) {
			t.Errorf("level %d: %v decode at a time, want 7.2", load, got)
		}
	}
}

// TestEagerModeAndCUDAGraphs: all compares but ITL where one side merges tokens, and
// throughput has too few runs for significance.
func TestEagerModeAndCUDAGraphs(t *testing.T) {
	g := comparedReal(t, Naming{}, at("eager_vs_graphs/eager/concurrency_%d"), at("eager_vs_graphs/graphs/concurrency_%d"))
	for _, r := range g.judged.Rows {
		if void, want := r.Void != "", r.Quantity.Metric == "itl" && g.Loads[r.Load] == "128"; void != want {
			t.Errorf("%s: not comparable %v, want %v", g.judged.Describe(&r), void, want)
		}
	}
	for concurrency, want := range map[string]struct{ eager, graphs, slow, fast float64 }{
		"16": {22.99, 4.38, 672, 2974}, "64": {25.32, 6.34, 2330, 7168}, "128": {32.28, 9.29, 3628, 9227},
	} {
		tpot := realRow(t, g, concurrency, meanOf("tpot"))
		if !(math.Abs(1e3*tpot.Base-want.eager) <= 0.01) || !(math.Abs(1e3*tpot.Other-want.graphs) <= 0.01) || !tpot.Significant {
			t.Errorf("%s: %+v", concurrency, tpot)
		}
		out := realRow(t, g, concurrency, judge.Quantity{Metric: judge.OutputThroughput, Higher: true})
		if !(math.Abs(out.Base-want.slow) <= 1) || !(math.Abs(out.Other-want.fast) <= 1) || !out.OneRun || out.Significant || !(out.RatioLow > 2) || !(out.RunToRun > 0) {
			t.Errorf("%s: %+v", concurrency, out)
		}
		if !strings.Contains(g.judged.Describe(out), "more output tokens/s with one run (95 % CI ") {
			t.Error(g.judged.Describe(out))
		}
	}
	for _, want := range []string{"b vs a: 1.53x slower to the first token at concurrency 128, 3.48 to 5.24x faster per output token, ", "2.53 to 4.43x faster end to end (one run)", ". Not comparable: ITL at concurrency 128. Next: "} {
		if !strings.Contains(g.answer(), want) {
			t.Errorf("no %q in %q", want, g.answer())
		}
	}
	if len(g.judged.Reasons) != 1 || g.judged.Reasons[0].Code != "multi_token_chunks" || g.judged.Reasons[0].Hint != "per_token" || !strings.HasPrefix(g.judged.Reasons[0].Text, "chunks had 1.18 tokens on average, vs 1.00 of the baseline") {
		t.Errorf("%+v", g.judged.Reasons)
	}
}

// TestClientsOfOneServer: the original and loadgen, two turns each, differ in how they
// start the first wave.
func TestClientsOfOneServer(t *testing.T) {
	turns := func(client string) map[string]string {
		all := at("clients/" + client + "_%d_1")
		for name, of := range at("clients/" + client + "_%d_2") {
			all[name+"_repeat_2"] = of
		}
		return all
	}
	if g := comparedReal(t, Naming{}, turns("orig"), turns("lg")); !g.judged.Void() {
		t.Error("other clients are compared without being asked for")
	}
	g := comparedReal(t, Naming{AcrossClients: true}, turns("orig"), turns("lg"))
	for _, r := range g.judged.Rows {
		if r.Significant && r.Quantity.Metric != judge.FirstWaveTTFT || r.Void != "" && r.Quantity.Metric != "itl" {
			t.Error(g.judged.Describe(&r))
		}
	}
	wave := realRow(t, g, "128", meanOf(judge.FirstWaveTTFT))
	if !(math.Abs(1e3*wave.Base-644.5) <= 1) || !(math.Abs(1e3*wave.Other-555.5) <= 1) {
		t.Errorf("%+v", wave)
	}
	g = comparedReal(t, Naming{AcrossClients: true}, at("clients/orig_%d_2"), at("clients/lg_%d_2"))
	for _, r := range g.judged.Rows {
		if want := r.Quantity.Metric == judge.FirstWaveTTFT && g.Loads[r.Load] != "16"; r.Significant != want {
			t.Errorf("at %s: %s", g.Loads[r.Load], g.judged.Describe(&r))
		}
	}
}

// TestASummaryWithoutDetails: vLLM's own file says by its means that chunks held 1.5 tokens.
func TestASummaryWithoutDetails(t *testing.T) {
	g := comparedReal(t, Naming{AcrossClients: true}, at("clients/lg_%d_1"), at("clients/vb_%d_1"))
	for _, r := range g.judged.Rows {
		if void, want := r.Void != "", r.Quantity.Metric == "itl" && g.Loads[r.Load] == "128"; void != want || r.Significant {
			t.Errorf("at %s: %s", g.Loads[r.Load], g.judged.Describe(&r))
		}
	}
	if len(g.judged.Reasons) != 1 || !strings.HasPrefix(g.judged.Reasons[0].Text, "chunks had 1.51 tokens on average, vs 1.05 of the baseline") {
		t.Errorf("%+v", g.judged.Reasons)
	}
}

// TestADriftBetweenRounds: the rounds became slower one by one, which taking them in turn
// keeps out of the comparison; it is in every form of the report.
func TestADriftBetweenRounds(t *testing.T) {
	g := comparedReal(t, Naming{}, rounds(1, 3, 5, 7), rounds(2, 4, 6, 8))
	if !slices.ContainsFunc(g.judged.Drifts, func(d judge.Drift) bool { return d.Metric == "e2el" && d.Change > 0.005 && d.Change < 0.05 }) {
		t.Errorf("%+v", g.judged.Drifts)
	}
	for name, write := range map[string]func(w io.Writer) error{
		"text":     func(w io.Writer) error { g.WriteText(w, false); return nil },
		"Markdown": func(w io.Writer) error { return Markdown(w, []*Group{g}) },
		"HTML":     func(w io.Writer) error { return HTML(w, []*Group{g}) },
		"JSON":     func(w io.Writer) error { return JSON(w, []*Group{g}) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil || !strings.Contains(out.String(), "E2EL changed from repeat to repeat, by ") {
			t.Errorf("%s does not report the drift: %v", name, err)
		}
	}
}

// tally counts rows, intervals that miss that there is no difference, and asterisks.
type tally struct{ rows, missed, significant int }

// alike compares rounds of one server with each other.
func alike(t *testing.T, pairs [][2][]int) map[string]*tally {
	t.Helper()
	all := map[string]*tally{}
	for _, p := range pairs {
		g := comparedReal(t, Naming{}, rounds(p[0]...), rounds(p[1]...))
		for i := range g.judged.Rows {
			r := &g.judged.Rows[i]
			if r.Void != "" && r.Quantity.Metric != "itl" {
				t.Errorf("rounds %v: %s", p, g.judged.Describe(r))
			}
			if r.Void != "" || r.Interval == nil {
				continue
			}
			for _, key := range []string{"all", r.Quantity.Metric} {
				if all[key] == nil {
					all[key] = &tally{}
				}
				all[key].rows++
				if r.RatioLow > 1 || r.RatioHigh < 1 {
					all[key].missed++
				}
				if r.Significant {
					all[key].significant++
				}
			}
		}
	}
	return all
}

// TestStatsCoverageOfRealRuns compares runs of one unchanged server: at most 5 % of the rows
// are called different. COVERAGE_PAIRS has it take all pairs and all pairs of triples.
func TestStatsCoverageOfRealRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	const last = 8
	whole := os.Getenv("COVERAGE_PAIRS") != ""
	var pairs, triples [][2][]int
	for a := 1; a <= last; a++ {
		for b := a + 1; b <= last; b++ {
			if whole || b == a+1 {
				pairs = append(pairs, [2][]int{{a}, {b}})
			}
		}
	}
	sets := triplesOf(last)
	for i, x := range sets {
		for k, y := range sets[i+1:] {
			if !slices.ContainsFunc(x, func(v int) bool { return slices.Contains(y, v) }) && (whole || (i+k)%7 == 0) {
				triples = append(triples, [2][]int{x, y})
			}
		}
	}
	for name, compared := range map[string][][2][]int{"pairs": pairs, "triples": triples} {
		all := alike(t, compared)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			x := all[key]
			t.Logf("%d %s, %-22s %5d rows, %.2f %% of the intervals miss, %.2f %% of the rows have an asterisk", len(compared), name, key, x.rows,
				100*float64(x.missed)/float64(x.rows), 100*float64(x.significant)/float64(x.rows))
			if key != "itl" && 20*x.missed > x.rows || 20*x.significant > x.rows {
				t.Errorf("%s, %s: %+v", name, key, x)
			}
		}
	}
}

// triplesOf are all sets of three rounds.
func triplesOf(last int) (sets [][]int) {
	for a := 1; a <= last; a++ {
		for b := a + 1; b <= last; b++ {
			for c := b + 1; c <= last; c++ {
				sets = append(sets, []int{a, b, c})
			}
		}
	}
	return sets
}
