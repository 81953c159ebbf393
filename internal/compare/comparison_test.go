package compare

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadgen/internal/server"
)

const twoServers = "servers: [{name: a, start: sa, env: {T: one}}, {name: b, start: sb}]\nconcurrencies: [2, 4]\nrepeats: 2\nwarmup: 0\ncool_down: 0\n"

// TestLife: servers are started and stopped in turn, runs are made in order, and the
// results are in the plan's order.
func TestLife(t *testing.T) {
	x, dir := newTrial(), t.TempDir()
	outcome, err := x.run(t, t.Context(), twoServers+"order: ABBA", dir, Options{})
	if err != nil || len(outcome.Failures) > 0 {
		t.Fatal(err, outcome.Failures)
	}
	if got := strings.Join(x.servers.events, " "); got != "+a -a +b -b +a -a" {
		t.Error(got)
	}
	at := func(names ...string) (out []string) {
		for _, n := range names {
			out = append(out, filepath.Join(dir, n+".json"))
		}
		return out
	}
	want := at("a/concurrency_2", "a/concurrency_4", "b/concurrency_2", "b/concurrency_4",
		"b/concurrency_2_repeat_2", "b/concurrency_4_repeat_2", "a/concurrency_2_repeat_2", "a/concurrency_4_repeat_2")
	if diff := cmp.Diff(want, outcome.Results) + cmp.Diff(want, x.bench.made); diff != "" {
		t.Error(diff)
	}
	o := x.servers.given[2]
	if o.Log != filepath.Join(dir, "a", "server_2.log") || len(o.Env) != 1 || o.Env[0] != "T=one" || o.BaseURL != "http://127.0.0.1:8000" {
		t.Errorf("%+v", o)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "b", "concurrency_4.txt")); err != nil || string(text) != "running\n" {
		t.Errorf("%s %v", text, err)
	}
	if x.noted("[8/8] a, concurrency 4, repeat 2: 20 requests") != 1 {
		t.Errorf("%q", x.notes)
	}
}

// TestResume: results that are complete, made with the same settings by the same server
// and by a client that kept up are kept, all others made again.
func TestResume(t *testing.T) {
	x, dir := newTrial(), t.TempDir()
	all := func(text string, o Options, kept int, why string) Outcome {
		t.Helper()
		outcome, err := x.run(t, t.Context(), text, dir, o)
		if err != nil || len(outcome.Results) != 8 || len(x.bench.made) != 8-kept || x.noted(" is kept") != kept || kept < 8 && x.noted(why) != 8-kept {
			t.Errorf("%v: %d made, %d kept, %d with %q\n%q", err, len(x.bench.made), x.noted(" is kept"), x.noted(why), why, x.notes)
		}
		return outcome
	}
	if _, err := x.run(t, t.Context(), twoServers, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	var exists *ExistsError
	if _, err := x.run(t, t.Context(), twoServers, dir, Options{}); !errors.As(err, &exists) || exists.Path != filepath.Join(dir, "a", "concurrency_2.json") {
		t.Error(err)
	}
	all(twoServers, Options{Resume: true}, 8, "")
	if len(x.servers.events) > 0 {
		t.Error(x.servers.events)
	}
	edit := func(name, from, to string) {
		t.Helper()
		file := filepath.Join(dir, name)
		text, err := os.ReadFile(file)
		if err == nil && !strings.Contains(string(text), from) {
			err = errors.New("no " + from + " in " + string(text))
		}
		if err = errors.Join(err, os.WriteFile(file, []byte(strings.Replace(string(text), from, to, 1)), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	edit("a/concurrency_2.json", "{", "half")
	all(twoServers, Options{Resume: true}, 7, "it cannot be read")
	edit("b/concurrency_2.json", `"Complete":true`, `"Complete":false`)
	all(twoServers, Options{Resume: true}, 7, "it is not complete")
	edit("b/concurrency_4.json", `"ClientLimited":false`, `"ClientLimited":true`)
	all(twoServers, Options{Resume: true}, 7, "the client could not keep up")
	all(twoServers+"flags: {seed: 7}", Options{Resume: true}, 0, "it was made with flags map[], not map[seed:7]")
	all(strings.Replace(twoServers, "one", "two", 1)+"flags: {seed: 7}", Options{Resume: true}, 4, "its server was started differently")
	all(strings.Replace(twoServers, "one", "two", 1)+"flags: {seed: 7}", Options{Overwrite: true}, 0, "")
	if err := os.Remove(filepath.Join(dir, SavedName)); err != nil { // and the key with it
		t.Fatal(err)
	}
	all(strings.Replace(twoServers, "one", "two", 1)+"flags: {seed: 7}", Options{Resume: true}, 0, "its server was started differently")
}

// TestFormerResultsStay: what cannot be made anew leaves what is there, and that is not a
// result of the comparison.
func TestFormerResultsStay(t *testing.T) {
	x, dir := newTrial(), t.TempDir()
	if _, err := x.run(t, t.Context(), twoServers, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	x.bench.run = func(l Load, _ context.Context) error {
		if l.Concurrency == 4 {
			return ErrAllFailed
		}
		return errors.New("cannot begin")
	}
	outcome, err := x.run(t, t.Context(), twoServers+"order: servers", dir, Options{Overwrite: true})
	if err != nil || len(outcome.Results) != 0 || len(outcome.Failures) != 8 || x.noted("error: a at concurrency 2: cannot begin") != 2 || x.noted("every request failed") != 0 {
		t.Errorf("%v %+v %q", err, outcome, x.notes)
	}
	if !strings.Contains(errors.Join(outcome.Failures...).Error(), "b at concurrency 4: every request failed") {
		t.Error(outcome.Failures)
	}
	if left, _ := filepath.Glob(dir + "/*/*.json"); len(left) != 8 {
		t.Error(left)
	}
	if left, _ := filepath.Glob(dir + "/*/*.former"); len(left) != 0 {
		t.Error(left)
	}
}

// TestServersThatFail: one that cannot be started costs its own runs, and one that ends in
// a run is started anew for the next.
func TestServersThatFail(t *testing.T) {
	x, dir := newTrial(), t.TempDir()
	x.servers.fails["a"] = errors.New("out of memory")
	outcome, err := x.run(t, t.Context(), twoServers, dir, Options{})
	if err != nil || len(outcome.Results) != 4 || len(outcome.Failures) != 1 || x.noted("error: a cannot be loaded: out of memory") != 1 {
		t.Errorf("%v %+v %q", err, outcome, x.notes)
	}
	if got := strings.Join(x.servers.events, " "); got != "a fails +b -b +b -b" && got != "a fails +b -b" {
		t.Error(got)
	}

	x, dir = newTrial(), t.TempDir()
	died := false
	x.bench.run = func(l Load, ctx context.Context) error {
		if s := x.servers.up["a"]; s != nil && !died {
			died = true
			s.unfit = errors.New("a ended by itself: exit status 3")
			close(s.ended)
			<-ctx.Done()
		}
		return nil
	}
	outcome, err = x.run(t, t.Context(), twoServers+"order: servers", dir, Options{})
	if err != nil || len(outcome.Results) != 8 || len(outcome.Failures) != 1 || x.noted("error: a at concurrency 2: a ended by itself: exit status 3") != 1 {
		t.Errorf("%v %+v %q", err, outcome, x.notes)
	}
	if got := strings.Join(x.servers.events, " "); got != "+a -a +a -a +b -b" {
		t.Error(got)
	}
}

// TestInterrupted: the run under way ends, its server is stopped, and no other begins.
func TestInterrupted(t *testing.T) {
	x := newTrial()
	ctx, cancel := context.WithCancelCause(t.Context())
	x.bench.run = func(Load, context.Context) error { cancel(errors.New("interrupted")); return nil }
	x.bench.perRequest = time.Hour
	outcome, err := x.run(t, ctx, twoServers, t.TempDir(), Options{})
	if err != nil || len(outcome.Results) != 1 || len(outcome.Failures) != 0 || strings.Join(x.servers.events, " ") != "+a -a" {
		t.Errorf("%v %+v %q", err, outcome, x.servers.events)
	}
}

// TestTimeLeft: a start of a minute does not make a few requests look like minutes.
func TestTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrial()
		x.servers.start, x.servers.stop, x.bench.perRequest = time.Minute, 10*time.Second, 10*time.Millisecond
		began := time.Now()
		plan := strings.Replace(twoServers, "cool_down: 0", "cool_down: 5s", 1) + "order: servers\nprompts_per_concurrency: 50"
		if _, err := x.run(t, t.Context(), plan, t.TempDir(), Options{}); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began) // two starts and stops, 1,200 requests, six pauses
		if want := 2*70*time.Second + 12*time.Second + 6*5*time.Second; took != want {
			t.Errorf("%v, want %v", took, want)
		}
		// How long a stop takes is not known before the first.
		for i, want := range []string{"", "; about 1m41s left", "; about 1m34s left", "; about 1m28s left", "; about 1m21s left"} {
			if i == 0 && strings.Contains(x.notes[0], "left") || !strings.HasSuffix(x.notes[i], want) {
				t.Errorf("%q, want %q", x.notes[i], want)
			}
		}
		if last := x.notes[7]; !strings.HasSuffix(last, "; about 17s left") {
			t.Error(last)
		}
	})
	for d, want := range map[time.Duration]string{0: "1s", 90 * time.Second: "1m30s", 75*time.Minute + 29*time.Second: "1h15m"} {
		if got := shortSpan(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// TestServerBecomesAnother: what the server says of itself is kept with each result, and
// that it changed during a run.
func TestServerBecomesAnother(t *testing.T) {
	x, dir := newTrial(), t.TempDir()
	x.servers.said = server.About{Model: "m", Version: "1"}
	x.bench.run = func(l Load, _ context.Context) error {
		x.servers.said.Version += "x"
		return nil
	}
	if _, err := x.run(t, t.Context(), twoServers, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "a", "concurrency_2.json"))
	if err != nil || !strings.Contains(string(text), `"version":"1"`) || !strings.Contains(strings.ReplaceAll(string(text), " ", ""), `"became":{"model":"m","version":"1x"}`) || !strings.Contains(string(text), "hmac-sha256:") {
		t.Errorf("%v %s", err, text)
	}
}
