package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/golden"
)

// sseOf writes a completion or chat stream of n tokens with usage.
func sseOf(chat bool, n int) string {
	var b strings.Builder
	for range n {
		if chat {
			b.WriteString(`data: {"choices":[{"index":0,"delta":{"content":"a"}}]}` + "\n\n")
		} else {
			b.WriteString(`data: {"choices":[{"index":0,"text":"a"}]}` + "\n\n")
		}
	}
	fmt.Fprintf(&b, `data: {"choices":[],"usage":{"prompt_tokens":5,"total_tokens":%d,"completion_tokens":%d}}`+"\n\ndata: [DONE]\n\n", n+5, n)
	return b.String()
}

func TestGoldenBodies(t *testing.T) {
	diffs := golden.LoadDifferences(t, "bodies")
	dir := golden.Dir(t, "bodies")
	files := golden.Files(t, "bodies", "*.json")
	for _, file := range files {
		name := golden.Name(file)
		var c struct {
			Argv   []string
			Env    map[string]string
			Server struct {
				Fail          int
				Energy        []json.RawMessage
				ProfileStatus int `json:"profile_status"`
			}
			Exit     int `json:"exit_code"`
			Requests []struct{ Offset, Length int }
		}
		golden.Read(t, file, &c)
		wire, err := os.ReadFile(filepath.Join(dir, name+".http"))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			energy := c.Server.Energy
			m := &memory{}
			m.handle = func(x *exchange) {
				chat := strings.HasSuffix(x.path, "chat/completions")
				switch {
				case strings.HasSuffix(x.path, "/energy_metrics"):
					if reading := m.next(&energy); reading != "" {
						x.reply("200 OK", "application/json", reading)
					} else {
						x.reply("404 Not Found", "application/json", "{}")
					}
				case strings.HasSuffix(x.path, "_profile") && c.Server.ProfileStatus > 0:
					x.reply(fmt.Sprint(c.Server.ProfileStatus, " X"), "application/json", "{}")
				case c.Server.Fail > 0:
					x.reply("503 Service Unavailable", "application/json", "{}")
				case bytes.Contains(x.body, []byte(`"stream": false`)):
					x.reply("200 OK", "application/json", `{"choices":[{"text":"a","message":{"content":"a"}}],"usage":{"completion_tokens":3}}`)
				default:
					x.reply("200 OK", "text/event-stream", sseOf(chat, 3))
				}
			}
			t.Chdir(dir)
			got := runPlan(t, append([]string{"--disable-tqdm"}, c.Argv...), c.Env, m.dial)
			m.all.Wait()
			if want := diffs.Want(name, "exit_code", float64(c.Exit)); float64(got.exit) != want {
				t.Errorf("exit %d, want %v: %s", got.exit, want, got.stderr)
			}
			if diffs.Has(name, "requests", len(c.Requests)) {
				return
			}
			if len(m.got) != len(c.Requests) {
				t.Fatalf("%d requests, want %d: %s", len(m.got), len(c.Requests), got.stderr)
			}
			want := make([]string, len(c.Requests))
			for i, r := range c.Requests {
				want[i] = string(wire[r.Offset:][:r.Length])
			}
			sortTogether(want, func(text string) (line, body string) {
				line, _, _ = strings.Cut(text, "\r\n")
				_, body, _ = strings.Cut(text, "\r\n\r\n")
				return line, body
			})
			sortTogether(m.got, func(x *exchange) (line, body string) { return x.method + " " + x.path, string(x.body) })
			for i, x := range m.got {
				compareRequest(t, i, x, want[i])
			}
		})
	}
	t.Logf("%d runs", len(files))
}

// sortTogether sorts by their bodies the requests that follow each other to the
// same place: they are sent together, and arrive in any order.
func sortTogether[T any](all []T, parts func(T) (line, body string)) {
	for len(all) > 0 {
		first, _ := parts(all[0])
		n := slices.IndexFunc(all, func(x T) bool { line, _ := parts(x); return line != first })
		if n < 0 {
			n = len(all)
		}
		slices.SortStableFunc(all[:n], func(a, b T) int {
			_, x := parts(a)
			_, y := parts(b)
			return strings.Compare(x, y)
		})
		all = all[n:]
	}
}

// compareRequest compares a request with the original's bytes.
func compareRequest(t *testing.T, i int, x *exchange, want string) {
	t.Helper()
	head, body, _ := strings.Cut(want, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	if line := x.method + " " + x.path + " HTTP/1.1"; line != lines[0] {
		t.Errorf("request %d: %s, want %s", i, line, lines[0])
	}
	header := map[string]string{}
	for _, l := range lines[1:] {
		k, v, _ := strings.Cut(l, ": ")
		header[strings.ToLower(k)] = strings.TrimSpace(v)
	}
	for _, own := range []string{"user-agent", "accept-encoding"} {
		delete(header, own)
		delete(x.header, own)
	}
	got, images := withoutImages(string(x.body))
	body, theirs := withoutImages(body)
	if len(images) != len(theirs) {
		t.Errorf("request %d: %d images, want %d", i, len(images), len(theirs))
	}
	for k, text := range images {
		data, err := base64.StdEncoding.DecodeString(text)
		if err == nil {
			_, err = jpeg.Decode(bytes.NewReader(data))
		}
		if err != nil {
			t.Errorf("request %d: image %d: %v", i, k, err)
		}
	}
	if len(images) > 0 {
		delete(header, "content-length")
		delete(x.header, "content-length")
	}
	if !maps.Equal(x.header, header) {
		t.Errorf("request %d: header %q, want %q", i, x.header, header)
	}
	if got != body {
		t.Errorf("request %d: body\n%s, want\n%s", i, got, body)
	}
}

var jpegURL = regexp.MustCompile(`data:image/jpeg;base64,([^"\\]*)`)

// withoutImages takes the JPEG images out of a body; the data's are cut, and their bytes
// depend on who made them.
func withoutImages(body string) (rest string, images []string) {
	for _, m := range jpegURL.FindAllStringSubmatch(body, -1) {
		images = append(images, m[1])
	}
	return jpegURL.ReplaceAllString(body, "IMAGE"), images
}

func TestGoldenE2E(t *testing.T) {
	diffs := golden.LoadDifferences(t, "e2e")
	files := golden.Files(t, "e2e", "*.json")
	numbers := regexp.MustCompile(`\d+\.\d+ *`)
	for _, file := range files {
		t.Run(golden.Name(file), func(t *testing.T) {
			var c struct {
				Argv   []string
				Server struct {
					Tokens       []float64
					Late         float64
					Status       int
					Energy       []json.RawMessage
					EnergyDelay  float64 `json:"energy_delay"`
					ProfileDelay float64 `json:"profile_delay"`
					ProfileBody  *string `json:"profile_body"`
				}
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
				energy := c.Server.Energy
				m := &memory{}
				m.handle = func(x *exchange) {
					pause := func(ms float64) { time.Sleep(time.Duration(ms * 1e6)) }
					chat := strings.Contains(x.path, "chat")
					switch {
					case x.path == "/energy_metrics":
						if reading := m.next(&energy); reading != "" {
							pause(c.Server.EnergyDelay)
							x.reply("200 OK", "application/json", reading)
						} else {
							x.reply("404 Not Found", "text/plain", "")
						}
					case strings.HasSuffix(x.path, "_profile") && c.Server.ProfileBody != nil:
						pause(c.Server.ProfileDelay)
						x.reply("200 OK", "application/json", *c.Server.ProfileBody)
					case strings.HasSuffix(x.path, "_profile"):
						pause(c.Server.ProfileDelay)
						x.reply("200 OK", "application/json", `{}`)
					case c.Server.Status > 0:
						x.reply(fmt.Sprint(c.Server.Status, " Service Unavailable"), "text/plain", "")
					default:
						fmt.Fprint(x.conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
						write := func(s string) { fmt.Fprintf(x.conn, "%x\r\n%s\r\n", len(s), s) }
						n := len(c.Server.Tokens)
						events := strings.SplitAfterN(sseOf(chat, n), "\n\n", n+1)
						for i, ms := range c.Server.Tokens {
							pause(ms)
							write(events[i])
						}
						tail := events[n]
						if n == 0 {
							tail = "data: [DONE]\n\n"
						}
						write(tail)
						pause(c.Server.Late)
						fmt.Fprint(x.conn, "0\r\n\r\n")
					}
				}
				got := runPlan(t, withTokenizer(append(c.Argv, "--failures", "original")), nil, m.dial)
				m.all.Wait()
				name := golden.Name(file)
				completed := func() int { return c.Result.Saved.Completed }
				if want := wantExit(diffs, name, c.Result.Exit, completed); float64(got.exit) != want {
					t.Errorf("exit %d, want %v: %s", got.exit, want, got.stderr)
				}
				if len(m.got) != len(c.Result.Requests) {
					t.Fatalf("%d requests, want %d", len(m.got), len(c.Result.Requests))
				}
				for i, w := range c.Result.Requests {
					x := m.got[i]
					at := x.at.Sub(m.got[0].at).Seconds() * 1e3
					if x.method != w[1] || x.path != w[2] || math.Abs(at-w[0].(float64)) > 30+3*float64(i) { // the original drifts with each sleep
						t.Errorf("request %d: %v ms %s %s, want %v", i, at, x.method, x.path, w)
					}
				}
				if c.Result.Saved == nil {
					return
				}
				var r resultFile
				readResultFile(t, "r.json", &r)
				if w := c.Result.Saved; math.Abs(r.Duration-w.Duration) > 0.030+0.003*float64(len(w.TTFTs)) || r.Completed != w.Completed {
					t.Errorf("duration %v, completed %d; want %v, %d", r.Duration, r.Completed, w.Duration, w.Completed)
				}
				want := withoutDebugging(fromRun(c.Result.Stdout))
				if a, b := numbers.ReplaceAllString(got.stdout, "F "), numbers.ReplaceAllString(want, "F "); a != b && !diffs.Has(name, "stdout", "") {
					t.Errorf("stdout:\n%s\nwant:\n%s", a, b)
				}
			})
		})
	}
	t.Logf("%d runs in virtual time", len(files))
}

// debugging tells whether a line is what the original prints of an HTTP error's header.
func debugging(line string) bool {
	return strings.HasPrefix(line, "HTTP Error") || strings.HasPrefix(line, "<CIMultiDict") || strings.HasPrefix(line, "<ClientResponse")
}

// withoutDebugging leaves out such lines, and the blank one after each.
func withoutDebugging(stdout string) string {
	var kept []string
	after := false
	for _, line := range strings.SplitAfter(stdout, "\n") {
		if after = debugging(line) || after && line == "\n"; !after {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// wantExit is the data's exit code, or ours where all requests failed.
func wantExit(diffs golden.Differences, name string, exit int, completed func() int) any {
	if exit == 0 && completed() == 0 {
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
				m := &memory{}
				dial := m.dial
				m.handle = func(x *exchange) {
					switch {
					case x.method == "GET":
						x.reply("404 Not Found", "text/plain", "")
					case !c.TestWorks:
						x.reply("503 Service Unavailable", "text/plain", "")
					default:
						fmt.Fprint(x.conn, "HTTP/1.1 200 OK\r\n\r\n")
						for _, event := range strings.SplitAfter(sseOf(strings.Contains(x.path, "chat"), 10), "\n\n") {
							time.Sleep(100 * time.Millisecond)
							fmt.Fprint(x.conn, event)
						}
					}
				}
				if !c.Fake {
					dial = refuse
				}
				argv := append(c.Argv[:len(c.Argv):len(c.Argv)], "--failures", "original")
				if c.Tokenizer {
					argv = withTokenizer(argv)
				}
				got := runPlan(t, argv, nil, dial)
				m.all.Wait()
				completed := func() int { return strings.Count(got.stdout, "Failed requests:                         0 ") }
				if want := wantExit(diffs, c.Name, c.Result.Exit, completed); float64(got.exit) != want {
					t.Fatalf("exit %d, want %v: %s", got.exit, want, got.stderr)
				}
				if line := c.Result.Line; line != nil && !slices.ContainsFunc(theirs, func(s string) bool { return strings.Contains(*line, s) }) {
					_, words, _ := strings.Cut(*line, ": ")
					words, _, _ = strings.Cut(words, " ['ttft'")
					if !strings.Contains(got.stderr, strings.TrimSpace(words)) && !diffs.Has(c.Name, "words", words) {
						t.Errorf("stderr:\n%swant %s", got.stderr, words)
					}
				}
				want := fromRun(c.Result.Stdout)
				if c.Result.Exit != 0 && got.exit != 0 && got.stdout != want && !diffs.Has(c.Name, "stdout", want) {
					t.Errorf("stdout:\n%s\nwant:\n%s", got.stdout, want)
				}
			})
		})
	}
	t.Logf("%d checks", len(cases))
}
