package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// statsOf is a distribution as a result has it.
func statsOf(median, high float64) string {
	return fmt.Sprintf(`{"mean": 1, "median": %g, "p99": %g}`, median, high)
}

// ofParts are parts of a run: two stages, of which nothing of the second was measured, two servers, probes,
// cancelled requests and a rank.
var ofParts = `, "loadgen": {"schema": 1, "version": "1", "verdict": "clean",
	"stages": [{"rate": null, "concurrency": 4, "from_s": 0, "to_s": 9, "measured_from_s": 1.5, "requests": 9, "cancelled": 2, "completed": 6, "sent_per_s": 2, "mean_concurrency": 3.5, "output_throughput": 60,
		"ttft_ms": ` + statsOf(10, 11) + `, "itl_ms": ` + statsOf(2, 3) + `, "e2el_ms": ` + statsOf(90, 95) + `, "verdict": "degraded", "reasons": [{"what": "ttft", "text": "it <was> late"}]},
		{"rate": 2.5, "concurrency": null, "from_s": 9, "to_s": 10, "measured_from_s": 10, "requests": 0, "completed": 0, "verdict": "clean"}],
	"servers": [{"url": "http://a:1", "requests": 8, "completed": 4, "failed": 1, "cancelled": 3, "mean_concurrency": 2, "output_throughput": 40, "ttft_ms": ` + statsOf(12, 13) + `, "e2el_ms": ` + statsOf(91, 92) + `},
		{"url": "http://b:1", "requests": 2, "completed": 2, "failed": 0, "mean_concurrency": 1.5, "output_throughput": 20}],
	"probes": {"rate": 4, "input_len": 16, "output_len": 8, "sent": 9, "completed": 8, "failed": 1, "ttft_ms": ` + statsOf(14, 15) + `, "e2el_ms": ` + statsOf(20, 21) + `, "verdict": "clean"},
	"cancellation": {"share": 0.1, "after_tokens": 16, "after_ms": null, "chosen": 3, "cancelled": 2, "completed": 1, "failed": 0, "ttft_ms": ` + statsOf(16, 17) + `, "ended_ms": ` + statsOf(30, 31) + `},
	"ranks": [{"rank": {"rank": 0, "size": 2, "host": "h0"}, "planned": 4, "sent": 3, "completed": 3, "output_throughput": 30, "latency_ms": {"ttft": {"mean": 18, "p99": 19}, "e2el": {"mean": 80, "p99": 81}}, "schedule_lateness_ms": {"p99": 0.25}, "verdict": "clean"}]}`

// TestParts: reports have a table for each kind of part that a run has, and none for others.
func TestParts(t *testing.T) {
	groups := Groups(writtenResults(t, map[string]string{"a/one.json": made(4, ofParts)}), Naming{})
	var page, markdown, text bytes.Buffer
	if err := HTML(&page, groups); err != nil {
		t.Fatal(err)
	}
	if err := Markdown(&markdown, groups); err != nil {
		t.Fatal(err)
	}
	WriteText(&text, groups[0].Variants[0].Runs, groups, false)
	for _, want := range []string{
		"\n## Stages\n\n| stage | load | time (s) |", "| TTFT p50 | TTFT p99 |",
		"| stage 1 | 4 at a time | 1.5 to 9 | 6 of 7 (2 cancelled) | 2.00 | 60.00 | 3.50 | 10.00 | 11.00 | 2.00 | 3.00 | 90.00 | 95.00 | degraded |\n",
		"| stage 2 | 2.5 requests/s | 10 to 10 | 0 of 0 | 0.00 | 0.00 | 0.00 | n/a | n/a | n/a | n/a | n/a | n/a | not measured |\n\n* Stage 1: it &lt;was&gt; late\n",
		"\n## Servers\n\n", "| http://a:1 | 4 of 5 (3 cancelled) | 1 | 40.00 | 2.00 | 12.00 | 13.00 | n/a | n/a | 91.00 | 92.00 |\n| http://b:1 | 2 of 2 | 0 | 20.00 | 1.50 | n/a |",
		"\n## Probes\n\n", "| all probes | 4 | 16 in, 8 out | 8 of 9 | 1 | 14.00 | 15.00 | n/a | n/a | 20.00 | 21.00 | clean |\n",
		"\n## Cancelled requests\n\n", "| after 16 tokens | 10 % | 3 | 2 | 1 | 0 | 16.00 | 17.00 | 30.00 | 31.00 |\n",
		"\n## Ranks\n\n", "| rank 0 | h0 | 3 of 4 | 30.00 | 18.00 | 19.00 | n/a | n/a | 80.00 | 81.00 | 0.25 | clean (PARTIAL: 3 sent) |\n",
	} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("Markdown has no %q:\n%s", want, markdown.String())
		}
	}
	for _, want := range []string{
		`<h2>Stages</h2>`, `aria-label="Stages"`, `<th scope="row">stage 2</th><td>2.5 requests/s</td>`, `<li><strong>Stage 1:</strong> it &lt;was&gt; late</li>`,
		`<h2>Servers</h2>`, `<h2>Probes</h2>`, `<h2>Cancelled requests</h2>`, `<h2>Ranks</h2>`, `<th scope="row">rank 0</th><td>h0</td>`,
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if want := "cancelled after 16 tokens: 2 of 3 chosen (10 %), 1 complete before, 0 failed, TTFT 16 (median ms)\n"; !strings.Contains(text.String(), want) {
		t.Errorf("the text has no %q:\n%s", want, text.String())
	}
	for _, x := range groups[0].sections() {
		for _, row := range x.rows {
			if len(row) != len(x.head) {
				t.Errorf("%s has %d columns, and a row of %d", x.name, len(x.head), len(row))
			}
		}
	}
	if none := Groups(writtenResults(t, map[string]string{"a/one.json": made(4, limited)}), Naming{}); none[0].sections() != nil {
		t.Errorf("parts of a run that has none: %+v", none[0].sections())
	}
}

// TestPartsOfSeveralRuns: where there are several runs, each row says which it is of, and a long
// table is not shown unasked.
func TestPartsOfSeveralRuns(t *testing.T) {
	files := map[string]string{"b/concurrency_4.json": made(4, limited)}
	for i := range 12 {
		files[fmt.Sprintf("a/concurrency_%d_repeat_%d.json", 4+i/6, i%6+1)] = made(4+i/6, ofParts)
	}
	groups := Groups(writtenResults(t, files), Naming{})
	all := groups[0].sections()
	if len(all) != 5 || len(all[0].rows) != 24 || all[0].rows[2][0] != "a, concurrency 4, run 2, stage 1" || all[2].rows[0][0] != "a, concurrency 4, run 1" || all[0].why[0].Where != "a, concurrency 4, run 1, stage 1" {
		t.Errorf("%+v", all)
	}
	var page bytes.Buffer
	if err := HTML(&page, groups); err != nil || !strings.Contains(page.String(), "<details><summary>24 rows</summary>") || strings.Contains(page.String(), "<summary>12 rows") {
		t.Error("the page shows 24 rows, or hides 12")
	}
}
