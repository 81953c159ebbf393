package chart

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sweep is a chart of latency by concurrency.
func sweep(servers int) *Lines {
	l := &Lines{Title: "Mean TTFT", XLabel: "concurrency", YLabel: "TTFT (ms)", XScale: Log, Markers: true, YFromZero: true}
	for s := range servers {
		series := Series{Name: fmt.Sprintf("server %d", s+1), Server: s}
		for x := 1.0; x <= 256; x *= 2 {
			series.X = append(series.X, x)
			series.Y = append(series.Y, 20+float64(2+s)*x)
		}
		l.Series = append(l.Series, series)
	}
	return l
}

// distribution is a chart of so many latencies a server.
func distribution(servers, n int) *Lines {
	l := &Lines{Title: "Distribution of TTFT", XLabel: "TTFT (ms)", YLabel: "share of requests", XScale: Log, Step: true, YFromZero: true}
	for s := range servers {
		r := rand.New(rand.NewPCG(1, uint64(s)))
		series := Series{Name: fmt.Sprintf("server %d", s+1), Server: s}
		for i := range n {
			series.X = append(series.X, 100*math.Exp(0.5*r.NormFloat64()+0.2*float64(s)))
			series.Y = append(series.Y, float64(i+1)/float64(n))
		}
		slices.Sort(series.X)
		l.Series = append(l.Series, series)
	}
	return l
}

// quantiles turns a distribution by its server.
func quantiles(servers, n int) *Lines {
	l := distribution(servers, n)
	l.Title, l.XLabel, l.YLabel = "TTFT by percentile", "percentile of requests", "TTFT (ms)"
	l.XScale, l.Step, l.YLog = Percentile, false, true
	for i := range l.Series {
		l.Series[i].X, l.Series[i].Y = l.Series[i].Y, l.Series[i].X
	}
	return l
}

// noise is a long series over time with a few peaks.
func noise(n int) *Lines {
	r := rand.New(rand.NewPCG(1, 2))
	l := &Lines{Title: "Tokens per second", XLabel: "time (s)", YLabel: "throughput (tok/s)"}
	s := Series{Name: "server"}
	for i := range n {
		s.X = append(s.X, float64(i)/10)
		s.Y = append(s.Y, 2000+100*r.NormFloat64())
	}
	s.Y[n/2] = 4000
	l.Series = []Series{s}
	return l
}

func lineCases() map[string]*Lines {
	nan, inf := math.NaN(), math.Inf(1)
	long := strings.Repeat("a long name ", 20)
	return map[string]*Lines{
		"judged": judgedLines(), "sweep2": sweep(2), "sweep3": sweep(3), "sweep20": sweep(20), "cdf": distribution(2, 5000), "cdf5": distribution(5, 40), "percentiles": quantiles(3, 5000), "noise": noise(50000),
		"empty": {Title: "Nothing", XLabel: "x", YLabel: "y (ms)"}, "bare": {},
		"one":    {XLabel: "x", YLabel: "y (ms)", Series: []Series{{Name: "a", X: []float64{3}, Y: []float64{5}}}},
		"zeros":  {YFromZero: true, Series: []Series{{Name: "a", X: []float64{0, 0}, Y: []float64{0, 0}}}},
		"holes":  {Title: "Holes", Series: []Series{{Name: "a", X: []float64{1, nan, 3, inf, 5}, Y: []float64{1, 2, nan, 4, -inf}}, {Name: "b", X: []float64{1, 2}, Y: []float64{nan, nan}}}},
		"log0":   {XScale: Log, YLog: true, Series: []Series{{Name: "a", X: []float64{-1, 0, 1, 1e6}, Y: []float64{1, 2, 0, 1e-9}}}},
		"huge":   {Series: []Series{{Name: "a", X: []float64{-1e299, 1e299, 1e308}, Y: []float64{1e-310, 1e250, 4}}}},
		"flat":   {Title: "Flat", YLog: true, Series: []Series{{Name: "a", Server: -1, X: []float64{1, 2}, Y: []float64{7, 7}}}},
		"whole":  {XScale: Percentile, Series: []Series{{Name: "a", Server: 41, X: []float64{-1, 0, 0.5, 0.9, 1, 2}, Y: []float64{1, 1, 2, 3, 9, 9}}}},
		"marked": {Title: `<script>"&'</script>` + long, XLabel: `<i>x</i>` + long, YLabel: "y\x00 (<µs>)", Series: []Series{{Name: `</text><b a="` + long, X: []float64{1, 2}, Y: []float64{1, 2}}, {Name: "\xff\ufffe'", X: []float64{1, 2}, Y: []float64{2, 1}}}},
	}
}

func TestInline(t *testing.T) {
	for name, l := range lineCases() {
		t.Run(name, func(t *testing.T) {
			svg := l.Inline()
			wellFormed(t, svg)
			if svg != l.Inline() {
				t.Error("drawn twice, it differs")
			}
			if len(svg) > 40_000 {
				t.Errorf("%d bytes", len(svg))
			}
			for _, group := range strings.Split(svg, "<g class=")[1:] {
				if n := strings.Count(group, "<title>"); n > mostHovers {
					t.Errorf("%d tooltips on a line", n)
				}
				if n := strings.Count(group, "L"); n > mostPoints {
					t.Errorf("%d points in a line", n)
				}
			}
			empty := name == "empty" || name == "bare"
			if strings.Contains(svg, ">no data<") != empty {
				t.Error("whether there is data is not told rightly")
			}
			drawn := strings.Contains(svg, `class="pt"`) || strings.Contains(svg, `class="line"`)
			if drawn == empty {
				t.Error("nothing to be seen")
			}
		})
	}
}

func TestTooltip(t *testing.T) {
	svg := sweep(2).Inline()
	for _, want := range []string{"<title>server 2: 64, 212 ms</title>", `aria-label="Mean TTFT"`, `role="img"`, `class="s1"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s", want)
		}
	}
	if svg := quantiles(1, 1000).Inline(); !strings.Contains(svg, "server 1: 100 %, ") || !strings.Contains(svg, ">99.9 %<") {
		t.Error("no percentiles")
	}
	if svg := lineCases()["zeros"].Inline(); !strings.Contains(svg, `class="pt"`) {
		t.Error("points at one place are not to be seen")
	}
}

func TestThin(t *testing.T) {
	l := noise(50000)
	var points []xy
	for i, x := range l.Series[0].X {
		points = append(points, xy{x / 10, l.Series[0].Y[i] / 20})
	}
	got := thin(points, mostPoints)
	peak := slices.ContainsFunc(got, func(p xy) bool { return p.y == 200 })
	if len(got) > mostPoints || got[0] != points[0] || got[len(got)-1] != points[len(points)-1] || !peak {
		t.Errorf("%d points, the peak among them: %v", len(got), peak)
	}
	if !slices.IsSortedFunc(got, func(a, b xy) int { return cmp.Compare(a.x, b.x) }) {
		t.Error("not in order")
	}
	if got := spread(points, mostHovers); len(got) > mostHovers || got[0] != 0 || got[len(got)-1] != len(points)-1 {
		t.Errorf("%v", got)
	}
}

func TestStylesheet(t *testing.T) {
	css := Stylesheet(20)
	for _, want := range []string{"--chart-s0:#2b94d9", "--chart-s1:#629a00", ".chart .s19{color:var(--chart-s19)}", "prefers-color-scheme:dark"} {
		if !strings.Contains(css, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Count(css, "{") != strings.Count(css, "}") {
		t.Error("braces do not match")
	}
	if Stylesheet(99) != css || strings.Contains(Stylesheet(0), "s1") {
		t.Error("the number of servers is not kept within 1 to 20")
	}
	looks := map[string]bool{}
	for server := 1; server < mostServers; server++ {
		looks[fmt.Sprint((server-1)%len(lineDashes), marker(server, xy{}, 1))] = true
	}
	if len(looks) != mostServers-1 || strings.Contains(css, ".chart .s0 .line{") {
		t.Errorf("%d distinct looks of dashed lines", len(looks))
	}
}

// TestLinesWithoutColour: lines without marks at their points have some all the same, each
// server its own, and none is dashed as another of the first seven.
func TestLinesWithoutColour(t *testing.T) {
	svg := distribution(3, 500).Inline()
	groups := strings.Split(svg, `<g class="s`)
	for server := range 3 {
		group := groups[len(groups)-3+server]
		shape := marker(server, xy{}, 3.2)
		shape = shape[strings.IndexAny(shape[1:], "La")+1:]
		if n := strings.Count(group, `class="mk"`); n != 5 || server == 0 && strings.Count(group, shape[:strings.Index(shape, "z")]) < 5 {
			t.Errorf("server %d has %d marks: %s", server, n, group)
		}
	}
	if svg := distribution(1, 500).Inline(); strings.Contains(svg, `class="mk"`) {
		t.Error("a single line needs no marks")
	}
	void := distribution(2, 500)
	void.Series[1].Void = slices.Repeat([]bool{true}, 500)
	if svg := void.Inline(); strings.Count(svg, `class="mk void"`) != 5 || strings.Count(svg, `class="line void"`) != 1 {
		t.Error("marks of what is not comparable are not hollow")
	}
}

// contrast is that of two colours by WCAG 2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light := func(c string) (sum float64) {
		if len(c) == 4 {
			c = string([]byte{'#', c[1], c[1], c[2], c[2], c[3], c[3]})
		}
		var rgb [3]uint8
		if _, err := fmt.Sscanf(c, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
			t.Fatal(c, err)
		}
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			v := float64(rgb[i]) / 255
			if v = (v + 0.055) / 1.055; v > (0.04045+0.055)/1.055 {
				v = math.Pow(v, 2.4)
			} else {
				v = (v*1.055 - 0.055) / 12.92
			}
			sum += weight * v
		}
		return sum
	}
	x, y := light(a), light(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// TestContrast: lines, marks and axes have three times the contrast of the page's panels,
// texts four and a half times, in both schemes.
func TestContrast(t *testing.T) {
	if c := contrast(t, "#fff", "#000000"); !(math.Abs(c-21) <= 1e-9) {
		t.Fatal(c)
	}
	light, dark, _ := strings.Cut(Stylesheet(20), "@media")
	dark, _, _ = strings.Cut(dark, "}}")
	for ground, css := range map[string]string{"#f6f8fa": light, "#1c2229": dark} {
		found := 0
		for _, m := range regexp.MustCompile(`--chart-(\w+):(#\w+)`).FindAllStringSubmatch(css, -1) {
			least := map[string]float64{"ink": 4.5, "muted": 4.5, "grid": 1}[m[1]]
			if least == 0 {
				least = 3
			}
			if got := contrast(t, m[2], ground); got < least {
				t.Errorf("%s on %s: %.2f, want %v", m[0], ground, got, least)
			}
			found++
		}
		if found != 24 {
			t.Errorf("%d colours on %s", found, ground)
		}
	}
	for i, c := range palette { // of pictures, on white
		if got := contrast(t, lightLines()[i], "#ffffff"); got < 3 {
			t.Errorf("%v: %.2f", c, got)
		}
	}
	if strings.Contains(Stylesheet(20), "opacity") {
		t.Error("a colour that is seen through has less contrast than it was tested for")
	}
}

func TestLineSamples(t *testing.T) {
	if *samples == "" {
		t.Skip("no directory for them")
	}
	cases := lineCases()
	var names []string
	for name := range cases {
		names = append(names, name)
	}
	slices.Sort(names)
	var body strings.Builder
	for _, name := range names {
		svg := cases[name].Inline()
		fmt.Fprintf(&body, "<div><h4>%s %d</h4>%s</div>\n", name, len(svg), svg)
	}
	for _, dark := range []bool{false, true} {
		css, ground, file := Stylesheet(20), "#fff", "light.html"
		if dark {
			css, ground, file = strings.Replace(css, "prefers-color-scheme:dark", "min-width:1px", 1), "#14171a", "dark.html"
		}
		page := fmt.Sprintf("<!doctype html><meta charset=utf-8><style>%s body{background:%s;color:#888;display:grid;grid-template-columns:repeat(3,1fr);gap:16px;margin:12px;font-family:sans-serif}</style>%s", css, ground, &body)
		if err := os.WriteFile(filepath.Join(*samples, file), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNamedPlaces: ticks stand at the places that have names, and tooltips have them.
func TestNamedPlaces(t *testing.T) {
	l := &Lines{XLabel: "concurrency", YLabel: "TTFT (ms)", Markers: true, XNames: []string{"16", "4 at 2/s", "unbounded"},
		Series: []Series{{Name: "a", X: []float64{0, 1, 2}, Y: []float64{5, 6, 7}, Notes: []string{"first"}}}}
	svg := l.Inline()
	for _, want := range []string{">16</text>", ">4 at 2/s</text>", ">unbounded</text>", "<title>a: 16, 5 ms, first</title>", "<title>a: 4 at 2/s, 6 ms</title>"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in\n%s", want, svg)
		}
	}
	if strings.Contains(svg, ">0.5</text>") {
		t.Error("a tick between the places")
	}
}
