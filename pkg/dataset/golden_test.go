package dataset_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadgen/internal/golden"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/dataset"
)

// arguments reads "--flag value" and "--switch" from a case's argv.
func arguments(argv []string) map[string]string {
	given := map[string]string{}
	for i, word := range argv {
		if strings.HasPrefix(word, "--") {
			given[word] = "true"
			if i+1 < len(argv) && !strings.HasPrefix(argv[i+1], "--") {
				given[word] = argv[i+1]
			}
		}
	}
	return given
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// tokenizers loads each of the tokenizers of testdata once; nil for one that comes later.
type tokenizers map[string]*tokenizer.Tokenizer

func (all tokenizers) get(t *testing.T, name string) *tokenizer.Tokenizer {
	name = strings.TrimPrefix(name, "lenml_")
	if name == "llama2" || name == "gemma3" {
		return nil
	}
	if all[name] == nil {
		if name == "llama3" {
			all[name] = tokenizer.Llama3()
		} else {
			tok, err := tokenizer.Find(golden.Tokenizer(t, name), func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			all[name] = tok
		}
	}
	return all[name]
}

func digest(r dataset.Request) string {
	data := []byte(r.Prompt)
	if r.IDs != nil {
		data, _ = json.Marshal(r.IDs)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func TestGoldenPrompts(t *testing.T) {
	all := tokenizers{}
	cases, skipped := 0, 0
	for _, file := range golden.Files(t, "prompts", "*_*_*_*.json") {
		t.Run(golden.Name(file), func(t *testing.T) {
			var c struct {
				Argv       []string
				Tokenizer  string
				Error      string
				PromptLens []int `json:"prompt_lens"`
				OutputLens []int `json:"output_lens"`
				SHA256     []string
				First      []json.RawMessage
			}
			golden.Read(t, file, &c)
			if testing.Short() && c.Tokenizer != "llama3" {
				t.Skip("one tokenizer is enough")
			}
			tok := all.get(t, c.Tokenizer)
			if tok == nil {
				skipped++
				t.Skipf("the tokenizer %s comes later", c.Tokenizer)
			}
			cases++
			given := arguments(c.Argv)
			seed, err := strconv.ParseUint(given["--seed"], 10, 32)
			if errors.Is(err, strconv.ErrRange) && strings.Contains(c.Error, "Seed must be between") {
				return // the command line's part
			}
			ratio, _ := strconv.ParseFloat(given["--random-range-ratio"], 64)
			o := dataset.RandomOptions{NumPrompts: number(given["--num-prompts"]), InputLen: number(given["--random-input-len"]),
				OutputLen: number(given["--random-output-len"]), PrefixLen: number(given["--random-prefix-len"]), RangeRatio: ratio,
				IDs: given["--random-ids"] != "", TokenizeOnClient: given["--tokenize-on-client"] != "", Seed: uint32(seed)}
			if p := given["--dataset-path"]; p != "" {
				o.Path = filepath.Join(filepath.Dir(file), p)
			}
			set, err := dataset.Random(context.Background(), tok, o)
			if err != nil {
				t.Fatal(err)
			}
			var prompts, outputs []int
			var sums []string
			for _, r := range set.Requests {
				prompts, outputs, sums = append(prompts, r.PromptLen), append(outputs, r.OutputLen), append(sums, digest(r))
			}
			if !slices.Equal(prompts, c.PromptLens) || !slices.Equal(outputs, c.OutputLens) {
				t.Errorf("lengths: got %v %v\nwant %v %v", prompts, outputs, c.PromptLens, c.OutputLens)
			}
			if !slices.Equal(sums, c.SHA256) {
				t.Errorf("prompts differ; the first: %.200q %v\nwant %.200s", set.Requests[0].Prompt, set.Requests[0].IDs, c.First[0])
			}
		})
	}
	t.Logf("%d runs; %d skipped of tokenizers that come later", cases, skipped)
}

func TestGoldenDatasets(t *testing.T) {
	all := tokenizers{}
	cases, skipped := 0, 0
	for _, file := range golden.Files(t, "datasets", "*custom*.json") {
		t.Run(golden.Name(file), func(t *testing.T) {
			var c struct {
				Argv      []string
				Tokenizer string
				Error     string
				Samples   []struct {
					PromptLen int `json:"prompt_len"`
					OutputLen int `json:"expected_output_len"`
					SHA256    string
				}
			}
			golden.Read(t, file, &c)
			tok := all.get(t, c.Tokenizer)
			if tok == nil {
				skipped++
				t.Skipf("the tokenizer %s comes later", c.Tokenizer)
			}
			cases++
			given := arguments(c.Argv)
			path := given["--dataset-path"]
			if path != "" && !strings.HasPrefix(path, "WORK/") {
				path = filepath.Join(filepath.Dir(file), path)
			}
			set, err := dataset.Custom(context.Background(), tok, path, number(given["--num-prompts"]), uint32(number(given["--seed"])))
			if c.Error != "" {
				if err == nil {
					t.Errorf("no error, want one for %s", c.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(set.Requests) != len(c.Samples) {
				t.Fatalf("%d requests, want %d", len(set.Requests), len(c.Samples))
			}
			for i, r := range set.Requests {
				if w := c.Samples[i]; r.PromptLen != w.PromptLen || r.OutputLen != w.OutputLen || digest(r) != w.SHA256 {
					t.Errorf("request %d: got %d, %d, %q; want %v", i, r.PromptLen, r.OutputLen, r.Prompt, w)
				}
			}
		})
	}
	t.Logf("%d runs; %d skipped of tokenizers that come later", cases, skipped)
}

func BenchmarkRandomIDs(b *testing.B) {
	tok := tokenizer.Llama3()
	o := dataset.RandomOptions{NumPrompts: 1000, InputLen: 512, OutputLen: 128, IDs: true}
	for b.Loop() {
		if _, err := dataset.Random(context.Background(), tok, o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(o.NumPrompts*b.N)/b.Elapsed().Seconds(), "prompts/s")
}
