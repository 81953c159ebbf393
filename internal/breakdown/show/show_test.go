package show

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"loadgen/internal/result"
)

func section() *result.TimeBreakdown {
	v := func(x float64) *float64 { return &x }
	return &result.TimeBreakdown{Source: "/perf_metrics", Records: 2, Requests: 2, ByID: 1, Unjoined: 1, TTFTBound: 0.05, P99Request: 4, P99TTFT: 30,
		Index: []int{3, 4}, TTFT: []float64{20, 30},
		Spans: []result.TimeSpan{
			{Key: "client_send", Label: "client send", Requests: 2, Mean: 1, Median: 1, P75: 1, P99: 1, OfP99: v(1), Each: []*float64{v(1), v(1)}},
			{Key: "ctx_queue", Label: "queue", Requests: 1, Mean: 19, Median: 19, P75: 19, P99: 19, Each: []*float64{v(19), nil}},
			{Key: "unknown", Label: "unknown", Requests: 1, Mean: 29, Median: 29, P75: 29, P99: 29, OfP99: v(29), Each: []*float64{nil, v(29)}},
		},
		Original: []result.OriginalSpan{{Name: "ctx_queue", Records: 1, Mean: 19.00004, Median: 19, P75: 19.5, P99: 20}},
	}
}

func TestLines(t *testing.T) {
	var out strings.Builder
	Lines(&out, section())
	want := "Time Breakdown ctx_queue mean (ms): 19.0000\nTime Breakdown ctx_queue median (ms): 19.0000\nTime Breakdown ctx_queue p75 (ms): 19.5000\nTime Breakdown ctx_queue p99 (ms): 20.0000\n"
	if out.String() != want {
		t.Error(out.String())
	}
}

func TestText(t *testing.T) {
	var out strings.Builder
	Text(&out, "> ", section())
	want := `> where TTFT went (1 requests joined by id, 1 requests without a record, so unknown; request 4 has the p99 TTFT, 30.00 ms):
>   ms                             mean     median        p99    request 4
>   client send                    1.00       1.00       1.00         1.00
>   queue (of 1)                  19.00      19.00      19.00      unknown
>   unknown (of 1)                29.00      29.00      29.00        29.00
>   the spans of a request add up to its TTFT within 0.05 ms; network is what remains of it, there and back
`
	if out.String() != want {
		t.Error(out.String())
	}
}

// TestTables: requests that were cancelled are not among those that should be done, and have a
// column where there are any.
func TestTables(t *testing.T) {
	stages := []result.Stage{{Concurrency: new(4), To: 2, Requests: 5, Completed: 4, Verdict: "clean"}, {Concurrency: new(8), MeasuredFrom: 2, To: 4, Requests: 7, Completed: 7, Verdict: "clean"}}
	servers := []result.SpreadServer{{URL: "http://a", Requests: 3, Completed: 2, Failed: 1}}
	var out strings.Builder
	show := func() string {
		out.Reset()
		Stages(&out, "> ", stages)
		Servers(&out, "> ", servers)
		return out.String()
	}
	want := `>   stage  load  seconds  done  req/s  tok/s  TTFT  ITL  E2EL  verdict
>       1     4      0-2   4/5      0      0     -    -     -    clean
>       2     8      2-4   7/7      0      0     -    -     -    clean
> server    done  at a time  tok/s  TTFT  ITL  E2EL
> http://a  2/3   0          0      -     -    -
`
	if got := show(); got != want {
		t.Error(got)
	}
	stages[0].Cancelled, servers[0].Requests, servers[0].Cancelled = 1, 5, 2
	want = `>   stage  load  seconds  done  cancelled  req/s  tok/s  TTFT  ITL  E2EL  verdict
>       1     4      0-2   4/4          1      0      0     -    -     -    clean
>       2     8      2-4   7/7          0      0      0     -    -     -    clean
> server    done  cancelled  at a time  tok/s  TTFT  ITL  E2EL
> http://a  2/3   2          0          0      -     -    -
`
	if got := show(); got != want {
		t.Error(got)
	}
}

// TestHTML: the page loads nothing, runs only its own script, and shows foreign text as text.
func TestHTML(t *testing.T) {
	s := section()
	s.Source = `</script><script>alert(1)</script>`
	s.Spans[0].Label = `<img src=x onerror=alert(1)>`
	var out bytes.Buffer
	if err := HTML(&out, `<b>"title"`, s); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	scripts := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(text, -1)
	if len(scripts) != 1 {
		t.Fatalf("%d scripts", len(scripts))
	}
	sum := sha256.Sum256([]byte(scripts[0][1]))
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(text)
	if policy == nil || !strings.Contains(strings.ReplaceAll(policy[1], "&#43;", "+"), "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || !strings.HasPrefix(policy[1], "default-src 'none'") {
		t.Errorf("policy %v, hash %s", policy, base64.StdEncoding.EncodeToString(sum[:]))
	}
	_, style, _ := strings.Cut(text, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	if sum := sha256.Sum256([]byte(style)); policy == nil || !strings.Contains(strings.ReplaceAll(policy[1], "&#43;", "+"), "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(text, " style=") {
		t.Errorf("policy %v does not allow the style sheet, or there are styles beyond it", policy)
	}
	for _, bad := range []string{"<img", "<b>", "alert(1)</script>", "http://", "https://", " src=\"", "@import", "url(", "%!"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	inner := regexp.MustCompile(`(?s)id="data">(.*?)</script>`).FindStringSubmatch(text)
	var d data
	if inner == nil || json.Unmarshal([]byte(inner[1]), &d) != nil {
		t.Fatalf("data %v", inner)
	}
	// The longest TTFT comes first; what is unknown is null.
	if d.Index[0] != 4 || d.TTFT[1] != 20 || d.Each[1][0] != nil || *d.Each[1][1] != 19 || d.Colours[2] != colours["unknown"] {
		t.Errorf("%+v", d)
	}
	if !strings.Contains(text, "<td>29.000</td><td>29.000</td></tr>") || !strings.Contains(text, "<td>19.000</td><td>unknown</td></tr>") {
		t.Error("the spans of the p99's request are not in the table")
	}
	if strings.Count(text, "<rect x=") != 5 { // mean: three spans; the p99's request: two
		t.Errorf("%d bars", strings.Count(text, "<rect x="))
	}
}

// TestForeignLabels: a file from elsewhere commands no terminal.
func TestForeignLabels(t *testing.T) {
	s := section()
	s.Spans[0].Label = "\x1b[31mred\nloadgen: verdict clean"
	var out strings.Builder
	Text(&out, "", s)
	if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "\nloadgen: ") {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	if err := HTML(&out, "\u202etitle", s); err != nil || strings.ContainsAny(out.String(), "\x1b\u202e") {
		t.Errorf("%v %q", err, out.String())
	}
}
