// Package golden finds the reference data that the golden tests compare with:
// testdata/golden at the module's root, or the directory that LOADGEN_GOLDEN
// names. On-purpose differences stand in differences.json beside the folders.
package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// Env is the environment variable that names another data directory.
const Env = "LOADGEN_GOLDEN"

// External reports whether the data come from a directory named by Env.
func External() bool { return os.Getenv(Env) != "" }

// TestData returns the path of a file under the module's testdata.
func TestData(elem ...string) string {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "..", "..", "testdata")
	return filepath.Join(append([]string{root}, elem...)...)
}

// Dir returns the directory of one folder of golden data. A folder missing
// under Env skips the test; anywhere else it fails it.
func Dir(t testing.TB, folder string) string {
	t.Helper()
	root := os.Getenv(Env)
	if root == "" {
		root = TestData("golden")
	}
	dir := filepath.Join(root, folder)
	if _, err := os.Stat(dir); err != nil {
		if External() && os.IsNotExist(err) {
			t.Skipf("no folder %s in %s", folder, root)
		}
		t.Fatal(err)
	}
	return dir
}

// Files returns the paths in a folder that match pattern, names starting with
// "_" left out, sorted. None is a failure.
func Files(t testing.TB, folder, pattern string) []string {
	t.Helper()
	return Glob(t, filepath.Join(Dir(t, folder), pattern))
}

// Glob returns the files that a pattern matches, names starting with "_" left
// out, sorted. None is a failure.
func Glob(t testing.TB, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range all {
		if !strings.HasPrefix(filepath.Base(f), "_") {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		t.Fatalf("no files match %s", pattern)
	}
	sort.Strings(files)
	return files
}

// Tokenizer returns a directory with a tokenizer of testdata, unpacked. llama3
// is the same as llama3_1 but for the names of special tokens.
func Tokenizer(t testing.TB, name string) string {
	t.Helper()
	if name == "llama3" {
		name = "llama3_1"
	}
	dir := t.TempDir()
	for _, file := range Glob(t, TestData("tokenizers", name, "*.gz")) {
		if err := os.WriteFile(filepath.Join(dir, strings.TrimSuffix(filepath.Base(file), ".gz")), inflated(t, file), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Read decodes a JSON file into v. One that is missing under Env skips the test.
func Read(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if External() && os.IsNotExist(err) {
		t.Skipf("there is no %s", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// A Text is a string of Python's. Unlike encoding/json it keeps lone surrogates,
// in three bytes each (WTF-8), as the program does.
type Text string

var (
	escape = regexp.MustCompile(`\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.`)
	marked = regexp.MustCompile("\ufdd0d...")
)

// UnmarshalJSON reads the string: surrogates are marked with a noncharacter on
// their way through encoding/json.
func (t *Text) UnmarshalJSON(data []byte) error {
	data = escape.ReplaceAllFunc(data, func(e []byte) []byte {
		if len(e) == 6 && e[2]|0x20 == 'd' && e[3] >= '8' {
			return append([]byte("\ufdd0"), bytes.ToLower(e[2:])...)
		}
		return e
	})
	var text string
	err := json.Unmarshal(data, &text)
	*t = Text(marked.ReplaceAllStringFunc(text, func(m string) string {
		code, _ := strconv.ParseUint(m[3:], 16, 16)
		return string([]byte{0xe0 | byte(code>>12), 0x80 | byte(code>>6&0x3f), 0x80 | byte(code&0x3f)})
	}))
	return err
}

// Name is a case's name: the file's name without its ending.
func Name(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// A Difference is one place where the program differs from the data on
// purpose: Ours is what it does instead. A row for the case "*" holds wherever
// the data have Theirs in the field.
type Difference struct {
	Folder, Case, Field string
	Theirs, Ours        any
	Reason              string
	used                bool
}

func (d *Difference) is(name, field string, value any) bool {
	if d.Field != field {
		return false
	}
	return d.Case == name || d.Case == "*" && fmt.Sprint(d.Theirs) == fmt.Sprint(value)
}

// Differences are the on-purpose differences of one folder.
type Differences []*Difference

// LoadDifferences reads the rows of one folder and, when the test ends, fails
// it for every row that was not used (not under Env, where cases may be others).
func LoadDifferences(t testing.TB, folder string) Differences {
	t.Helper()
	var all, rows []*Difference
	Read(t, TestData("golden", "differences.json"), &all)
	for _, d := range all {
		if d.Folder == folder {
			if d.Reason == "" {
				t.Errorf("differences.json: %s %s %s has no reason", d.Folder, d.Case, d.Field)
			}
			rows = append(rows, d)
		}
	}
	t.Cleanup(func() {
		for _, d := range rows {
			if !d.used && !External() && !t.Failed() && !t.Skipped() {
				t.Errorf("differences.json: row not used: %s %s %s", d.Folder, d.Case, d.Field)
			}
		}
	})
	return rows
}

// Want returns what a field of a case should be: ours where a row says so,
// else the data's value.
func (ds Differences) Want(name, field string, value any) any {
	for _, d := range ds {
		if d.is(name, field, value) {
			d.used = true
			return d.Ours
		}
	}
	return value
}

// Has reports whether there is a row for a field of a case, and marks it used.
func (ds Differences) Has(name, field string, value any) bool {
	for _, d := range ds {
		if d.is(name, field, value) {
			d.used = true
			return true
		}
	}
	return false
}

// JSON is a value as it comes back from JSON, numbers kept as text.
func JSON(t testing.TB, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	return v
}
