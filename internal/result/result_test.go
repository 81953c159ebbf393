package result

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadgen/internal/golden"
	"loadgen/internal/pyjson"
)

// fill sets every field to a value of its own, and gives slices and maps two
// elements.
func fill(v reflect.Value, next *int) {
	*next++
	n := *next
	switch x := v.Addr().Interface().(type) {
	case *pyjson.Object:
		*x = pyjson.Object{{Key: fmt.Sprint("key", n), Value: n}, {Key: "text", Value: "ä\u2028\"\\\x7f"}, {Key: "none", Value: nil},
			{Key: "list", Value: []string{"a", "b"}}, {Key: "float", Value: float64(n) / 7}}
		return
	case *Number:
		*x = Number{float64(n), true}
		return
	case *Rate:
		*x = Rate(math.Inf(1))
		return
	case *[]Percentile, *DecimalPercentiles:
		v.Set(reflect.ValueOf([]Percentile{{99, float64(n) / 7}, {99.9, float64(n)}}).Convert(v.Type()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(int64(n))
	case reflect.Uint8: // the layout stays
	case reflect.Float64:
		v.SetFloat(float64(n) / 7)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), next)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), next)
		fill(v.Index(1), next)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]int{"a": n, "b": n + 1}))
	default:
		panic(v.Type())
	}
}

// filled is a file in which every field has a value.
func filled(layout Layout) *File {
	f := &File{}
	fill(reflect.ValueOf(f).Elem(), new(int))
	f.Layout, f.Metadata = layout, pyjson.Object{{Key: "user", Value: "v"}, {Key: "duration", Value: "x"}, {Key: "backend", Value: "mine"}}
	if layout == Release12 {
		mean := 1.5
		f.DecodedPerIter, f.DecodedPerIterKeys, f.E2ELs, f.Energy = &DecodedPerIter{Mean: &mean}, nil, nil, nil
	}
	f.Program, f.Remarks = "", nil // of other clients' files
	for i := range MetricNames {
		d := *f.Latency.At(i)
		d.Min, d.Max = nil, nil
	}
	return f
}

// TestReadsBackEqual: every field, in both layouts, is written, read back equal, and
// written the same again.
func TestReadsBackEqual(t *testing.T) {
	for _, layout := range []Layout{Latest, Release12} {
		want := filled(layout)
		text := want.Append(nil)
		got, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if again := got.Append(nil); string(again) != string(text) {
			t.Errorf("layout %d: written again\n%s\nwas\n%s", layout, again, text)
		}
		if len(got.Metadata) != 1 || got.Backend != "mine" {
			t.Errorf("layout %d: metadata %v", layout, got.Metadata)
		}
		got.order, got.Metadata, got.Backend = nil, want.Metadata, want.Backend
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(File{})); diff != "" {
			t.Errorf("layout %d: %s", layout, diff)
		}
	}
}

// TestWantPyTorch is the original's rule for a boolean of the environment.
func TestWantPyTorch(t *testing.T) {
	for value, want := range map[string]bool{"": false, "0": false, " False ": false, "no": false, "N": false, "off": false, " ": false,
		"1": true, " True ": true, "TRUE": true, "yes\n": true, "\ty": true, "On": true} {
		if got, err := WantPyTorch(value); got != want || err != nil {
			t.Errorf("%q: %v, %v", value, got, err)
		}
	}
	for _, value := range []string{"2", "maybe", "t rue", "nope"} {
		if _, err := WantPyTorch(value); err == nil || err.Error() != "Failed to parse value '"+value+"' for env var '"+PyTorchEnv+"' as bool." {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// TestDetailsOfMetadata: the original deletes the keys of single requests where they are
// not saved, even those that are the user's; in the 1.2 layout e2els is none of them.
func TestDetailsOfMetadata(t *testing.T) {
	keys := []string{"input_lens", "output_lens", "ttfts", "itls", "e2els", "generated_texts", "errors"}
	for layout, kept := range map[Layout]int{Latest: 0, Release12: 1} {
		f := &File{Layout: layout}
		for _, key := range append(keys, "mine") {
			f.Metadata.Set(key, "z")
		}
		got := 0
		for _, m := range f.Object() {
			if slices.Contains(keys, m.Key) {
				got++
			}
		}
		if got != kept || f.Object().Get("mine") != "z" {
			t.Errorf("layout %d: %d kept, want %d: %v", layout, got, kept, f.Object())
		}
		f.Errors = []string{"x"} // saved: in the metadata's place
		if got, ok := f.Object().Get("errors").([]string); !ok || got[0] != "x" {
			t.Errorf("layout %d: %v", layout, f.Object())
		}
	}
}

// goldenTexts are the result files that the original has written.
func goldenTexts(t testing.TB) map[string]string {
	all := map[string]string{}
	for _, file := range golden.Glob(t, filepath.Join(golden.Dir(t, "origin_results"), "*", "*.json")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(text)
	}
	for _, file := range golden.Files(t, "metrics", "*.json") {
		var c struct {
			Result struct {
				Files    map[string]string
				Detailed map[string]string `json:"files_detailed"`
			}
		}
		golden.Read(t, file, &c)
		for name, text := range c.Result.Files {
			all[file+" "+name] = text
		}
		for name, text := range c.Result.Detailed {
			all[file+" detailed "+name] = text
		}
	}
	for _, file := range golden.Files(t, "results", "*.json") {
		var c struct{ Files map[string]json.RawMessage }
		golden.Read(t, file, &c)
		for name, text := range c.Files {
			all[file+" "+name] = string(text)
		}
	}
	for name := range all {
		if strings.HasSuffix(name, ".pytorch.json") {
			delete(all, name)
		}
	}
	return all
}

// TestGoldenFilesSurvive: what the original wrote is read and written again, byte by byte.
func TestGoldenFilesSurvive(t *testing.T) {
	texts := goldenTexts(t)
	for name, text := range texts {
		f, err := Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v, err := pyjson.Parse([]byte(text)) // without what white space there is
		if err != nil {
			t.Fatal(err)
		}
		want := string(pyjson.Append(nil, v))
		if got := string(f.Append(nil)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
		if !onlyMetadata(f) {
			t.Errorf("%s: unknown keys %v", name, f.Metadata)
		}
	}
	t.Logf("%d files", len(texts))
	if len(texts) < 100 && !golden.External() {
		t.Errorf("%d files", len(texts))
	}
}

// onlyMetadata reports whether the file has no unknown keys but a user's.
func onlyMetadata(f *File) bool {
	for _, m := range f.Metadata {
		if _, text := m.Value.(string); !text { // metadata are texts
			return false
		}
	}
	return true
}

// The TTFT of an answer that came whole is Python's int -1.
func TestWholeAnswersHaveNoTTFT(t *testing.T) {
	f := &File{Completed: new(2), Duration: new(1.0), TTFTs: []float64{-1, 1}}
	text := string(f.Append(nil))
	if !strings.Contains(text, `"ttfts": [-1, 1.0]`) {
		t.Error(text)
	}
	if back, err := Parse([]byte(text)); err != nil || string(back.Append(nil)) != text {
		t.Error(err)
	}
}
