package result_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

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

// TestValidatorAgrees: resulttest finds wrong what a complete validator does. The files are the
// original's, and a full one in which one key after the other has another value, or
// another name.
func TestValidatorAgrees(t *testing.T) {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(result.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("result.schema.json", schema); err != nil {
		t.Fatal(err)
	}
	complete := c.MustCompile("result.schema.json")
	valid, invalid := 0, 0
	agree := func(what string, text []byte) {
		t.Helper()
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(what, err)
		}
		ours, theirs := resulttest.Check(text), complete.Validate(v)
		if (ours == nil) != (theirs == nil) {
			t.Errorf("%s: %v, but a complete validator finds: %v", what, ours, theirs)
		}
		if theirs == nil {
			valid++
		} else {
			invalid++
		}
	}
	finite := strings.NewReplacer("-Infinity", "0", "Infinity", "0", "NaN", "0")
	for name, text := range result.GoldenTexts(t) {
		agree(name, []byte(finite.Replace(text)))
	}
	text := result.Filled(result.Latest).Append(nil)
	agree("full", text)
	parsed, err := pyjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	full := parsed.(pyjson.Object)
	others, seen := []any{nil, true, 1.5, 2.0, "x", []any{"x"}, pyjson.Object{{Key: "x", Value: 1}}}, map[string]bool{}
	var each func(o pyjson.Object)
	each = func(o pyjson.Object) {
		for i, m := range o {
			if !seen[m.Key] {
				if seen[m.Key] = true; len(seen)%3 == 0 {
					o[i].Key += "_renamed"
				} else {
					o[i].Value = others[len(seen)%len(others)]
				}
				agree(m.Key, pyjson.Append(nil, full))
				o[i] = m
			}
			switch v := m.Value.(type) {
			case pyjson.Object:
				each(v)
			case []any:
				for _, x := range v {
					if x, ok := x.(pyjson.Object); ok {
						each(x)
					}
				}
			}
		}
	}
	each(full)
	if valid < 100 || invalid < 100 {
		t.Errorf("%d valid and %d invalid files", valid, invalid)
	}
}
