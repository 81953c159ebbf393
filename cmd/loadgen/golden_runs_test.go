package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/golden"
)

// e2eServer is how the server of a case behaves; its times are in ms.
type e2eServer struct {
	Tokens       []float64
	Late         float64
	Status       int
	Energy       []json.RawMessage
	EnergyDelay  float64 `json:"energy_delay"`
	ProfileDelay float64 `json:"profile_delay"`
	ProfileBody  *string `json:"profile_body"`
}

// serve answers m's requests as the server did.
func (s *e2eServer) serve(m *benchtest.Memory) {
	energy := s.Energy
	m.Handle = func(x *benchtest.Exchange) {
		pause := func(ms float64) { time.Sleep(time.Duration(ms * 1e6)) }
		chat := strings.Contains(x.Path, "chat")
		switch {
		case x.Path == "/energy_metrics":
			if reading := m.Next(&energy); reading != "" {
				pause(s.EnergyDelay)
				x.Reply("200 OK", "application/json", reading)
			} else {
				x.Reply("404 Not Found", "text/plain", "")
			}
		case strings.HasSuffix(x.Path, "_profile") && s.ProfileBody != nil:
			pause(s.ProfileDelay)
			x.Reply("200 OK", "application/json", *s.ProfileBody)
		case strings.HasSuffix(x.Path, "_profile"):
			pause(s.ProfileDelay)
			x.Reply("200 OK", "application/json", `{}`)
		case s.Status > 0:
			x.Reply(fmt.Sprint(s.Status, " Service Unavailable"), "text/plain", "")
		default:
			fmt.Fprint(x.Conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			write := func(s string) { fmt.Fprintf(x.Conn, "%x\r\n%s\r\n", len(s), s) }
			n := len(s.Tokens)
			events := strings.SplitAfterN(benchtest.SSE(chat, n), "\n\n", n+1)
			for i, ms := range s.Tokens {
				pause(ms)
				write(events[i])
			}
			tail := events[n]
			if n == 0 {
				tail = "data: [DONE]\n\n"
			}
			write(tail)
			pause(s.Late)
			fmt.Fprint(x.Conn, "0\r\n\r\n")
		}
	}
}

func TestGoldenE2E(t *testing.T) {
	diffs := golden.LoadDifferences(t, "e2e")
	files := golden.Files(t, "e2e", "*.json")
	numbers := regexp.MustCompile(`\d+\.\d+ *`)
	for _, file := range files {
		t.Run(golden.Name(file), func(t *testing.T) {
			var c struct {
				Argv   []string
				Server e2eServer
				Result struct {
					Exit     int
					Stdout   string
					Requests [][]any `json:"requests_ms_method_path"`
					Saved    *resultFile
				}
			}
			golden.Read(t, file, &c)
			t.Chdir(t.TempDir())
			synctest.Test(t, func(t *testing.T) {
				m := &benchtest.Memory{}
				c.Server.serve(m)
				got := runPlan(t, withTokenizer(append(c.Argv, "--failures", "original")), nil, m.Dial)
				m.Wait()
				name := golden.Name(file)
				completed := func() int { return c.Result.Saved.Completed }
				if want := wantExit(diffs, name, c.Result.Exit, got.exit, completed); float64(got.exit) != want {
					t.Errorf("exit %d, want %v: %s", got.exit, want, got.stderr)
				}
				if len(m.Got) != len(c.Result.Requests) {
					t.Fatalf("%d requests, want %d", len(m.Got), len(c.Result.Requests))
				}
				for i, w := range c.Result.Requests {
					x := m.Got[i]
					at := x.At.Sub(m.Got[0].At).Seconds() * 1e3
					if x.Method != w[1] || x.Path != w[2] || !(math.Abs(at-w[0].(float64)) <= 30+3*float64(i)) { // the original drifts with each sleep
						t.Errorf("request %d: %v ms %s %s, want %v", i, at, x.Method, x.Path, w)
					}
				}
				if c.Result.Saved == nil {
					return
				}
				var r resultFile
				readResultFile(t, "r.json", &r)
				if w := c.Result.Saved; !(math.Abs(r.Duration-w.Duration) <= 0.030+0.003*float64(len(w.TTFTs))) || r.Completed != w.Completed {
					t.Errorf("duration %v, completed %d; want %v, %d", r.Duration, r.Completed, w.Duration, w.Completed)
				}
				want := golden.WithoutDebugging(golden.FromRun(c.Result.Stdout))
				if a, b := numbers.ReplaceAllString(got.stdout, "F "), numbers.ReplaceAllString(want, "F "); a != b && !diffs.Has(name, "stdout", "") {
					t.Errorf("stdout:\n%s\nwant:\n%s", a, b)
				}
			})
		})
	}
	t.Logf("%d runs in virtual time", len(files))
}

// wantExit is the data's exit code, or ours where all requests failed, of those that got so far.
func wantExit(diffs golden.Differences, name string, exit, got int, completed func() int) any {
	if exit == 0 && got != exitUsage && completed() == 0 {
		return diffs.Want(name, "exit when all requests failed", float64(0))
	}
	return diffs.Want(name, "exit", float64(exit))
}

// theirs are exceptions whose words are Python's or a library's, not the program's.
var theirs = []string{"FileNotFoundError", "JSONDecodeError", "NameError", "UnboundLocalError", "HFValidationError", "OSError", "IndexError", "<traceback>", "Unsupported dataset path", "download_path", "dataset_path must"}

func TestGoldenMainChecks(t *testing.T) {
	diffs := golden.LoadDifferences(t, "main_checks")
	var cases []struct {
		Name      string
		Argv      []string
		Files     map[string]string `json:"input_files"`
		Fake      bool              `json:"fake_request_functions"`
		TestWorks bool              `json:"fake_test_request_succeeds"`
		Tokenizer bool              `json:"fake_tokenizer"`
		Result    struct {
			Exit   int
			Line   *string `json:"exception_line"`
			Stdout string
		}
	}
	golden.Read(t, filepath.Join(golden.Dir(t, "argparse"), "main_checks.json"), &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for name, text := range c.Files {
				if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Test(t, func(t *testing.T) {
				m := &benchtest.Memory{}
				dial := m.Dial
				m.Handle = func(x *benchtest.Exchange) {
					switch {
					case x.Method == "GET":
						x.Reply("404 Not Found", "text/plain", "")
					case !c.TestWorks:
						x.Reply("503 Service Unavailable", "text/plain", "")
					default:
						fmt.Fprint(x.Conn, "HTTP/1.1 200 OK\r\n\r\n")
						for _, event := range strings.SplitAfter(benchtest.SSE(strings.Contains(x.Path, "chat"), 10), "\n\n") {
							time.Sleep(100 * time.Millisecond)
							fmt.Fprint(x.Conn, event)
						}
					}
				}
				if !c.Fake {
					dial = benchtest.Refuse
				}
				argv := append(c.Argv[:len(c.Argv):len(c.Argv)], "--failures", "original")
				if c.Tokenizer {
					argv = withTokenizer(argv)
				}
				got := runPlan(t, argv, nil, dial)
				m.Wait()
				completed := func() int { return strings.Count(got.stdout, "Failed requests:                         0 ") }
				if want := wantExit(diffs, c.Name, c.Result.Exit, got.exit, completed); float64(got.exit) != want {
					t.Fatalf("exit %d, want %v: %s", got.exit, want, got.stderr)
				}
				if line := c.Result.Line; line != nil && !slices.ContainsFunc(theirs, func(s string) bool { return strings.Contains(*line, s) }) {
					_, words, _ := strings.Cut(*line, ": ")
					words, _, _ = strings.Cut(words, " ['ttft'")
					if !strings.Contains(got.stderr, strings.TrimSpace(words)) && !diffs.Has(c.Name, "words", words) {
						t.Errorf("stderr:\n%swant %s", got.stderr, words)
					}
				}
				want := golden.FromRun(c.Result.Stdout)
				if c.Result.Exit != 0 && got.exit != 0 && got.stdout != want && !diffs.Has(c.Name, "stdout", want) {
					t.Errorf("stdout:\n%s\nwant:\n%s", got.stdout, want)
				}
			})
		})
	}
	t.Logf("%d checks", len(cases))
}
