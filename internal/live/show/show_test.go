package show

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/internal/live"
	"loadgen/pkg/metrics"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const ms = time.Millisecond

func TestBar(t *testing.T) {
	p := live.Progress{Planned: 300, Done: 170, Elapsed: 1400 * ms, Left: 1070 * ms, TTFT: 12 * ms, ITL: 5120 * time.Microsecond}
	const want = "Benchmarking:  57%|███████       | 170/300 [00:01<00:01, 121.43req/s, TTFT 12ms, ITL 5.12ms]"
	if got := Bar(&p, utf8.RuneCountInString(want)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for width := range 120 {
		if n := utf8.RuneCountInString(Bar(&p, width)); n > width {
			t.Errorf("%d columns in a terminal of %d", n, width)
		}
	}
	if got := Bar(&live.Progress{Planned: 5, Left: -1}, 80); !strings.Contains(got, "0/5 [00:00<?, 0.00req/s]") {
		t.Error(got)
	}
	if got := Bar(&live.Progress{}, 80); !strings.Contains(got, "0/0") {
		t.Error(got)
	}
	if got := Bar(&live.Progress{Done: 7, Most: 60 * time.Second, Elapsed: 15 * time.Second, Left: 45 * time.Second}, 80); !strings.Contains(got, " 25%|") || !strings.Contains(got, "| 7 [00:15<00:45, ") {
		t.Error(got)
	}
	if got := clock(3725 * time.Second); got != "1:02:05" {
		t.Error(got)
	}
}

// A line of a log fits 80 columns, and never leaves out that requests fail.
func TestLine(t *testing.T) {
	p := live.Progress{Planned: 12, Done: 12, Elapsed: 1990 * ms, Chunks: 1536, TTFT: 47 * ms, ITL: 4610 * time.Microsecond}
	if got, want := Line(&p), "loadgen: 12/12 requests after 00:01, 6.03req/s, TTFT 47ms, ITL 4.61ms"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p = live.Progress{Planned: 300000, Done: 250000, Failed: 12, Elapsed: 4 * time.Hour, InFlight: 1000, Chunks: 1e7, TTFT: 47 * ms, ITL: 4610 * time.Microsecond}
	if got, want := Line(&p), "loadgen: 250000/300000 requests after 4:00:00, 17.36req/s, 12 failed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.Planned, p.Done = 30, 25
	if got, want := Line(&p), "loadgen: 25/30 requests after 4:00:00, 0.00req/s, 1000 in flight, 12 failed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// states are what a run may be like.
func states() map[string]*live.State {
	start := &live.State{Progress: live.Progress{Planned: 300, Left: -1, Elapsed: 250 * ms, InFlight: 64}, Queued: 236}
	q := func(n int64, p50 time.Duration) live.Quantiles {
		return live.Quantiles{Count: n, P50: p50, P90: 2 * p50, P99: 5 * p50}
	}
	all := func(n int64) [4]live.Quantiles {
		return [4]live.Quantiles{metrics.TTFT: q(n, 31*ms), metrics.TPOT: q(n, 5120*time.Microsecond), metrics.ITL: q(127*n, 5*ms), metrics.E2EL: q(n, 1310*ms)}
	}
	s := &live.State{
		Progress: live.Progress{Planned: 3000, Done: 1720, Failed: 5, OnPurpose: 2, Elapsed: 65 * time.Second, Left: 48 * time.Second, InFlight: 64, Chunks: 220000, TTFT: 31 * ms, ITL: 5 * ms},
		Queued:   1216, Requests: live.Rate{Recent: 27.3, Run: 26.46}, Tokens: live.Rate{Recent: 3494, Run: 3387}, Counted: true,
		Recent: all(270), Run: all(1713), RecentRequests: 270, RunRequests: 1713,
		Failures: []metrics.ClassCount{{Class: "timeout", Count: 3}, {Class: "http_503", Count: 2}},
		Health:   &health.Report{Cores: 2, Machine: &health.Machine{Busy: 0.45}, GCPauses: health.Dist{Count: 3, Max: 120 * time.Microsecond}}, CPU: 0.24,
		Verdict: &judge.Verdict{Level: judge.Clean}, Judged: 256,
	}
	for i := range 64 {
		s.Requests.Seconds = append(s.Requests.Seconds, float64(20+i*7%13))
		s.Tokens.Seconds = append(s.Tokens.Seconds, float64(3000+i*701%900)*min(float64(i), 1))
	}
	s.Budget = &judge.Budget{}
	for m := range s.Budget.Bounds {
		s.Budget.Bounds[m] = judge.Bound{Mean: 0.0000622, Count: 10}
	}
	for _, m := range []metrics.Metric{metrics.TTFT, metrics.E2EL} {
		for i := range 11 {
			s.Bars[m] = append(s.Bars[m], live.Bar{To: time.Duration(i+1) * 10 * ms * time.Duration(1+9*m), Count: int64(i * (11 - i) * 12)})
		}
	}
	late := *s
	late.Health = &health.Report{Cores: 2, Machine: &health.Machine{Busy: 0.97}, GCPauses: health.Dist{Count: 3, Max: 12 * ms},
		Cgroup: &health.Cgroup{Cores: 1.5, Throttled: 1200 * ms, Periods: 9}, Stalls: []health.Stall{{From: ms, To: 13 * ms}, {From: 20 * ms, To: 26 * ms}}}
	late.Budget = &judge.Budget{Uncertainty: health.Dist{Count: 900, P99: 9 * ms}}
	for m := range late.Budget.Bounds {
		late.Budget.Bounds[m] = judge.Bound{Mean: 0.009, ReportedMedian: 0.005, ReportedMean: 0.005, Count: 100}
	}
	verdict := judge.Decide(late.Budget, late.Health, 0, judge.DefaultLimits)
	late.Verdict = &verdict
	return map[string]*live.State{"start": start, "running": s, "late": &late}
}

// TestView compares what is drawn with golden files, at the sizes that terminals have.
func TestView(t *testing.T) {
	for name, s := range states() {
		for _, size := range [][2]int{{80, 24}, {60, 20}, {200, 50}, {60, 10}} {
			o := Options{Width: size[0], Height: size[1], Title: "meta-llama/Meta-Llama-3-8B-Instruct at http://127.0.0.1:8000, 64 at a time", Keys: true}
			if name == "late" {
				o.Messages = []string{"loadgen: an older note", "loadgen: a note", "loadgen: interrupted: ending the open requests and saving what there is; once more to leave at once"}
			}
			got := strings.Join(View(s, o), "\n") + "\n"
			file := filepath.Join("testdata", fmt.Sprintf("%s_%dx%d.txt", name, size[0], size[1]))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s:\n%s\nwant:\n%s\n(go test -update rewrites it)", file, got, want)
			}
		}
	}
}

// TestDocs: the page shows the view as it is.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../../docs/live.md")
	if err != nil {
		t.Fatal(err)
	}
	view, err := os.ReadFile("testdata/running_80x24.txt")
	if err != nil || !strings.Contains(string(page), "```\n"+string(view)+"```\n") {
		t.Errorf("docs/live.md does not have testdata/running_80x24.txt (%v)", err)
	}
}

// TestViewFits: whatever the size of the screen, no line is longer and no view higher.
func TestViewFits(t *testing.T) {
	for name, s := range states() {
		for width := 0; width < 130; width += 13 {
			for height := 0; height < 60; height += 3 {
				lines := View(s, Options{Width: width, Height: height, Title: strings.Repeat("a model ", 20), Messages: []string{"x", strings.Repeat("long ", 60)}, Keys: true})
				if len(lines) > height {
					t.Fatalf("%s: %d lines on a screen of %d", name, len(lines), height)
				}
				for _, l := range lines {
					if n := uniseg.StringWidth(l); n > width {
						t.Fatalf("%s: %d columns on a screen of %d: %q", name, n, width, l)
					}
				}
			}
		}
	}
}

// TestColor: color is control sequences and nothing else, and there are none without it.
func TestColor(t *testing.T) {
	s := states()["late"]
	o := Options{Width: 80, Height: 24, Title: "evil \x1b[2J"}
	without := strings.Join(View(s, o), "\n")
	o.Color = true
	with := strings.Join(View(s, o), "\n")
	if strings.Contains(without, "\x1b") || !strings.Contains(with, "\x1b[31mclient-limited so far") {
		t.Errorf("%q\n%q", without, with)
	}
	for _, of := range []style{bold, faint, red, green, yellow} {
		with = strings.ReplaceAll(with, "\x1b["+string(of)+"m", "")
	}
	if plainly := strings.ReplaceAll(with, "\x1b[0m", ""); plainly != without {
		t.Errorf("%q\n%q", plainly, without)
	}
}

func TestSparkline(t *testing.T) {
	for _, c := range []struct {
		values []float64
		width  int
		want   string
	}{
		{nil, 5, ""},
		{[]float64{0, 0}, 5, "  "},
		{[]float64{0, 1, 2, 4, 8}, 5, " ▂▃▅█"},
		{[]float64{100, 1, 2}, 2, "▅█"},
		{[]float64{1}, -3, ""},
	} {
		if got := sparkline(c.values, c.width); got != c.want {
			t.Errorf("%v in %d: %q, want %q", c.values, c.width, got, c.want)
		}
	}
}

// TestUpperEnds: no two bars have the same label, and none has more digits than that takes.
func TestUpperEnds(t *testing.T) {
	for want, to := range map[string][]time.Duration{
		"31ms 62ms 1.31s":            {31 * time.Millisecond, 62 * time.Millisecond, 1310 * time.Millisecond},
		"10.2ms 10.6ms 11.0ms":       {10200 * time.Microsecond, 10600 * time.Microsecond, 11 * time.Millisecond},
		"2.000s 2.004s 2.008s":       {2 * time.Second, 2004 * time.Millisecond, 2008 * time.Millisecond},
		"100.0s 100.2s":              {100 * time.Second, 100200 * time.Millisecond},
		"1.000ms 1.004ms":            {time.Millisecond, 1004 * time.Microsecond},
		"0.98ms 1.02ms 1.06ms 5.00s": {980 * time.Microsecond, 1020 * time.Microsecond, 1060 * time.Microsecond, 5 * time.Second},
	} {
		var bars []live.Bar
		for _, d := range to {
			bars = append(bars, live.Bar{To: d})
		}
		if got := strings.Join(upperEnds(bars), " "); got != want {
			t.Errorf("%v: %q, want %q", to, got, want)
		}
	}
}
