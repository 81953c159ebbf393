package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// limited is a file whose client could not keep up and some of whose requests failed.
const limited = `, "completed": 37, "errors": ["", "refused", "503 <b>", "503 <b>"], "loadgen": {"schema": 1, "version": "1", "verdict": "client-limited",
	"findings": [{"code": "batch_limited", "text": "about 3 were served at a time"}, {"code": "failures", "text": "3 failed"}], "notes": [{"code": "warm", "text": "it was warm"}],
	"failures": {"rule": "strict", "total": 3, "by_class": {"http_status": 2, "refused": 1}, "original_rule_total": 3},
	"error_budget": {"bound_ms": {"ttft": {"bound": 7.5, "count": 37}, "tpot": {"bound": 2e-5, "count": 37}, "itl": {}, "e2el": {}}, "reasons": [{"what": "ttft", "text": "TTFT is late"}]}}`

// TestAlone: of one file the report has the verdict with its bounds first, then failures and
// findings, then distributions, in every form; and no chart of a single dot.
func TestAlone(t *testing.T) {
	groups := Groups(writtenResults(t, map[string]string{"a/one.json": made(4, limited)}), Naming{})
	const answer = "37 of 40 requests completed in 2.00 s, concurrency 4, 200.00 output tokens/s, mean TTFT 50.00 ms; verdict client-limited (TTFT). Findings: batch_limited, failures. Next: give the client a core of its own; raise the server's batch limit, or ask for no more than it."
	if got := groups[0].answer(); got != answer {
		t.Errorf("the answer is %q, want %q", got, answer)
	}
	var text, page, markdown bytes.Buffer
	WriteText(&text, groups[0].Variants[0].Runs, groups, false)
	if err := HTML(&page, groups); err != nil {
		t.Fatal(err)
	}
	if err := Markdown(&markdown, groups); err != nil {
		t.Fatal(err)
	}
	inOrder := func(what, in string, want ...string) {
		t.Helper()
		rest := in
		for _, w := range want {
			_, after, found := strings.Cut(rest, w)
			if !found {
				t.Errorf("%s: no %q where it should be, in\n%s", what, w, in[:min(len(in), 3000)])
				return
			}
			rest = after
		}
	}
	inOrder("text", text.String(), answer, "verdict client-limited: measurement error at most 7.5 ms TTFT, 0.001 ms TPOT\n    - TTFT is late\n", "finding batch_limited: ", "note warm: ", "TTFT ", "\nVerdict: "+answer+"\n")
	inOrder("page", page.String(), "<h1>a/one</h1>", "verdict client-limited (TTFT)", `<div class="verdict bad">`, "<li>client-limited: measurement error at most 7.5 ms TTFT, 0.001 ms TPOT</li>\n<li>TTFT is late</li>",
		"<h2>Failures</h2>", "<li>3 of 40 requests failed: 2 http_status, 1 refused</li>\n<li>2 with &#34;503 &lt;b&gt;&#34;</li>\n<li>1 with &#34;refused&#34;</li>", "<h2>Findings</h2>", "batch_limited: about 3", "<summary>Notes</summary>", "warm: it was warm",
		"<h2>Concurrency 4</h2>", "<p>200.00 output tokens/s; 0.9 requests were decoding at a time.</p>", `<th scope="col">mean</th>`, `<th scope="row">TTFT</th><td>50.00</td>`, "No distributions: ", "<h2>Settings")
	inOrder("Markdown", markdown.String(), "**37 of 40", "**Verdict**", "client-limited: ", "**Failures**", "* 3 of 40 requests failed: 2 http\\_status, 1 refused", "**Findings**", "**Notes**", "## Concurrency 4")
	if got := page.String(); strings.Contains(got, "<svg") || strings.Contains(got, "All concurrencies") || strings.Contains(got, "failures: 3 failed") {
		t.Error("the page has a chart of one dot, or says of failures twice")
	}
	if names, err := WriteDirectory(t.TempDir(), t.TempDir(), groups); err != nil || strings.Contains(strings.Join(names, " "), "benchmark_comparison") {
		t.Error(names, err)
	}
}

// TestAloneWithoutAVerdict: what other clients' files do not state is not made up.
func TestAloneWithoutAVerdict(t *testing.T) {
	files := writtenResults(t, map[string]string{"a/1.json": made(1, ""), "a/2.json": made(2, limited)})
	if got, want := Groups(files[:1], Naming{})[0].answer(), "40 of 40 requests completed in 2.00 s, concurrency 1, 200.00 output tokens/s, mean TTFT 50.00 ms; no verdict, as benchmark_serving does not state its measurement error. No findings."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	want := "2 runs at concurrency 1, 2: 77 of 80 requests completed, 200.00 to 200.00 output tokens/s; verdicts: 1 client-limited, 1 without a verdict. Findings: batch_limited, failures. Next: "
	if got := Groups(files, Naming{})[0].answer(); !strings.HasPrefix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRates: runs at request rates are called that, wherever a load is named.
func TestRates(t *testing.T) {
	files := map[string]string{}
	for _, dir := range []string{"a", "b"} {
		files[dir+"/1.json"], files[dir+"/2.json"] = atRate(1, ""), atRate(2.5, "")
	}
	gate, err := ParseGate("mean_ttft_ms<=60")
	if err != nil {
		t.Fatal(err)
	}
	groups := Groups(writtenResults(t, files), Naming{Gates: []Gate{gate}})
	var out bytes.Buffer
	groups[0].WriteText(&out, false)
	groups[0].Summary(&out)
	for _, err := range []error{Markdown(&out, groups), HTML(&out, groups), groups[0].WriteSVG(&out)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	text := out.String()
	for _, want := range []string{"b vs a, request rate 1/s, 2.5/s\n", "\nREQUEST RATE: 2.5/s\n", "\n## Request rate 1/s\n", "<h2>All request rates</h2>", "<h2>Each request rate</h2>", "<summary>Request rate 2.5/s</summary>", "Horizontal axis: request rate.", ">request rate</text>", "| gate | server | request rate |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if at := strings.Index(strings.ToLower(text), "concurrency"); at >= 0 {
		t.Errorf("it is called concurrency: %s", text[max(0, at-100):at+100])
	}
	mixed := Groups(writtenResults(t, map[string]string{"a/1.json": atRate(1, ""), "a/2.json": made(4, "")}), Naming{})[0]
	if mixed.load != "load" || mixed.at([]int{1}) != " at 4" {
		t.Errorf("rates and concurrencies are called %q%s", mixed.load, mixed.at([]int{1}))
	}
}

// TestAt: what holds from some load on is said so.
func TestAt(t *testing.T) {
	g := &Group{load: "concurrency", Loads: []string{"16", "64", "128", "256"}}
	for want, loads := range map[string][]int{"": {0, 1, 2, 3}, " from concurrency 128 up": {2, 3}, " at concurrency 256": {3}, " at concurrency 16, 128": {0, 2}, " at concurrency 16, 256": {0, 3}} {
		if got := g.at(loads); got != want {
			t.Errorf("%v: %q, want %q", loads, got, want)
		}
	}
}

// TestDistributionsAreJudged: distributions of a metric that is not comparable are dotted, and
// distribution functions are on logarithmic axes.
func TestDistributionsAreJudged(t *testing.T) {
	g := comparedReal(t, Naming{}, at("eager_vs_graphs/eager/concurrency_%d"), at("eager_vs_graphs/graphs/concurrency_%d"))
	for load, void := range []bool{false, false, true} { // ITL at 128, by several tokens a chunk
		for _, svg := range g.distributions(load) {
			itl := strings.Contains(string(svg), `aria-label="ITL`)
			marked := strings.Contains(string(svg), "(not comparable)")
			dotted := strings.Count(string(svg), `class="line void"`)
			if want := void && itl; marked != want || want && dotted != 2 || !want && dotted != 0 {
				t.Errorf("%s: marked %v, %d lines dotted, want %v: %.200s", g.Loads[load], marked, dotted, want, svg)
			}
		}
		for _, l := range g.distributionsOf(load, 0)[1:2] {
			if !l.Step || l.XScale != 1 {
				t.Errorf("%s is not on a logarithmic axis", l.Title)
			}
		}
	}
}

// TestFailureLines: a request that loadgen ended itself, as it was to, is no failure with a message.
func TestFailureLines(t *testing.T) {
	const run = `{"num_prompts": 9, "completed": 4, "duration": 1.0, "errors": ["", "", "", "", "refused", "cancelled: after 5 tokens", "cut_at_end: the run ended"],
	"loadgen": {"schema": 1, "version": "1", "requests": {"asked": 9, "planned": 9, "sent": 7, "cancelled": 1, "cut_at_end": 1},
	"failures": {"rule": "strict", "total": 1, "by_class": {"refused": 1}, "original_rule_total": 1}}}`
	files, err := ParseAll("r.json", []byte(run))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1 of 5 requests failed: 1 refused; 2 more were not sent", `1 with "refused"`}
	if got := files[0].failureLines(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
