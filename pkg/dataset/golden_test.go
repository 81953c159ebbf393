package dataset_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadgen/internal/golden"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/dataset"
)

// optionsOf reads a case's argv.
func optionsOf(t *testing.T, argv []string) dataset.Options {
	t.Helper()
	o := dataset.Options{Name: "sharegpt", NumPrompts: 1000, InputLen: 1024, RandomOutputLen: 128,
		SonnetInputLen: 550, SonnetOutputLen: 150, SonnetPrefixLen: 200,
		ImageWidth: 512, ImageHeight: 512, ImageSize: 512, NumImages: 1,
		Env: func(name string) string {
			return map[string]string{"HF_HUB_OFFLINE": "1", "HF_HOME": t.TempDir()}[name]
		}}
	for i, word := range argv {
		value := ""
		if i+1 < len(argv) {
			value = argv[i+1]
		}
		number, _ := strconv.Atoi(value)
		switch word {
		case "--backend":
			o.Chat = value == "openai-chat"
		case "--dataset-name":
			o.Name = value
		case "--dataset-path":
			o.Path = value
		case "--download-path":
			o.DownloadPath = value
		case "--num-prompts":
			o.NumPrompts = number
		case "--seed":
			seed, err := strconv.ParseUint(value, 10, 32)
			if errors.Is(err, strconv.ErrRange) {
				t.Skip("the command line refuses the seed")
			}
			o.Seed = uint32(seed)
		case "--random-input-len":
			o.InputLen = number
		case "--random-output-len":
			o.RandomOutputLen = number
		case "--random-prefix-len":
			o.PrefixLen = number
		case "--random-range-ratio":
			o.RangeRatio, _ = strconv.ParseFloat(value, 64)
		case "--random-ids":
			o.FromIDs = true
		case "--tokenize-on-client":
			o.IDs = true
		case "--random-image-width":
			o.ImageWidth = number
		case "--random-image-height":
			o.ImageHeight = number
		case "--random-image-size":
			o.ImageSize = number
		case "--random-num-images":
			o.NumImages = number
		case "--sonnet-input-len":
			o.SonnetInputLen = number
		case "--sonnet-output-len":
			o.SonnetOutputLen = number
		case "--sonnet-prefix-len":
			o.SonnetPrefixLen = number
		case "--sharegpt-output-len", "--hf-output-len":
			o.OutputLen = &number
		case "--hf-split":
			o.Split = value
		case "--hf-subset":
			o.Subset = value
		}
	}
	return o
}

// tokenizers loads each of the tokenizers of testdata once; nil for one that is not there.
type tokenizers map[string]*tokenizer.Tokenizer

func (all tokenizers) get(t *testing.T, name string) *tokenizer.Tokenizer {
	name = strings.TrimPrefix(name, "lenml_")
	if _, err := os.Stat(golden.TestData("tokenizers", name)); err != nil && name != "llama3" {
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

// templates are what the models' chat templates make of one user message.
func template(name string) func([]dataset.Message) (string, error) {
	forms := map[string][2]string{
		"llama3":      {"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
		"qwen3":       {"<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"},
		"deepseek_v3": {"<｜begin▁of▁sentence｜><｜User｜>", "<｜Assistant｜>"},
		"gemma3":      {"<bos><start_of_turn>user\n", "<end_of_turn>\n<start_of_turn>model\n"},
	}
	name = strings.TrimPrefix(name, "lenml_")
	form, found := forms[name]
	if !found {
		return nil
	}
	return func(messages []dataset.Message) (string, error) {
		text := messages[0].Content
		if name == "llama3" || name == "gemma3" {
			text = strings.TrimSpace(text)
		}
		return form[0] + text + form[1], nil
	}
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
	cases := 0
	for _, file := range golden.Files(t, "prompts", "*_*_*_*.json") {
		t.Run(golden.Name(file), func(t *testing.T) {
			var c struct {
				Argv       []string
				Tokenizer  string
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
				t.Fatalf("there is no tokenizer %s in testdata", c.Tokenizer)
			}
			o := optionsOf(t, c.Argv)
			cases++
			if o.Tokenizer = tok; o.Path != "" {
				o.Path = filepath.Join(filepath.Dir(file), o.Path)
			}
			set, err := dataset.Load(context.Background(), o)
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
	t.Logf("%d runs", cases)
}

// goldenSample is a request as the original sent it.
type goldenSample struct {
	PromptLen int `json:"prompt_len"`
	OutputLen int `json:"expected_output_len"`
	SHA256    string
	Images    []any
}

func TestGoldenDatasets(t *testing.T) {
	all := tokenizers{}
	differences := golden.LoadDifferences(t, "datasets")
	work := t.TempDir()
	for name, text := range map[string]string{"blank.jsonl": "{\"input\":{\"messages\":[{},{\"content\":\"a\"}],\"max_tokens\":1}}\n\n",
		"onemsg.jsonl": "{\"input\":{\"messages\":[{\"content\":\"a\"}],\"max_tokens\":1}}\n", "empty.json": "[]"} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cases := 0
	for _, file := range golden.Files(t, "datasets", "*.json") {
		if filepath.Base(file) == "sharegpt.json" {
			continue
		}
		name := golden.Name(file)
		t.Run(name, func(t *testing.T) {
			var c struct {
				Argv      []string
				Tokenizer string
				Error     string
				Samples   []goldenSample
			}
			golden.Read(t, file, &c)
			tok := all.get(t, c.Tokenizer)
			if tok == nil {
				t.Fatalf("there is no tokenizer %s in testdata", c.Tokenizer)
			}
			cases++
			o := optionsOf(t, c.Argv)
			o.Tokenizer, o.Template = tok, template(c.Tokenizer)
			switch rest, isWork := strings.CutPrefix(o.Path, "WORK/"); {
			case isWork:
				o.Path = filepath.Join(work, rest)
			case o.Name == "hf" && o.Path != "":
				o.Path = filepath.Join(filepath.Dir(file), "hf", o.Path)
			case o.Path != "" && !filepath.IsAbs(o.Path):
				o.Path = filepath.Join(filepath.Dir(file), o.Path)
			}
			set, err := dataset.Load(context.Background(), o)
			if want := differences.Want(name, "error", c.Error) != ""; want != (err != nil) && o.NumPrompts > 0 {
				t.Fatalf("error %v, want one: %t (%s)", err, want, c.Error)
			}
			var bad *dataset.Error
			if err != nil && !errors.As(err, &bad) {
				t.Errorf("%v is no *dataset.Error", err)
			}
			if c.Error != "" {
				return
			}
			if n := differences.Want(name, "number of samples", len(c.Samples)); n != len(set.Requests) && n != float64(len(set.Requests)) {
				t.Fatalf("%d requests, want %v", len(set.Requests), n)
			}
			for i, r := range set.Requests {
				w := c.Samples[i%len(c.Samples)]
				if r.PromptLen != w.PromptLen || r.OutputLen != w.OutputLen || digest(r) != w.SHA256 {
					t.Errorf("request %d: got %d, %d, %q; want %v", i, r.PromptLen, r.OutputLen, r.Prompt, w)
				}
				if parts := differences.Want(name, "images", len(w.Images)); parts != len(r.Images) && parts != float64(len(r.Images)) {
					t.Errorf("request %d: %d images, want %v", i, len(r.Images), parts)
				}
				for _, url := range r.Images {
					if !strings.HasPrefix(url, "data:image/jpeg;base64,/9j/") {
						t.Errorf("request %d: image %.40q", i, url)
					}
				}
			}
		})
	}
	t.Logf("%d cases", cases)
}

func BenchmarkRandomIDs(b *testing.B) {
	o := dataset.Options{Name: "random", Tokenizer: tokenizer.Llama3(), NumPrompts: 1000, InputLen: 512, RandomOutputLen: 128, FromIDs: true}
	for b.Loop() {
		if _, err := dataset.Load(context.Background(), o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(o.NumPrompts*b.N)/b.Elapsed().Seconds(), "prompts/s")
}
