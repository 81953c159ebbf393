// The figures of the reference data, from the outputs of single requests to the table and the
// files that the original wrote of them.
package console_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/console"
	"loadgen/internal/golden"
	"loadgen/internal/outfile"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/internal/result/resulttest"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// sampleJSON is one output of the original's request functions.
type sampleJSON struct {
	Success   bool
	TTFT      float64
	Latency   float64
	ITL       []float64   `json:"itl"`
	Tokens    *int        `json:"output_tokens"`
	Text      golden.Text `json:"generated_text"`
	Error     golden.Text
	Exception *string `json:"exception_type"`
	PerIter   any     `json:"avg_decoded_tokens_per_iter"`
}

// sample is the output as the statistics take it.
func (s sampleJSON) sample(promptLen int) metrics.Sample {
	out := metrics.Sample{Success: s.Success, PromptLen: promptLen, TTFT: s.TTFT, Latency: s.Latency, ITL: s.ITL, Text: []byte(s.Text), Error: string(s.Error)}
	if s.Tokens != nil {
		out.OutputTokens = *s.Tokens
	}
	if s.Exception != nil {
		out.Exception = *s.Exception
	}
	switch v := s.PerIter.(type) {
	case float64:
		out.DecodedPerIter = v
	case string:
		out.DecodedPerIter, _ = strconv.ParseFloat(v, 64) // nan, inf
	default:
		out.NullDecodedPerIter = true
	}
	return out
}

type metricsCase struct {
	Argv     []string
	Env      map[string]string
	Mkdir    []string
	Now      string
	Duration float64
	Energy   [][]any
	Prompts  []int `json:"prompt_lens"`
	Outputs  []sampleJSON
	Result   struct {
		Exit     int
		Line     *string `json:"exception_line"`
		Stdout   string
		Files    map[string]string
		Detailed map[string]string `json:"files_detailed"`
	}
}

// reading is the client's view of a scripted answer of the meter.
func reading(t *testing.T, answer []any) *client.EnergyReading {
	m := &benchtest.Memory{Handle: func(x *benchtest.Exchange) {
		x.Reply(fmt.Sprint(answer[0], " X"), answer[1].(string), answer[2].(string))
	}}
	c, err := client.New(client.Options{BaseURL: "http://127.0.0.1:1", Dial: m.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return c.Energy(t.Context())
}

// reported is a run's result as it is shown, and what it is made of.
type reported struct {
	*report.Run
	rec *recording.Recording
	a   *analysis.Analysis
}

func (r *reported) file() *result.File { return r.a.File(r.rec, r.rec.Settings.SaveDetailed) }

// reportOfSamples is the report of requests under settings; energy is nil without a reading
// of the meter.
func reportOfSamples(s *recording.Settings, samples []metrics.Sample, energy *analysis.Energy, elapsed float64, date time.Time, count func([]byte) int) (*reported, error) {
	percentiles, err := s.Percentiles()
	if err != nil {
		return nil, err
	}
	goals, err := s.Goals()
	if err != nil {
		return nil, err
	}
	rec := &recording.Recording{Settings: *s, TokenizerID: *s.Model, Ended: date}
	if s.Tokenizer != nil {
		rec.TokenizerID = *s.Tokenizer
	}
	a := &analysis.Analysis{Samples: samples, Energy: energy, Summary: metrics.Compute(samples, elapsed, metrics.Options{Percentiles: percentiles, Goodput: goals, CountTokens: count})}
	a.Selected, _ = s.SelectedMetrics()
	a.Metadata, _, err = s.Items()
	return &reported{console.Run(rec, a), rec, a}, err
}

// energyOf compares two readings of the meter.
func energyOf(before, after *client.EnergyReading) *analysis.Energy {
	if before == nil || after == nil {
		return nil
	}
	return &analysis.Energy{Joules: after.TotalJoules - before.TotalJoules, Seconds: after.QueryTime - before.QueryTime, Whole: before.Whole && after.Whole}
}

// checkSettings makes the checks that come before the test request.
func checkSettings(s *recording.Settings) error {
	if _, err := s.Goals(); err != nil {
		return err
	}
	percentiles, err := s.Percentiles()
	if err != nil {
		return err
	}
	if err := recording.CheckPercentiles(percentiles); err != nil {
		return err
	}
	if _, _, err := s.Items(); err != nil || !s.SaveResult {
		return err
	}
	release, err := outfile.Prove(s.ResultPath("x.json"))
	if err == nil {
		release()
	}
	return err
}

// run reports the case's outputs as the program would.
func (c *metricsCase) run(t *testing.T, detailed bool) (stdout string, files map[string]string, err error) {
	t.Chdir(t.TempDir())
	for _, dir := range c.Mkdir {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	s := benchtest.Settings(t, slices.Concat(c.Argv, []string{"--strict-json"}))
	s.SaveDetailed = s.SaveDetailed || detailed
	now, err := time.Parse("2006-01-02T15:04:05", c.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkSettings(&s); err != nil {
		return "", nil, err
	}
	var samples []metrics.Sample
	for i, o := range c.Outputs {
		samples = append(samples, o.sample(c.Prompts[i]))
	}
	var energy *analysis.Energy
	if len(c.Energy) > 1 {
		energy = energyOf(reading(t, c.Energy[0]), reading(t, c.Energy[1]))
	}
	// The stand-in for the tokenizer counts words.
	r, err := reportOfSamples(&s, samples, energy, c.Duration, now, func(text []byte) int { return len(bytes.Fields(text)) })
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	report.Exceptions(&out, r.Summary)
	r.Table(&out)
	files, err = r.save(c.Env[result.PyTorchEnv])
	return out.String(), files, err
}

// save returns the files of a result by their paths, PyTorch's where the environment asks
// for it.
func (r *reported) save(pyTorch string) (map[string]string, error) {
	files := map[string]string{}
	s := &r.rec.Settings
	if !s.SaveResult {
		return files, nil
	}
	path := s.ResultPath(r.FileName())
	if outfile.Special(path) {
		return files, nil
	}
	file := r.file()
	files[filepath.Clean(path)] = string(file.Append(nil))
	wanted, err := result.WantPyTorch(pyTorch)
	if wanted {
		files[filepath.Clean(strings.TrimSuffix(path, filepath.Ext(path))+".pytorch.json")] = string(pyjson.Append(nil, file.PyTorch(benchtest.Arguments(s))))
	}
	return files, err
}

// dies returns the exit code to expect; mended reports that the original dies there
// of what loadgen takes in its stride.
func dies(diffs golden.Differences, name string, exit int, line *string) (want any, mended bool) {
	if exit == 1 && line != nil {
		kind, _, _ := strings.Cut(*line, " '")
		if diffs.Has(name, "exception", kind) {
			return float64(0), true
		}
	}
	return float64(exit), false
}

// blanks reports whether a command line names metrics with blanks around them.
func blanks(t *testing.T, argv []string) bool {
	return strings.Contains(benchtest.Settings(t, argv).PercentileMetrics, " ")
}

func TestGoldenMetrics(t *testing.T) {
	diffs := golden.LoadDifferences(t, "metrics")
	files := golden.Files(t, "metrics", "*.json")
	for _, file := range files {
		name := golden.Name(file)
		t.Run(name, func(t *testing.T) {
			var c metricsCase
			golden.Read(t, file, &c)
			for _, detailed := range []bool{false, true} {
				files := c.Result.Files
				if detailed {
					files = c.Result.Detailed
				}
				stdout, got, err := c.run(t, detailed)
				failed := float64(0)
				if err != nil {
					failed = 1
				}
				want, mended := dies(diffs, name, c.Result.Exit, c.Result.Line)
				if failed != want {
					t.Fatalf("%v, want exit %v", err, want)
				}
				if mended || blanks(t, c.Argv) && diffs.Has(name, "metrics with blanks", "dropped") {
					continue
				}
				if i := strings.Index(c.Result.Stdout, "Maximum request concurrency:"); c.Result.Exit == 0 {
					_, rest, _ := strings.Cut(c.Result.Stdout[i:], "\n")
					_, own, _ := strings.Cut(rest, "Stopping profiler...\n")
					if own != "" {
						rest = strings.TrimPrefix(own, "Profiler stopped\n")
					}
					if stdout != rest {
						t.Errorf("stdout:\n%s\nwant:\n%s", stdout, rest)
					}
				}
				for path, text := range got {
					if !strings.HasSuffix(path, ".pytorch.json") {
						resulttest.Validate(t, []byte(text))
					}
				}
				for path, text := range files {
					if ours, ok := got[path]; !ok || ours != text {
						t.Errorf("%s:\n%s\nwant:\n%s", path, ours, text)
					}
				}
				if len(got) != len(files) {
					t.Errorf("%d files, want %d", len(got), len(files))
				}
			}
		})
	}
	t.Logf("%d runs, each without and with --save-detailed", len(files))
}

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

func compareResult(t *testing.T, s *recording.Settings, path string, text json.RawMessage, stdout string, perIter bool) {
	t.Helper()
	var f struct {
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
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	var samples []metrics.Sample
	for i := range f.TTFTs {
		s := metrics.Sample{Success: f.Errors[i] == "", PromptLen: f.Inputs[i], OutputTokens: f.OutputLens[i],
			TTFT: f.TTFTs[i], Latency: f.E2ELs[i], ITL: f.ITLs[i], Text: []byte(f.Texts[i]), Error: f.Errors[i]}
		if lines := strings.Split(strings.TrimSpace(s.Error), "\n"); strings.Contains(s.Error, "Error: ") || strings.Contains(s.Error, "aiohttp") {
			class, _, _ := strings.Cut(lines[len(lines)-1], ":")
			s.Exception = class[strings.LastIndexByte(class, '.')+1:]
		}
		samples = append(samples, s)
	}
	date, err := time.Parse("20060102-150405", f.Date)
	if err != nil {
		t.Fatal(err)
	}
	var energy *analysis.Energy
	if f.Energy != nil {
		energy = &analysis.Energy{Joules: f.Energy.Joules, Seconds: f.Energy.Joules / f.Energy.Watts}
	}
	r, err := reportOfSamples(s, samples, energy, f.Duration, date, nil)
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
	got := jsonOf(t, r.file().Append(nil))
	if whole := jsonOf(t, text); !reflect.DeepEqual(got, whole) {
		for k, w := range whole.(map[string]any) {
			if g := got.(map[string]any)[k]; !reflect.DeepEqual(g, w) {
				t.Errorf("%s: got %v, want %v", k, g, w)
			}
		}
	}
	keys := func(o []byte) (names []string) {
		d := json.NewDecoder(bytes.NewReader(o))
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
	if a, b := keys(r.file().Append(nil)), keys(text); !slices.Equal(a, b) {
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
			want := jsonOf(t, text).(map[string]any)
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
				got := jsonOf(t, pyjson.Append(nil, m.Value))
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

func TestEnergyWithoutChange(t *testing.T) {
	var out bytes.Buffer
	rec := &recording.Recording{Settings: recording.Defaults()}
	a := &analysis.Analysis{Summary: metrics.Compute(nil, 1, metrics.Options{}), Energy: &analysis.Energy{Joules: -100.5, Seconds: 4}}
	console.Run(rec, a).Table(&out)
	if !strings.Contains(out.String(), "(tps/W): N/A") {
		t.Error(out.String())
	}
	if text := string(a.File(rec, false).Append(nil)); !strings.Contains(text, `"output_tps_per_w": null, "total_gpu_power_w": -25.125`) {
		t.Error(text)
	}
}

// jsonOf is a value as it comes back from JSON, numbers kept as text.
func jsonOf(t *testing.T, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	return v
}
