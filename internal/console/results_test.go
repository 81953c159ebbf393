package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/golden"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// TestGoldenResults computes the figures of whole runs anew from the arrays in
// their result files, and prints and writes them again.
func TestGoldenResults(t *testing.T) {
	diffs := golden.LoadDifferences(t, "results")
	files := golden.Files(t, "results", "*.json")
	compared := 0
	for _, file := range files {
		name := golden.Name(file)
		t.Run(name, func(t *testing.T) {
			var c struct {
				Argv   []string
				Env    map[string]string
				Server struct{ Avg float64 }
				Exit   int     `json:"exit_code"`
				Died   *string `json:"died_with"`
				Stdout string
				Files  map[string]json.RawMessage
			}
			golden.Read(t, file, &c)
			s := benchtest.Settings(t, append(c.Argv, "--strict-json"))
			t.Chdir(t.TempDir())
			checks := checkSettings(&s)
			_, envErr := result.WantPyTorch(c.Env[result.PyTorchEnv])
			failed := float64(0)
			if checks != nil || envErr != nil {
				failed = 1
			}
			want, _ := dies(diffs, name, c.Exit, c.Died)
			if failed != want {
				t.Fatalf("%v %v, want exit %v", checks, envErr, want)
			}
			if !s.SaveDetailed || c.Exit != 0 {
				return
			}
			compared++
			for path, text := range c.Files {
				if strings.HasSuffix(path, ".pytorch.json") {
					continue
				}
				compareResult(t, &s, path, text, c.Stdout, c.Server.Avg != 0)
			}
		})
	}
	t.Logf("%d runs, %d of them with arrays to compute from", len(files), compared)
}

// resultFile is what is read of a result file with arrays.
type resultFile struct {
	Duration   float64
	OutputLens []int `json:"output_lens"`
	TTFTs      []float64
	ITLs       [][]float64
	E2ELs      []float64
	Texts      []string `json:"generated_texts"`
	Errors     []string
	Date       string
	Inputs     []int `json:"input_lens"`
	Energy     *struct {
		Joules float64 `json:"total_energy_j"`
		Watts  float64 `json:"total_gpu_power_w"`
	}
}

// samples are those that the arrays are of.
func (f *resultFile) samples() (samples []metrics.Sample) {
	for i := range f.TTFTs {
		s := metrics.Sample{Success: f.Errors[i] == "", PromptLen: f.Inputs[i], OutputTokens: f.OutputLens[i],
			TTFT: f.TTFTs[i], Latency: f.E2ELs[i], ITL: f.ITLs[i], Text: []byte(f.Texts[i]), Error: f.Errors[i]}
		if lines := strings.Split(strings.TrimSpace(s.Error), "\n"); strings.Contains(s.Error, "Error: ") || strings.Contains(s.Error, "aiohttp") {
			class, _, _ := strings.Cut(lines[len(lines)-1], ":")
			s.Exception = class[strings.LastIndexByte(class, '.')+1:]
		}
		samples = append(samples, s)
	}
	return samples
}

// keysOf are the keys of a JSON object in their order.
func keysOf(object []byte) (names []string) {
	d := json.NewDecoder(bytes.NewReader(object))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return names
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		default:
			if depth == 1 {
				names = append(names, fmt.Sprint(token))
			}
		}
	}
}

func compareResult(t *testing.T, s *recording.Settings, path string, text json.RawMessage, stdout string, perIter bool) {
	t.Helper()
	var f resultFile
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	date, err := time.Parse("20060102-150405", f.Date)
	if err != nil {
		t.Fatal(err)
	}
	var energy *analysis.Energy
	if f.Energy != nil {
		energy = &analysis.Energy{Joules: f.Energy.Joules, Seconds: f.Energy.Joules / f.Energy.Watts}
	}
	r, err := reportOfSamples(s, f.samples(), energy, f.Duration, date, nil)
	if err != nil {
		t.Fatal(err)
	}
	if perIter { // the values of the single requests are not in the file
		return
	}
	var table bytes.Buffer
	report.Exceptions(&table, r.Summary)
	r.Table(&table)
	want := golden.FromRun(stdout)
	_, want, _ = strings.Cut(want[strings.Index(want, "Maximum request concurrency:"):], "\n")
	if want = golden.WithoutDebugging(want); table.String() != want {
		t.Errorf("stdout:\n%s\nwant:\n%s", table.String(), want)
	}
	got := golden.JSON(t, r.file().Append(nil))
	if whole := golden.JSON(t, text); !reflect.DeepEqual(got, whole) {
		for k, w := range whole.(map[string]any) {
			if g := got.(map[string]any)[k]; !reflect.DeepEqual(g, w) {
				t.Errorf("%s: got %v, want %v", k, g, w)
			}
		}
	}
	if a, b := keysOf(r.file().Append(nil)), keysOf(text); !slices.Equal(a, b) {
		t.Errorf("keys %v\nwant %v", a, b)
	}
	if want := filepath.Base(path); s.ResultFilename == nil && r.FileName() != want {
		t.Errorf("file name %s, want %s", r.FileName(), want)
	}
}

// TestGoldenOriginResults writes the 1.2 layout and compares its keys and types
// with the files that the origin's runs left.
func TestGoldenOriginResults(t *testing.T) {
	dir := golden.Dir(t, "origin_results")
	found := golden.Glob(t, filepath.Join(dir, "*", "*.json"))
	for _, file := range found {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+golden.Name(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := golden.JSON(t, text).(map[string]any)
			s := benchtest.Settings(t, []string{"--model", want["model_id"].(string), "--compat", "1.2", "--max-concurrency", fmt.Sprint(want["max_concurrency"]),
				"--percentile-metrics", "ttft,tpot,itl,e2el", "--num-prompts", fmt.Sprint(want["num_prompts"]), "--strict-json"})
			r, err := reportOfSamples(&s, []metrics.Sample{{Success: true, PromptLen: 1, OutputTokens: 3, TTFT: 0.1, Latency: 0.3, ITL: []float64{0.1, 0.1}, DecodedPerIter: 1}}, nil, 1, time.Now(), nil)
			if err != nil {
				t.Fatal(err)
			}
			ours := r.file().Object()
			order := strings.Split(string(text), `": `)
			for i, m := range ours {
				key := order[i][strings.LastIndexByte(order[i], '"')+1:]
				if m.Key != key {
					t.Fatalf("key %d is %s, want %s", i, m.Key, key)
				}
				got := golden.JSON(t, pyjson.Append(nil, m.Value))
				if reflect.TypeOf(got) != reflect.TypeOf(want[key]) {
					t.Errorf("%s: %v, want the type of %v", key, got, want[key])
				}
			}
			if len(ours) != len(want) {
				t.Errorf("%d keys, want %d", len(ours), len(want))
			}
		})
	}
	t.Logf("%d files", len(found))
}
