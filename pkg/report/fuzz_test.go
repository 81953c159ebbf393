package report

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"loadgen/internal/golden"
	"loadgen/internal/plain"
)

// FuzzStored: whatever a file holds, it is refused or shown, alone and compared.
func FuzzStored(f *testing.F) {
	for _, name := range golden.Files(f, "origin_results/pytorch_hf", "*.json") {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"num_prompts": 3, "completed": 2, "duration": 2.0, "max_concurrency": 2, "mean_ttft_ms": NaN, "ttfts": [0.1, 0.0, 0.3],
		"itls": [[0.01, 0.03], [], [0.02, 0.02]], "output_lens": [3, 0, 3], "input_lens": [1, 2, 3], "errors": ["", "x", ""], "e2els": [1, -2, 3e300],
		"model_id": "\u001b[31m\u202e\u009b<script>",
		"loadgen": {"schema": 1, "verdict": "clean", "findings": [{"code": "coalesced", "text": "x"}], "effective": {"seed": 1}}}`))
	f.Add([]byte(`{"num_prompts": 640, "completed": 640, "duration": 20.2, "max_concurrency": 128, "mean_e2el_ms": 3900.5, "std_e2el_ms": 1e307,
		"total_input_tokens": 327680, "total_output_tokens": 81920, "output_throughput": 4055.4, "request_throughput": 31.7}`)) // differences that no JSON has a number for
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := ParseStored("a/concurrency_16.json", text)
		if err != nil {
			return
		}
		b, _ := ParseStored("b/concurrency_16.json", text)
		a.WriteText(io.Discard)
		groups := Groups([]*Stored{a, b}, Naming{})
		var line bytes.Buffer
		if err := Lines(&line, []*Stored{a}, groups); err != nil || !json.Valid(line.Bytes()) {
			t.Errorf("no JSON: %v %s", err, line.Bytes())
		}
		for _, g := range groups {
			g.WriteText(io.Discard, true)
			g.Summary(io.Discard)
			if err := g.WriteSVG(io.Discard); err != nil {
				t.Error(err)
			}
		}
		for i, write := range []func(io.Writer, []*Group) error{Markdown, HTML, CSV} {
			var out strings.Builder
			if err := write(&out, groups); err != nil {
				t.Error(err)
			}
			if shown := out.String(); i < 2 && plain.Text(shown) != shown {
				t.Errorf("what terminals obey is in a report: %q", shown)
			}
		}
		var lines bytes.Buffer
		if err := JSON(&lines, groups); err != nil || !json.Valid(lines.Bytes()) {
			t.Errorf("no JSON: %v %s", err, lines.Bytes())
		}
		_ = Percentiles(io.Discard, []*Stored{a})
	})
}
