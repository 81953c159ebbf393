package bench_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/golden"
)

// TestGoldenBodies sends what the original sent, byte for byte.
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
			m := &benchtest.Memory{}
			m.Handle = func(x *benchtest.Exchange) {
				chat := strings.HasSuffix(x.Path, "chat/completions")
				switch {
				case strings.HasSuffix(x.Path, "/energy_metrics"):
					if reading := m.Next(&energy); reading != "" {
						x.Reply("200 OK", "application/json", reading)
					} else {
						x.Reply("404 Not Found", "application/json", "{}")
					}
				case strings.HasSuffix(x.Path, "_profile") && c.Server.ProfileStatus > 0:
					x.Reply(fmt.Sprint(c.Server.ProfileStatus, " X"), "application/json", "{}")
				case c.Server.Fail > 0:
					x.Reply("503 Service Unavailable", "application/json", "{}")
				case bytes.Contains(x.Body, []byte(`"stream": false`)):
					x.Reply("200 OK", "application/json", `{"choices":[{"text":"a","message":{"content":"a"}}],"usage":{"completion_tokens":3}}`)
				default:
					x.Reply("200 OK", "text/event-stream", benchtest.SSE(chat, 3))
				}
			}
			t.Chdir(dir)
			got, err := benchtest.Run(t, benchtest.Settings(t, c.Argv), c.Env, m.Dial)
			m.Wait()
			exit := float64(0)
			if err != nil || got.Failed() {
				exit = 1
			}
			if want := diffs.Want(name, "exit_code", float64(c.Exit)); exit != want {
				t.Errorf("exit %v, want %v: %v", exit, want, err)
			}
			if diffs.Has(name, "requests", len(c.Requests)) {
				return
			}
			if len(m.Got) != len(c.Requests) {
				t.Fatalf("%d requests, want %d: %v", len(m.Got), len(c.Requests), err)
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
			sortTogether(m.Got, func(x *benchtest.Exchange) (line, body string) { return x.Method + " " + x.Path, string(x.Body) })
			for i, x := range m.Got {
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
func compareRequest(t *testing.T, i int, x *benchtest.Exchange, want string) {
	t.Helper()
	head, body, _ := strings.Cut(want, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	if line := x.Method + " " + x.Path + " HTTP/1.1"; line != lines[0] {
		t.Errorf("request %d: %s, want %s", i, line, lines[0])
	}
	header := map[string]string{}
	for _, l := range lines[1:] {
		k, v, _ := strings.Cut(l, ": ")
		header[strings.ToLower(k)] = strings.TrimSpace(v)
	}
	for _, own := range []string{"user-agent", "accept-encoding"} {
		delete(header, own)
		delete(x.Header, own)
	}
	got, images := withoutImages(string(x.Body))
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
		delete(x.Header, "content-length")
	}
	if !maps.Equal(x.Header, header) {
		t.Errorf("request %d: header %q, want %q", i, x.Header, header)
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
