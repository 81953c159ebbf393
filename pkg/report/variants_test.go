package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"loadgen/internal/plain"
)

// TestPresentable: no label turns the text around it, commands a terminal or fills
// a page.
func TestPresentable(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                     "plain",
		" a\tb\n c ":                "a b c",
		"\x1b[31mred\x1b[0m\a":      "[31mred [0m",
		"\u202eabc\u2066d\u200f":    "abcd",
		"<b>&amp;</b> | `x` 中文":     "<b>&amp;</b> | `x` 中文",
		strings.Repeat("long ", 20): strings.TrimSpace(strings.Repeat("long ", 12)) + "…",
		"\xff":                      "",
	} {
		if got := plain.Name(text, longestLabel); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestLabelsByWhatDiffers: results of one directory that cannot be one server's are told apart
// by what differs among them, whoever named the files.
func TestLabelsByWhatDiffers(t *testing.T) {
	run := func(concurrency int, model, effective string) string {
		text := strings.Replace(made(concurrency, `, "backend": "openai"`), `"m"`, `"org/`+model+`"`, 1)
		if effective != "" {
			text = strings.TrimSuffix(text, "}") + `, "loadgen": {"schema": 1, "version": "1", "effective": {` + effective + `}}}`
		}
		return text
	}
	name := func(concurrency, minute int) string {
		return fmt.Sprintf("runs/openai-infqps-concurrency%d-m-20261130-10%02d00.json", concurrency, minute)
	}
	for what, c := range map[string]struct {
		files map[string]string
		want  []string // labels and concurrencies, a group each
	}{
		"models":                                {map[string]string{name(1, 1): run(1, "A", ""), name(2, 2): run(2, "A", ""), name(1, 3): run(1, "B", ""), name(2, 4): run(2, "B", "")}, []string{"A|B at 1,2"}},
		"models at different concurrencies":     {map[string]string{name(1, 1): run(1, "A", ""), name(2, 2): run(2, "B", "")}, []string{"A|B at 1/2"}},
		"servers":                               {map[string]string{name(1, 1): run(1, "A", `"base_url": "http://h1:8000/"`), name(1, 2): run(1, "A", `"base_url": "http://h2:8000"`)}, []string{"h1:8000|h2:8000 at 1"}},
		"a setting, and what comes with it":     {map[string]string{name(1, 1): run(1, "A", `"keep_alive": false, "top_p": 0.5`), name(1, 2): run(1, "A", `"keep_alive": true, "top_p": 0.9`)}, []string{"top p 0.5|top p 0.9 at 1"}},
		"a setting that one file does not have": {map[string]string{name(1, 1): run(1, "A", `"keep_alive": false`), name(1, 2): run(1, "A", `"top_p": 0.9`)}, []string{"2026-11-30 10:01:00|2026-11-30 10:02:00 at 1"}},
		"nothing but the time":                  {map[string]string{name(1, 1): run(1, "A", ""), name(1, 2): run(1, "A", ""), name(2, 3): run(2, "A", "")}, []string{"2026-11-30 10:01:00|2026-11-30 10:02:00 at 1", "2026-11-30 10:03:00 at 2"}},
		"the time, too":                         {map[string]string{name(1, 1): run(1, "A", ""), name(1, 2): run(1, "A", ""), name(1, 3): run(1, "B", "")}, []string{"A, 2026-11-30 10:01:00|A, 2026-11-30 10:02:00|B at 1"}},
		"nothing":                               {map[string]string{name(1, 1): run(1, "A", ""), name(2, 2): run(2, "A", "")}, []string{"runs at 1,2"}},
		"names":                                 {map[string]string{"runs/vllm_c1.json": run(1, "A", ""), "runs/vllm_c2.json": run(2, "A", ""), "runs/trt_c1.json": run(1, "A", ""), "runs/trt_c2.json": run(2, "A", "")}, []string{"trt|vllm at 1,2"}},
		"names that count":                      {map[string]string{"runs/run_1.json": run(1, "A", ""), "runs/run_2.json": run(1, "A", "")}, []string{"run_1|run_2 at 1"}},
	} {
		var got []string
		for _, g := range Groups(writtenResults(t, c.files), Naming{}) {
			got = append(got, strings.Join(g.judged.Labels, "|")+" at "+strings.Join(g.Loads, ","))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

func TestLabelsAlike(t *testing.T) {
	variants := []Variant{{Name: "a", Label: "same"}, {Name: "b", Label: "same"}, {Name: "c", Label: "other"}, {Name: "d"}}
	disambiguate(variants)
	var got []string
	for _, s := range variants {
		got = append(got, s.Label)
	}
	if want := []string{"same (a)", "same (b)", "other", "(d)"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
