package report

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
)

var updateForeign = flag.Bool("update-foreign", false, "write testdata/foreign.txt")

// TestForeignResults: what other clients' files say, as text, in one golden file.
func TestForeignResults(t *testing.T) {
	t.Chdir("../../testdata/foreign")
	names, err := filepath.Glob("*.json*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	var text bytes.Buffer
	for _, name := range names {
		all, err := readAll(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			s.WriteText(&text)
			fmt.Fprintln(&text)
		}
		everyForm(t, name, all)
	}
	const golden = "../../pkg/report/testdata/foreign.txt"
	if *updateForeign {
		if err := os.WriteFile(golden, text.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("go test ./pkg/report -run Foreign -update-foreign writes testdata/foreign.txt; now:\n%s", &text)
	}
}

// invented are numbers that no file has: of nothing, or of what is not there.
var invented = regexp.MustCompile(`\bNaN\b|\bof 0\b|[+-]Inf\b|<nil>|%!`)

// everyForm writes a report in every form, none of which invents a number.
func everyForm(t *testing.T, name string, all []*Stored) {
	t.Helper()
	var text bytes.Buffer
	groups := Groups(all, Naming{})
	if len(groups) == 0 {
		t.Errorf("%s: no group", name)
	}
	for _, g := range groups {
		g.WriteText(&text, false)
		g.Summary(&text)
	}
	for form, err := range map[string]error{"markdown": Markdown(&text, groups), "csv": CSV(&text, groups), "json": JSON(&text, groups), "lines": Lines(&text, all, groups)} {
		if err != nil {
			t.Errorf("%s: %s: %v", name, form, err)
		}
	}
	if at := invented.FindIndex(text.Bytes()); at != nil {
		t.Errorf("%s: %s", name, text.Bytes()[max(0, at[0]-200):at[1]])
	}
	if err := HTML(&text, groups); err != nil {
		t.Errorf("%s: HTML: %v", name, err)
	}
}

// TestForeignLevels: a file of several results is one server with several loads.
func TestForeignLevels(t *testing.T) {
	for name, want := range map[string]string{
		"vllm_append.json": "16 32 64", "sglang.jsonl": "16 32", "guidellm.json": "4/s 1 16", "profile_export_aiperf.json": "16", "profile_export_genai_perf.json": "unbounded",
	} {
		all, err := readAll(filepath.Join("../../testdata/foreign", name))
		if err != nil {
			t.Fatal(err)
		}
		groups := Groups(all, Naming{})
		if len(groups) != 1 || len(groups[0].Variants) != 1 || strings.Join(groups[0].Loads, " ") != want {
			t.Errorf("%s: %d groups, %v", name, len(groups), groups[0].Loads)
		}
		if label := groups[0].Variants[0].Label; len(all) > 1 && label != strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".jsonl") {
			t.Errorf("%s is called %s", name, label)
		}
	}
}

// TestGoodputGate: goodput is a gate under either spelling of its key; a file without it
// misses it.
func TestGoodputGate(t *testing.T) {
	for text, want := range map[string]string{
		`"request_goodput": 3.1`:                        "3.1, the bound is 5",
		`"request_goodput:": 3.1`:                       "3.1, the bound is 5",
		`"request_goodput": 3.1, "request_goodput:": 6`: "",
		`"request_goodput": 5`:                          "",
		`"request_goodput": null`:                       "does not have this metric",
		`"request_throughput": 9`:                       "does not have this metric",
	} {
		s, err := ParseStored("x.json", []byte(`{"completed": 1000, "num_prompts": 1000, "duration": 10, "max_concurrency": 1, `+text+`}`))
		if err != nil {
			t.Fatal(err)
		}
		g, err := ParseGate("request_goodput>=5")
		if err != nil {
			t.Fatal(err)
		}
		missed := strings.Join(Groups([]*Stored{s}, Naming{})[0].Missed([]Gate{g}), "; ")
		if (missed == "") != (want == "") || !strings.Contains(missed, want) {
			t.Errorf("%s: %q, want %q", text, missed, want)
		}
	}
}

// TestByteOrderMarks: a file in UTF-8 or UTF-16 with a mark is read as one without.
func TestByteOrderMarks(t *testing.T) {
	const plain = `{"completed": 3, "num_prompts": 4, "duration": 2.5}`
	path := filepath.Join(t.TempDir(), "r.json")
	wide := func(order binary.AppendByteOrder) (out []byte) {
		for _, unit := range utf16.Encode([]rune("\ufeff" + plain)) {
			out = order.AppendUint16(out, unit)
		}
		return out
	}
	for name, text := range map[string][]byte{"none": []byte(plain), "UTF-8": []byte("\ufeff" + plain), "UTF-16LE": wide(binary.LittleEndian), "UTF-16BE": wide(binary.BigEndian)} {
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		all, err := readAll(path)
		if err != nil || len(all) != 1 || all[0].headline() != "3 of 4 requests completed in 2.50 s" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// readAll reads the results of a file.
func readAll(name string) ([]*Stored, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return ParseAll(name, text)
}
