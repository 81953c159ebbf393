package result

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

// FuzzParse: whatever a file holds, it is refused or read; what is read is written, and
// written the same again once it was read again.
func FuzzParse(f *testing.F) {
	n := 0
	for _, text := range goldenTexts(f) {
		if n++; n%20 == 1 {
			f.Add([]byte(text))
		}
	}
	for _, layout := range []Layout{Latest, Release12} {
		f.Add(filled(layout).Append(nil))
	}
	for _, text := range []string{
		"\xef\xbb\xbf{\"completed\": 1, \"duration\": NaN, \"max_concurrency\": null, \"loadgen\": null}",
		`{"completed": 1, "duration": 1, "ttfts": [-1, 0.5, null], "itls": [[], [1], [0.5]], "p99.0_ttft_ms": 1, "p99_ttft_ms": 2, "min_itl_ms": -Infinity}`,
		`{"completed": 99999999999999999999, "duration": 1e999, "duration": 2, "x": {"y": [1, 1.0, "\ud800", [true]]}, "avg_decoded_tokens_per_iter": 1, "energy": {"total_energy_j": 5}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse(text)
		if err != nil {
			return
		}
		first := file.Append(nil)
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("%v: %s", err, first)
		}
		if second := again.Append(nil); string(second) != string(first) {
			t.Errorf("written\n%s\nread and written\n%s", first, second)
		}
	})
}

// FuzzParseAll: files of other clients are refused or read, and no count or time in what
// was read is negative or infinite that the file does not have so.
func FuzzParseAll(f *testing.F) {
	names, err := filepath.Glob("../../testdata/foreign/*.json*")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, text := range []string{"", "[]", "{}", "[[{\"completed\":1,\"duration\":1}],{}]", "{\"benchmarks\":[]}", "{\"benchmarks\":[{\"metrics\":{}}]}",
		"\xff\xfe{\x00}\x00", "{\"request_latency\":{\"unit\":\"ms\",\"avg\":NaN,\"count\":-5}}", "{\"request_count\":{\"unit\":\"\",\"avg\":1e300},\"error_summary\":[{\"count\":\"x\"}]}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		files, err := ParseAll(text)
		if len(files) == 0 && err == nil {
			t.Error("neither a result nor an error")
		}
		for _, file := range files {
			if file.Program == "" {
				continue
			}
			for _, n := range []*int{file.Completed, file.NumPrompts, file.TotalInputTokens, file.TotalOutputTokens, file.MaxConcurrency} {
				if n != nil && *n < 0 {
					t.Errorf("%d", *n)
				}
			}
			for i := range MetricNames {
				if d := *file.Latency.At(i); d != nil && (math.IsNaN(*d.Mean) || math.IsInf(*d.Mean, 0)) {
					t.Errorf("%s: %v", MetricNames[i], *d.Mean)
				}
			}
		}
	})
}
