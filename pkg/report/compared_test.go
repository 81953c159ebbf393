package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html"
	"image/png"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"loadgen/internal/golden"
	"loadgen/internal/judge"
)

var update = flag.Bool("update", false, "write the golden files")

// origins are the origin's stored results.
func origins(t *testing.T) []*Group {
	dir := golden.Dir(t, "origin_results")
	return Groups(stored(t, filepath.Join(dir, "pytorch_hf"), filepath.Join(dir, "trt_engine")), Naming{})
}

// TestOriginsComparisonIsVoid: a batch limit on one side, so that it decodes fewer at a
// time, too; coalesced delivery on the other.
func TestOriginsComparisonIsVoid(t *testing.T) {
	g := origins(t)[0]
	for i := range g.judged.Rows {
		r := &g.judged.Rows[i]
		want := "batch_limited"
		switch r.Quantity.Metric {
		case "tpot", "itl":
			want = "decoding_differs"
		}
		if r.Void != want {
			t.Errorf("%s at %s: void %q, want %q", quantityKey(r.Quantity), g.Loads[r.Load], r.Void, want)
		}
	}
	var text bytes.Buffer
	g.WriteText(&text, true)
	for _, want := range []string{"\x1b[31mVOID for TTFT, E2EL, throughput at 16, 64, 128: TensorRT Engine: about 7.5, 7.7, 7.3 requests were served at a time", "VOID for ITL at 64, 128: PyTorch (HF)", "VOID for TPOT, ITL at 16, 64, 128: TensorRT Engine: 7.5, 7.7, 7.3 requests were decoding at a time, vs 12.7, 41.9, 65.7 of the baseline"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if first, last := lines[0], lines[len(lines)-1]; !strings.HasPrefix(first, "No winner can be named: ") || last != "Verdict: "+first {
		t.Errorf("the text begins with %q and ends with %q", first, last)
	}
}

// TestHintsAreTheCallers: each form of the report has the words of the caller for what can
// be done, or else words without flags.
func TestHintsAreTheCallers(t *testing.T) {
	dir := golden.Dir(t, "origin_results")
	for want, n := range map[string]Naming{
		"set the same batch limit on all servers": {},
		"limit them alike":                        {Hints: map[string]string{"batch_limit": "limit them alike"}},
	} {
		groups := Groups(stored(t, filepath.Join(dir, "pytorch_hf"), filepath.Join(dir, "trt_engine")), n)
		for name, write := range map[string]func(w io.Writer) error{
			"text":     func(w io.Writer) error { groups[0].WriteText(w, false); return nil },
			"Markdown": func(w io.Writer) error { return Markdown(w, groups) },
			"HTML":     func(w io.Writer) error { return HTML(w, groups) },
			"JSON":     func(w io.Writer) error { return JSON(w, groups) },
		} {
			var out bytes.Buffer
			if err := write(&out); err != nil || !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q: %v", name, want, err)
			}
		}
	}
	for _, c := range judge.Causes {
		if _, ok := hints[c.Hint]; c.Hint != "" && !ok {
			t.Errorf("the hint %s of %s has no words", c.Hint, c.Code)
		}
		if c.Short == "" {
			t.Errorf("%s has no short words", c.Code)
		}
	}
}

// TestGoldenReports compares the report of the origin's results with the files of
// testdata; -update writes them.
func TestGoldenReports(t *testing.T) {
	groups := origins(t)
	for name, write := range map[string]func(w io.Writer) error{
		"origin.md":   func(w io.Writer) error { return Markdown(w, groups) },
		"origin.html": func(w io.Writer) error { return HTML(w, groups) },
		"origin.svg":  groups[0].WriteSVG,
		"origin.csv":  func(w io.Writer) error { return CSV(w, groups) },
		"origin.txt":  func(w io.Writer) error { groups[0].WriteText(w, false); return nil },
	} {
		var got bytes.Buffer
		if err := write(&got); err != nil {
			t.Fatal(name, err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o777), os.WriteFile(path, got.Bytes(), 0o666)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// made is a result file's text.
func made(concurrency int, more string) string {
	return fmt.Sprintf(`{"model_id": "m", "num_prompts": 40, "completed": 40, "duration": 2.0, "total_input_tokens": 400, "total_output_tokens": 400, "output_throughput": 200.0,
		"mean_ttft_ms": 50.0, "std_ttft_ms": 5.0, "mean_e2el_ms": 100.0, "std_e2el_ms": 10.0, "request_rate": "inf", "max_concurrency": %d%s}`, concurrency, more)
}

// written writes result files beneath a directory, and reads them.
func writtenResults(t *testing.T, files map[string]string) (all []*Stored) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text, path := files[name], filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
		s, err := ReadStored(path)
		if err != nil {
			t.Fatal(name, err)
		}
		all = append(all, s)
	}
	return all
}

// TestOddResultsAreReported: whatever is compared, every form of the report is well
// formed, and nobody's label is markup.
func TestOddResultsAreReported(t *testing.T) {
	if testing.Short() {
		t.Skip("a long computation of one goroutine")
	}
	many := map[string]string{}
	for variant := range 20 {
		for load := range 10 {
			many[fmt.Sprintf("side%d/%d.json", variant, load)] = made(load+1, "")
		}
	}
	loads := map[string]string{}
	for load := range 200 {
		loads[fmt.Sprintf("a/%d.json", load)] = made(load+1, "")
		loads[fmt.Sprintf("b/%d.json", load)] = made(load+1, "")
	}
	for name, files := range map[string]map[string]string{
		"one file":       {"a/x.json": made(4, "")},
		"two files":      {"x.json": made(4, ""), "y.json": made(4, "")},
		"two levels":     {"a/x.json": made(4, ""), "b/y.json": made(8, "")},
		"missing levels": {"a/1.json": made(1, ""), "a/2.json": made(2, ""), "b/2.json": made(2, "")},
		"markup":         {"<b>&|*[x](y)/1.json": made(1, ""), "\"><script>alert(1)</script>/1.json": made(1, "")},
		"foreign text": {"a/1.json": strings.Replace(made(1, `, "loadgen": {"verdict": "<img src=x onerror=alert(1)>", "findings": [{"code": "<script>", "text": "</style><script>alert(1)</script>"}]}`), `"m"`, `"\u003c/title>\u003cscript>alert(1)\u003c/script>"`, 1),
			"b/1.json": strings.Replace(made(1, ""), `"m"`, `"\"onload=\"alert(1)"`, 1)},
		"nothing sent": {"a/1.json": `{"num_prompts": 0, "completed": 0, "duration": 0.0, "max_concurrency": 1}`, "b/1.json": `{"num_prompts": 0, "completed": 0, "duration": 0.0, "max_concurrency": 1}`},
		"zeros":        {"a/1.json": made(1, ""), "b/1.json": strings.NewReplacer("50.0", "0.0", "5.0", "0.0", "200.0", "0.0").Replace(made(1, ""))},
		"NaN":          {"a/1.json": made(1, ""), "b/1.json": strings.Replace(made(1, ""), "50.0", "NaN", 1)},
		"old layout":   {"a/concurrency_3.json": `{"completed": 3, "duration": 1.5, "mean_ttft_ms": 3.5}`, "b/concurrency_3.json": `{"completed": 3, "duration": 1.5, "mean_ttft_ms": 4.5}`},
		"detailed":     {"a/1.json": made(1, `, "ttfts": [0.1, 0.2, 0.3, 0.2, 0.1], "itls": [[0.1], [0.1], [0.2], [], [0.1]], "output_lens": [2, 2, 2, 1, 2]`), "b/1.json": made(1, "")},
		"repeats":      {"a/1.json": made(1, ""), "a/1_repeat_2.json": made(1, ""), "b/1.json": made(1, ""), "b/1_repeat_2.json": made(1, "")},
		"20 sides":     many,
		"200 levels":   loads,
	} {
		t.Run(name, func(t *testing.T) {
			groups := Groups(writtenResults(t, files), Naming{})
			if len(groups) == 0 {
				t.Fatal("no groups")
			}
			dir := t.TempDir()
			names, err := WriteDirectory(dir, dir, groups)
			want := 3*len(groups) + 3
			if name == "one file" { // has no chart
				want -= 2
			}
			if err != nil || len(names) != want {
				t.Fatal(names, err)
			}
			for _, g := range groups {
				g.WriteText(io.Discard, false)
			}
			checkReport(t, dir)
		})
	}
}

// checkInert: a report runs nothing and loads nothing, whatever is in the results.
func checkInert(t *testing.T, name string, element xml.StartElement) {
	t.Helper()
	switch strings.ToLower(element.Name.Local) {
	case "script":
		if !strings.HasSuffix(name, ".html") {
			t.Errorf("%s has a script", name)
		}
	case "img", "image", "iframe", "object", "embed", "link", "form", "base", "foreignobject":
		t.Errorf("%s has an element <%s>", name, element.Name.Local)
	}
	for _, a := range element.Attr {
		if key := strings.ToLower(a.Name.Local); strings.HasPrefix(key, "on") || key == "src" || key == "href" && !strings.HasPrefix(a.Value, "#") {
			t.Errorf("%s has an attribute %s=%q", name, a.Name.Local, a.Value)
		}
	}
}

// checkPolicy: the page loads nothing, and its policy allows the one style sheet and the one
// script that are in it, by their digests, and nothing else.
func checkPolicy(t *testing.T, page string) {
	t.Helper()
	digest := func(element string) string {
		_, text, found := strings.Cut(page, "<"+element+">")
		text, _, ended := strings.Cut(text, "</"+element+">")
		if !found || !ended || strings.Count(page, "<"+element) != 1 {
			t.Errorf("%d elements <%s>, want 1", strings.Count(page, "<"+element), element)
		}
		sum := sha256.Sum256([]byte(text))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	want := fmt.Sprintf(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'">`, digest("style"), digest("script"))
	if !strings.Contains(html.UnescapeString(page), want) {
		t.Errorf("the page has another policy than %s", want)
	}
	if strings.Contains(page, " style=") {
		t.Error("the policy forbids attributes with styles")
	}
}

func checkReport(t *testing.T, dir string) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, odd := range []string{"NaN", "Inf", "%!", "<script>alert", "<b>&"} {
			if markup := strings.HasPrefix(odd, "<"); markup && (filepath.Ext(name) == ".json" || filepath.Ext(name) == ".txt") {
				continue
			}
			if bytes.Contains(text, []byte(odd)) {
				t.Errorf("%s holds %q", name, odd)
			}
		}
		return string(text)
	}
	if !json.Valid([]byte(read(ComparisonName))) {
		t.Error("the comparison is no JSON")
	}
	checkPolicy(t, read("report.html"))
	read("report.md")
	read("benchmark_summary.txt")
	documents := []string{"report.html", "benchmark_comparison.svg"}
	if _, err := os.Stat(filepath.Join(dir, "benchmark_comparison.png")); err != nil {
		documents = documents[:1]
	}
	for _, name := range documents {
		in := xml.NewDecoder(strings.NewReader(read(name)))
		in.Strict = strings.HasSuffix(name, ".svg")
		in.AutoClose, in.Entity = xml.HTMLAutoClose, xml.HTMLEntity
		for {
			token, err := in.Token()
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(name, err)
			}
			if element, ok := token.(xml.StartElement); ok {
				checkInert(t, name, element)
			}
		}
	}
	if len(documents) == 1 {
		return
	}
	f, err := os.Open(filepath.Join(dir, "benchmark_comparison.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c, err := png.DecodeConfig(f); err != nil || c.Width != 2160 || c.Height != 1440 {
		t.Errorf("%+v %v", c, err)
	}
}

func TestVariants(t *testing.T) {
	labels := func(groups []*Group) (out []string) {
		for _, g := range groups {
			out = append(out, strings.Join(g.judged.Labels, "|")+" at "+strings.Join(g.Loads, ","))
		}
		return out
	}
	dir := golden.Dir(t, "origin_results")
	all := stored(t, filepath.Join(dir, "1_vllm"), filepath.Join(dir, "3_trtllm_pytorch"), filepath.Join(dir, "4_trtllm_engine"), filepath.Join(dir, "pytorch_hf"), filepath.Join(dir, "trt_engine"))
	for _, c := range []struct {
		files []*Stored
		n     Naming
		want  []string
	}{
		{all, Naming{}, []string{"PyTorch (HF)|TensorRT Engine at 16,64,128", "vLLM|TensorRT-LLM PyTorch|TensorRT-LLM Engine at 1,4,8"}},
		{all[9:], Naming{Order: []string{"trt_engine"}}, []string{"TensorRT Engine|PyTorch (HF) at 16,64,128"}},
		{writtenResults(t, map[string]string{"x.json": made(4, ""), "y.json": made(4, "")}), Naming{Order: []string{"y"}, Labels: map[string]string{"x": "X"}}, []string{"y|X at 4"}},
		{writtenResults(t, map[string]string{"a/x.json": made(4, ""), "b/y.json": made(8, "")}), Naming{Order: []string{"a"}}, []string{"a|b at 4/8"}},
		{writtenResults(t, map[string]string{"s/1.json": made(4, ""), "s/2.json": made(8, "")}), Naming{}, []string{"s at 4,8"}},
		{writtenResults(t, map[string]string{"a/r/1.json": made(4, ""), "b/r/1.json": made(4, "")}), Naming{Order: []string{"b/r"}}, []string{"b/r|a/r at 4"}},
	} {
		if got := labels(Groups(c.files, c.n)); cmp.Diff(c.want, got) != "" {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestGates(t *testing.T) {
	g := origins(t)[0]
	for text, missed := range map[string]int{
		"mean_tpot_ms<=+2%": 3, "mean_tpot_ms<=20": 0, "mean_tpot_ms<=9": 2, "mean_ttft_ms<=+900%": 3, "mean_ttft_ms<=100000": 3,
		"output_throughput>=-99%": 3, "p99_tpot_ms<=+900%": 3, "median_itl_ms<=+2000%": 3, "median_itl_ms<=2000": 2, "total_token_throughput>=1": 3,
	} {
		gate, err := ParseGate(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Missed([]Gate{gate}); len(got) != missed {
			t.Errorf("%s: %d missed, want %d: %q", text, len(got), missed, got)
		}
	}
	alike := Groups(writtenResults(t, map[string]string{"a/1.json": made(4, `, "mean_e2el_ms": 200.0`), "b/1.json": made(4, `, "mean_ttft_ms": 51.0, "mean_e2el_ms": 200.0`)}), Naming{})[0]
	for text, missed := range map[string]int{"mean_ttft_ms<=+3%": 0, "mean_ttft_ms<=+1%": 1, "mean_e2el_ms<=+0%": 0, "mean_ttft_ms<=50.5": 1} {
		gate, err := ParseGate(text)
		if got := alike.Missed([]Gate{gate}); err != nil || len(got) != missed {
			t.Errorf("servers alike, %s: %d missed, want %d: %q %v", text, len(got), missed, got, err)
		}
	}
	alone := Groups(stored(t, filepath.Join(golden.Dir(t, "origin_results"), "trt_engine")), Naming{})[0]
	for text, missed := range map[string]int{"mean_ttft_ms<=100000": 3, "mean_tpot_ms<=100000": 0, "mean_ttft_ms<=+9%": 3} {
		gate, err := ParseGate(text)
		if got := alone.Missed([]Gate{gate}); err != nil || len(got) != missed {
			t.Errorf("one side, %s: %d missed, want %d: %q %v", text, len(got), missed, got, err)
		}
	}
	for _, text := range []string{"", "mean_ttft_ms", "mean_ttft_ms<5", "mean_ttft_ms<=x", "mean_ttft_ms<=1e999", "mean_frob_ms<=1", "<=1", "mean_ttft_ms<=1.2.3", "p100_ttft_ms<=1", "p95_frob_ms<=1"} {
		if g, err := ParseGate(text); err == nil {
			t.Errorf("%q is read as %+v", text, g)
		}
	}
}

func TestIntervalsFromDetails(t *testing.T) {
	text := func(base float64) string {
		var ttfts, itls, lens []string
		for i := range 200 {
			ttfts = append(ttfts, fmt.Sprint(base*(1+0.1*math.Sin(float64(i*i)))))
			itls, lens = append(itls, "[0.5, 0.5]"), append(lens, "3")
		}
		return fmt.Sprintf(`{"num_prompts": 200, "completed": 200, "duration": 2.0, "total_input_tokens": 400, "total_output_tokens": 600, "max_concurrency": 8, "ttfts": [%s], "itls": [%s], "output_lens": [%s]}`,
			strings.Join(ttfts, ","), strings.Join(itls, ","), strings.Join(lens, ","))
	}
	g := Groups(writtenResults(t, map[string]string{"a/x.json": text(0.1), "b/x.json": text(0.2)}), Naming{})[0]
	r := g.row(0, 1, judge.Quantity{Metric: "ttft", Statistic: judge.MedianOf})
	if r == nil || r.Interval == nil || r.Method != judge.FromBlocks || !(math.Abs(r.Ratio-2) <= 1e-9) || !(r.RatioLow < 2 && 2 < r.RatioHigh) || !r.Significant {
		t.Errorf("%+v", r)
	}
}
