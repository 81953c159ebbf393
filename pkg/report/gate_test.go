package report

import (
	"bytes"
	"strings"
	"testing"
)

// TestGatesOfAnyMetric: gates on percentiles that comparisons do not have, the deviation and
// the share of failures, and where the report has their outcome.
func TestGatesOfAnyMetric(t *testing.T) {
	var gates []Gate
	for _, text := range []string{"p50_ttft_ms<=50", "std_ttft_ms<=0.5", "failure_share<=0.1", "failure_share<=0.5", "p75_ttft_ms<=+5%"} {
		g, err := ParseGate(text)
		if err != nil {
			t.Fatal(err)
		}
		gates = append(gates, g)
	}
	const file = `{"num_prompts": 40, "completed": 40, "duration": 2.0, "total_input_tokens": 400, "total_output_tokens": 600, "max_concurrency": 8, "p50_ttft_ms": 40.0, "p75_ttft_ms": 45.0, "std_ttft_ms": `
	files := writtenResults(t, map[string]string{"a/1.json": file + `0.25}`, "b/1.json": file + `0.75}`})
	g := Groups(files, Naming{Gates: gates})[0]
	missed := g.Missed(gates)
	if len(missed) != 1 || missed[0] != "std_ttft_ms<=0.5: b at 8: 0.75, the bound is 0.5" {
		t.Errorf("%q", missed)
	}
	failing := writtenResults(t, map[string]string{"a/1.json": strings.Replace(file, `"completed": 40`, `"completed": 30`, 1) + `0.25}`})
	missed = Groups(failing, Naming{})[0].Missed(gates[2:4])
	if len(missed) != 1 || !strings.HasPrefix(missed[0], "failure_share<=0.1: ") || !strings.HasSuffix(missed[0], ": 0.25, the bound is 0.1") {
		t.Errorf("%q", missed)
	}
	if n := gates[0].Requests(); n != 10 {
		t.Errorf("p50 needs %d requests", n)
	}
	for text, want := range map[string]float64{"failure_share<=1%": 0.01, "failure_share<=0.01": 0.01} {
		if g, err := ParseGate(text); err != nil || g.Relative || g.limit != want {
			t.Errorf("%s: %+v, %v; want %v of all requests", text, g, err, want)
		}
	}
	if g, err := ParseGate("failure_share<=+1%"); err != nil || !g.Relative {
		t.Errorf("%+v, %v; want a bound relative to the baseline", g, err)
	}

	var json, markdown, page bytes.Buffer
	for _, err := range []error{JSON(&json, []*Group{g}), Markdown(&markdown, []*Group{g}), HTML(&page, []*Group{g})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for want, in := range map[string]string{
		`{"gate": "std_ttft_ms<=0.5", "side": "b", "level": "8", "value": 0.75, "bound": 0.5, "holds": false, "reason": "0.75, the bound is 0.5"}`: json.String(),
		`{"gate": "p75_ttft_ms<=+5%", "side": "b", "level": "8", "value": 45.0, "bound": 47.25, "holds": true}`:                                    json.String(),
		"| failure\\_share&lt;=0.5 | b | 8 | holds | 0 | 0.5 |":                                                                                    markdown.String(),
		"<h2>Gates</h2>": page.String(),
		"<td>MISSED: 0.75, the bound is 0.5</td>": page.String(),
	} {
		if !strings.Contains(in, want) {
			t.Errorf("no %s in %s", want, in[:min(len(in), 3000)])
		}
	}
}
