package result_test

import (
	"strings"
	"testing"

	"loadgen/internal/pyjson"
	"loadgen/internal/result"
	"loadgen/internal/result/resulttest"
)

// TestGoldenFilesAreValid: the original's files are of the schema.
func TestGoldenFilesAreValid(t *testing.T) {
	for name, text := range result.GoldenTexts(t) {
		if err := resulttest.Check([]byte(text)); err != nil && !result.OverwrittenNumber([]byte(text)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFilledFilesAreValid: so is a file with every field, in both layouts.
func TestFilledFilesAreValid(t *testing.T) {
	for _, layout := range []result.Layout{result.Latest, result.Release12} {
		resulttest.Validate(t, result.Filled(layout).Append(nil))
	}
}

// TestUnknownKeysAreInvalid: a key of loadgen's object that is renamed, left out or of
// another type is found, wherever it is.
func TestUnknownKeysAreInvalid(t *testing.T) {
	text := string(result.Filled(result.Latest).Append(nil))
	seen := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case pyjson.Object:
			for _, m := range v {
				seen[m.Key] = true
				if m.Key != "figures" { // whose keys are anybody's
					walk(m.Value)
				}
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	object := result.ObjectOf(result.Filled(result.Latest).Loadgen)
	for _, free := range []string{"effective", "findings", "notes"} { // whose keys are anybody's
		object.Set(free, nil)
	}
	walk(object)
	if len(seen) < 150 {
		t.Fatalf("%d keys", len(seen))
	}
	for key := range seen {
		if strings.HasPrefix(key, "text") || key == "a" || key == "b" || strings.HasPrefix(key, "p99") {
			continue // names of the values themselves
		}
		renamed := strings.ReplaceAll(text, `"`+key+`": `, `"`+key+`_renamed": `)
		if renamed == text || resulttest.Check([]byte(renamed)) == nil {
			t.Errorf("%s may be renamed", key)
		}
	}
}
