package result

import "testing"

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
