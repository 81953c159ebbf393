// The figures of the reference data, from the outputs of single requests to the table and the
// files that the original wrote of them.
package console_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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
