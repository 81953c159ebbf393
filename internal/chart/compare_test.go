package chart

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	update  = flag.Bool("update", false, "write the golden files anew")
	samples = flag.String("samples", "", "a directory to write pictures to, to look at them")
)

// typical is a comparison of two servers at three loads.
func typical() *Comparison {
	panel := func(title, unit string, higher bool, values ...[]float64) Panel {
		return Panel{Title: title, Unit: unit, HigherIsBetter: higher, Values: values}
	}
	return &Comparison{
		Title: "Llama-3.1-8B on one H100: PyTorch and TensorRT-LLM", XLabel: "concurrency",
		Servers: []string{"PyTorch (HF)", "TensorRT-LLM"}, Loads: []string{"16", "64", "128"},
		Panels: []Panel{
			panel("Mean TTFT", "ms", false, []float64{163, 628, 1349}, []float64{694, 5178, 10064}),
			panel("Mean TPOT", "ms", false, []float64{5.19, 9.81, 16.32}, []float64{5.27, 6.16, 5.26}),
			panel("Mean ITL", "ms", false, []float64{5.19, 9.81, 16.32}, []float64{5.27, 6.16, 5.26}),
			panel("Mean E2EL", "ms", false, []float64{823, 1874, 3422}, []float64{1364, 5961, 10732}),
			panel("Output throughput", "tok/s", true, []float64{2466, 4306, 4058}, []float64{1426, 1252, 1397}),
		},
	}
}

// many is a comparison of so many servers at so many loads.
func many(servers, loads int) *Comparison {
	c := typical()
	c.Servers, c.Loads = nil, nil
	for s := range servers {
		c.Servers = append(c.Servers, fmt.Sprintf("server %d", s+1))
	}
	for l := range loads {
		c.Loads = append(c.Loads, fmt.Sprint(4*(l+1)))
	}
	for i := range c.Panels {
		p := &c.Panels[i]
		p.Values = nil
		for s := range servers {
			var row []float64
			for l := range loads {
				load := float64(4*(l+1)) * (1 + 0.1*math.Sin(float64(l+3*s)))
				row = append(row, (5+float64(s))*math.Pow(load, 0.8+0.02*float64(i)))
			}
			p.Values = append(p.Values, row)
		}
	}
	return c
}

// void is the same reasons for all servers but the first.
func void(reasons ...string) [][]string {
	out := make([][]string, 20)
	for server := 1; server < len(out); server++ {
		out[server] = reasons
	}
	return out
}

// holed is a comparison with values that are missing, zero or void.
func holed() *Comparison {
	c := typical()
	nan := math.NaN()
	c.Panels[0].Values[1][1] = nan
	c.Panels[1].Values[0] = []float64{nan, nan, nan}
	c.Panels[2].Values[1] = []float64{0, math.Inf(1), -4}
	c.Panels[3].Values = nil
	c.Panels[4].Values[0][2] = 0
	for i := range c.Panels {
		c.Panels[i].Void = void("", "", "TensorRT-LLM refused 12 % of the requests")
	}
	c.Panels[2].Void = void("tokens come in chunks", "tokens come in chunks", "tokens come in chunks")
	return c
}

// marked is a comparison whose names hold markup and are long.
func marked() *Comparison {
	c := typical()
	long := "a very long name of a server that nobody would want to read in full in the legend of a figure, but who knows "
	c.Title = `<b>"bold" & 'brash'</b> ` + long + long
	c.Servers = []string{`</text><script>alert("&")</script>` + long + long, "tab\tnew\nline \x00\xff\ufffe " + long + long}
	c.Loads = []string{"<16>", "a load with a long name", "128&"}
	c.XLabel = "<i>concurrency</i>"
	c.Panels[0].Title, c.Panels[0].Unit = `"Mean" <TTFT>`, "µs & more"
	c.Panels[0].Void = void("", "<void> & "+long+long)
	return c
}

func cases() map[string]*Comparison {
	one := typical()
	one.Loads = one.Loads[:1]
	alone := typical()
	alone.Servers = alone.Servers[:1]
	zeros := typical()
	for i := range zeros.Panels {
		zeros.Panels[i].Values = [][]float64{{0, 0, 0}, {0, 0, 0}}
	}
	three := many(3, 3)
	thinHoled := many(8, 8)
	thinHoled.Panels[0].Values[3][3] = math.NaN()
	thinHoled.Panels[1].Values[0][2] = math.NaN()
	thinHoled.Panels[0].Void = void("", "because")
	return map[string]*Comparison{
		"typical": typical(), "three": three, "holed": holed(), "marked": marked(), "one": one, "alone": alone, "zeros": zeros,
		"s20l3": many(20, 3), "s2l40": many(2, 40), "s20l200": many(20, 200), "s2l200": many(2, 200), "s1l200": many(1, 200), "s3l12": many(3, 12), "s5l8": many(5, 8), "s20l1": many(20, 1),
		"judged": judgedBars(), "thinholed": thinHoled, "empty": {}, "nolevels": {Title: "t", Servers: []string{"a", "b"}, Panels: []Panel{{Title: "p"}}},
	}
}

// small is a comparison for a golden file.
func small() *Comparison {
	c := typical()
	c.Title, c.Loads, c.Panels = "A & B", c.Loads[:2], []Panel{c.Panels[0], c.Panels[4]}
	c.Panels[0].Void = void("", "B was throttled")
	return c
}

func TestGolden(t *testing.T) {
	golden(t, "small.svg", figure(t, small().SVG))
	golden(t, "holed.svg", figure(t, holed().SVG))
	golden(t, "sweep.svg", sweep(3).Inline())
	golden(t, "cdf.svg", distribution(2, 8).Inline())
	golden(t, "percentiles.svg", quantiles(1, 8).Inline())
	golden(t, "style.css", Stylesheet(3))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not as before; look at it, then run with -update", name)
	}
}

func figure(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wellFormed reads a document to its end and looks for numbers that are none.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "b" || e.Name.Local == "i") {
			t.Errorf("a name became the element <%s>", e.Name.Local)
		}
	}
	if bad := regexp.MustCompile(`\b(NaN|[+-]?Inf)\b`).FindString(svg); bad != "" {
		t.Errorf("%q is in the picture", bad)
	}
}

func TestSVG(t *testing.T) {
	for name, c := range cases() {
		t.Run(name, func(t *testing.T) {
			svg := figure(t, c.SVG)
			wellFormed(t, svg)
			if svg != figure(t, c.SVG) {
				t.Error("drawn twice, it differs")
			}
			if !strings.Contains(svg, `font-family="Liberation Sans, Arial, sans-serif"`) {
				t.Error("no font to fall back to")
			}
		})
	}
}

func TestTexts(t *testing.T) {
	svg := figure(t, typical().SVG)
	for _, want := range []string{">10,064<", ">4,306<", ">16.3<", ">6.40x<", ">lower is better<", ">higher is better<", ">Mean TTFT (ms)<", ">128<", ">concurrency<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s", want)
		}
	}
	if svg := figure(t, many(20, 40).SVG); regexp.MustCompile(`>\d+\.\d\dx?<`).MatchString(svg) {
		t.Error("labels have no room at 20 servers")
	}
	svg = figure(t, holed().SVG)
	for _, want := range []string{">n/a<", ">void<", ": tokens come in chunks<", ">0<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestPNG(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	for _, name := range []string{"typical", "holed", "s20l200", "empty"} {
		data := figure(t, cases()[name].PNG)
		m, err := png.Decode(strings.NewReader(data))
		if err != nil {
			t.Fatal(name, err)
		}
		if m.Bounds() != image.Rect(0, 0, 2160, 1440) {
			t.Errorf("%s: bounds %v", name, m.Bounds())
		}
		seen := map[color.RGBA]int{}
		for y := range 1440 {
			for x := range 2160 {
				r, g, b, a := m.At(x, y).RGBA()
				seen[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}]++
			}
		}
		if corner := m.At(0, 0); color.RGBAModel.Convert(corner) != white {
			t.Errorf("%s: the ground is %v", name, corner)
		}
		if name != "empty" && (seen[serverColor(0)] < 1000 || seen[serverColor(1)] < 1000) {
			t.Errorf("%s: %d and %d pixels of the servers' colours", name, seen[serverColor(0)], seen[serverColor(1)])
		}
		if data != figure(t, cases()[name].PNG) {
			t.Errorf("%s: drawn twice, it differs", name)
		}
	}
}

// TestSpeedUp: means are geometric, so that twice as fast and half as fast cancel out, and
// over the loads that all servers have in common.
func TestSpeedUp(t *testing.T) {
	c := typical()
	mean := func(p *Panel, server int) float64 { return c.speedUp(p, server, c.common(p)) }
	near := func(got, want float64) bool { return math.Abs(got-want) < 1e-9 || math.IsNaN(got) && math.IsNaN(want) }
	p := &Panel{Values: [][]float64{{2, 4, 6}, {1, 16, 0}}}
	for _, test := range []struct {
		higher bool
		void   []string
		want   float64
	}{
		{false, nil, math.Sqrt(0.5)}, {true, nil, math.Sqrt(2)}, {false, []string{"void"}, 0.25}, {false, []string{"v", "v", "v"}, math.NaN()},
	} {
		p.HigherIsBetter, p.Void = test.higher, void(test.void...)
		if got := mean(p, 1); !near(got, test.want) {
			t.Errorf("%+v: %v", test, got)
		}
	}
	c.Servers = []string{"a", "b", "c"}
	three := &Panel{Values: [][]float64{{2, 4}, {1, 4}, {1, 1}}, Void: [][]string{nil, {"", "v"}, nil}}
	if a, b := mean(three, 1), mean(three, 2); a != 2 || b != 2 || three.void(0, 1) != "" || three.void(1, 1) != "v" || three.void(2, 1) != "" {
		t.Errorf("one server of three is void at a load, which none of the means may have: %v %v", a, b)
	}
	three.Void[1][0] = "v"
	if a, b := mean(three, 1), mean(three, 2); !math.IsNaN(a) || !near(b, math.Sqrt(8)) {
		t.Errorf("one server of three is void everywhere, which is nothing to the other: %v %v", a, b)
	}
	if got := mean(p, 2); !math.IsNaN(got) {
		t.Errorf("a server without values: %v", got)
	}
}

// TestSpeedUpsAreRatios: a server that is 4 times slower has a bar down, called 4.00x.
func TestSpeedUpsAreRatios(t *testing.T) {
	c := small()
	c.Panels[0].Values, c.Panels[0].Void = [][]float64{{100, 100}, {400, 400}}, nil
	c.Panels[1].Values = [][]float64{{100, 100}, {150, 150}}
	b := c.speedUps()
	d := b.place(newSVG(), box{0, 0, 400, 200})
	if down, up := b.values[0][0], b.values[0][1]; b.write(down) != "4.00x" || b.write(up) != "1.50x" || !(d.y(down) > d.y(0)) || !(d.y(up) < d.y(0)) {
		t.Errorf("%v %v", b.write(down), b.write(up))
	}
	at, labels := b.ticks(-1.5, 0.5, 0.3)
	if got := strings.Join(labels, " "); got != "1x 1.5x 1.5x 3x" || len(at) != 4 || at[3] != -math.Log(3) {
		t.Errorf("%s at %v", got, at)
	}
	c.Panels[1].Void = void("", "because")
	if got := c.speedUps().names[1]; got != "Output throughput at 16" {
		t.Errorf("the mean of one of two loads is called %q", got)
	}
	wellFormed(t, figure(t, c.SVG))
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.00001: "1e-05", 0.0123: "0.012", 0.5: "0.50", 5.19: "5.19", 9.996: "10.0", 16.32: "16.3", 99.96: "100", 163: "163", 10064: "10,064", 1234567: "1,234,567", 1e9: "1e+09",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: %s, not %s", v, got, want)
		}
	}
	for v, want := range map[float64]string{950: "950", 999.7: "1k", 10064: "10.1k", 123456: "123k", 999960: "1M", 2.5e6: "2.5M"} {
		if got := compact(v); got != want {
			t.Errorf("%v: %s, not %s", v, got, want)
		}
	}
	for v, want := range map[float64]string{0.24: "0.24x", 1.0151: "1.015x", 1: "1.000x", 1.1: "1.10x", 12.34: "12.3x", 123.4: "123x", 5e4: "50kx"} {
		if got := times(v); got != want {
			t.Errorf("%v: %s, not %s", v, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	face := typeface{size: 10}
	for _, s := range []string{"", "short", strings.Repeat("wide ", 30), strings.Repeat("é", 99)} {
		got := face.clip(s, 60)
		if face.width(got) > 60 || face.width(s) <= 60 && got != s || !utf8.ValidString(got) {
			t.Errorf("%q became %q", s, got)
		}
	}
	if lines := face.wrap("Output throughput", 60); len(lines) != 2 || lines[0] != "Output" {
		t.Errorf("%q", lines)
	}
}

func TestSamples(t *testing.T) {
	if *samples == "" {
		t.Skip("no directory for them")
	}
	for name, c := range cases() {
		for ext, write := range map[string]func(io.Writer) error{".png": c.PNG, ".svg": c.SVG} {
			if err := os.WriteFile(filepath.Join(*samples, name+ext), []byte(figure(t, write)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
