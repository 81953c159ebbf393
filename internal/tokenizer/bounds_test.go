package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSmallFilesMakeNoEndlessTexts: steps that make a text longer and longer, and tokens that
// are longer than any text, are errors of the file.
func TestSmallFilesMakeNoEndlessTexts(t *testing.T) {
	const model = `"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}`
	replace := func(what string, n int) string {
		return fmt.Sprintf(`{"type": "Sequence", %q: [%s]}`, what, strings.TrimSuffix(strings.Repeat(`{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"},`, n), ","))
	}
	long, _ := json.Marshal(strings.Repeat("a", maxToken+1)) // a string always has JSON
	for text, want := range map[string]string{
		`{` + model + `}`: "",
		`{` + model + `, "normalizer": ` + replace("normalizers", 9) + `}`:                                                        "",
		`{` + model + `, "normalizer": ` + replace("normalizers", 40) + `}`:                                                       "normalizer and pre-tokenizer make a text up to 1.1e+12 times as long",
		`{` + model + `, "decoder": ` + replace("decoders", 9) + `}`:                                                              "",
		`{` + model + `, "decoder": ` + replace("decoders", 40) + `}`:                                                             "decoder makes a text up to 1.1e+12 times as long",
		`{` + model + `, "normalizer": {"type": "Replace", "pattern": {"Regex": "a*"}, "content": ` + string(long) + `}}`:         "times as long",
		`{` + model + `, "pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "never", "replacement": ` + string(long) + `}}`: "times as long",
		`{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", -1], [` + string(long) + `, -2]]}}`:                           "the token 1 is 16385 bytes long",
		`{"model": {"type": "BPE", "vocab": {"a": 0, ` + string(long) + `: 1}, "merges": []}}`:                                    "the token 1 is 16385 bytes long",
		`{` + model + `, "added_tokens": [{"id": 1, "content": ` + string(long) + `}]}`:                                           "the token 1 is 16385 bytes long",
	} {
		path := filepath.Join(t.TempDir(), "tokenizer.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := loadFile(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), path)) {
			t.Errorf("%.200s: %v", text, err)
		}
	}
	texts := append([]byte("\x04\x00\x00\x00\x00\x00\x00\x00short\x00"), strings.Repeat("a", maxGrowth+1)...)
	if _, err := newCharsmap(texts); err == nil || !strings.Contains(err.Error(), "a text of 1001 bytes") {
		t.Errorf("%v", err)
	}
}
