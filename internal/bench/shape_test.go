package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
)

// slow is a server that answers each request after a time, and counts those under way. It
// keeps nothing.
type slow struct {
	after time.Duration
	body  string
	gap   time.Duration // between the events of the body

	all           sync.WaitGroup
	mu            sync.Mutex
	running, most int
	gone          []time.Time // when clients went away
	bodies        []string    // the first requests'
}

func (s *slow) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	s.all.Go(func() {
		defer there.Close()
		x, err := benchtest.ReadExchange(there)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.running++
		s.most = max(s.most, s.running)
		if len(s.bodies) < 100 && len(x.Body) > 0 {
			s.bodies = append(s.bodies, string(x.Body))
		}
		s.mu.Unlock()
		time.Sleep(s.after)
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
		if s.gap == 0 {
			x.Reply("200 OK", "text/event-stream", s.body)
			return
		}
		fmt.Fprint(there, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
		for event := range strings.SplitAfterSeq(s.body, "\n\n") {
			if _, err := there.Write([]byte(event)); err != nil || event == "" { // the client is gone
				s.mu.Lock()
				s.gone = append(s.gone, time.Now())
				s.mu.Unlock()
				return
			}
			time.Sleep(s.gap)
		}
	})
	return here, nil
}

// shaped runs a benchmark in virtual time against a server that takes 100 ms.
func shaped(t *testing.T, s *slow, args ...string) *benchtest.Outcome {
	t.Helper()
	if s.after == 0 {
		s.after = 100 * ms
	}
	s.body = benchtest.SSE(false, 3)
	args = append([]string{"--dataset-name", "random", "--random-ids", "--tokenizer", "llama3", "--model", "m", "--random-input-len", "5",
		"--random-output-len", "3", "--no-test-input", "--num-prompts", "0"}, args...)
	settings := benchtest.Settings(t, args)
	if err := bench.Check(&settings); err != nil {
		t.Fatal(err)
	}
	o, err := benchtest.Run(t, settings, nil, s.dial)
	if err != nil {
		t.Fatal(err)
	}
	s.all.Wait()
	return o
}

// startsOf are when requests began, in the plan's order, from the run's start.
func startsOf(rec *recording.Recording) (at []time.Duration) {
	for _, r := range rec.All() {
		at = append(at, r.Start-rec.Start)
	}
	return at
}

// every are n instants that follow one another at a distance, each k times.
func every(n, k int, by time.Duration) (at []time.Duration) {
	for i := range n * k {
		at = append(at, time.Duration(i/k)*by)
	}
	return at
}

func hasNote(o *benchtest.Outcome, code string) bool {
	return slices.ContainsFunc(o.Notes, func(n recording.Note) bool { return n.Code == code })
}

// TestDurationOfAClosedLoop: requests are sent while there is time, with prompts that begin
// again after the last, and the result has as many as there were.
func TestDurationOfAClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		path := filepath.Join(t.TempDir(), "t")
		o := shaped(t, s, "--max-concurrency", "3", "--duration", "1", "--distinct-prompts", "7", "--save-timeline", path)
		if got := startsOf(o.Recording); !slices.Equal(got, every(10, 3, 100*ms)) || o.Recording.Elapsed != time.Second || s.most != 3 {
			t.Errorf("%v, elapsed %v, %d at once", got, o.Recording.Elapsed, s.most)
		}
		f := o.Parsed(t)
		if *f.NumPrompts != 30 || *f.Completed != 30 || f.Loadgen.Requests.Sent != 30 || f.Loadgen.Requests.Asked != 30 || !hasNote(o, "prompts_repeated") {
			t.Errorf("%d asked, %d completed, %+v", *f.NumPrompts, *f.Completed, f.Loadgen.Requests)
		}
		different := map[string]int{}
		for _, body := range s.bodies {
			different[body]++
		}
		if len(different) != 7 {
			t.Errorf("%d different prompts", len(different))
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		rec, err := recording.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := analysis.Analyze(rec, func(text []byte) int { return len(tokenizer.Llama3().Encode(string(text), false)) })
		if err != nil {
			t.Fatal(err)
		}
		again := a.File(rec, false)
		again.Loadgen = a.Loadgen(rec)
		if got := again.Append(nil); !bytes.Equal(got, o.File) {
			at := 0
			for at < min(len(got), len(o.File)) && got[at] == o.File[at] {
				at++
			}
			t.Errorf("from the timeline\n%s\nfrom the run\n%s", got[at:], o.File[at:])
		}
	})
}

// TestWhicheverEndsFirst: the number of requests or the time.
func TestWhicheverEndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			n       string
			sent    int
			elapsed time.Duration
		}{{"12", 12, 400 * ms}, {"500", 30, time.Second}} {
			o := shaped(t, &slow{}, "--max-concurrency", "3", "--duration", "1", "--num-prompts", c.n)
			if f := o.Parsed(t); o.Recording.Sent() != c.sent || *f.NumPrompts != c.sent || o.Recording.Elapsed != c.elapsed || hasNote(o, "prompts_repeated") {
				t.Errorf("%s requests: %d in %v", c.n, o.Recording.Sent(), o.Recording.Elapsed)
			}
		}
	})
}

// TestDurationOfARate: with constant spacing each due time is exact, and as many prompts are
// drawn as are due.
func TestDurationOfARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		o := shaped(t, s, "--request-rate", "20", "--burstiness", "inf", "--duration", "2")
		if got := startsOf(o.Recording); !slices.Equal(got, every(40, 1, 50*ms)) || o.Recording.Elapsed != 2050*ms {
			t.Errorf("%v, elapsed %v", got, o.Recording.Elapsed)
		}
		if hasNote(o, "prompts_repeated") || len(o.Recording.Planned) != 40 {
			t.Errorf("%d were planned", len(o.Recording.Planned))
		}
		// A bound that keeps requests back: those without a slot at the end are not sent.
		o = shaped(t, s, "--request-rate", "20", "--burstiness", "inf", "--duration", "1", "--max-concurrency", "1")
		if o.Recording.Sent() != 10 || len(o.Recording.Planned) != 20 || !hasNote(o, "requests_not_sent") || *o.Parsed(t).NumPrompts != 20 {
			t.Errorf("%d of %d", o.Recording.Sent(), len(o.Recording.Planned))
		}
	})
}

// TestDrain: what takes longer than it is waited for is cut, and no failure.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{after: 300 * ms}
		o := shaped(t, s, "--max-concurrency", "2", "--duration", "1", "--drain", "0.1")
		f := o.Parsed(t).Loadgen
		if o.Recording.Elapsed != 1100*ms || f.Requests.Sent != 8 || f.Requests.CutAtEnd != 2 || f.Failures.Total != 0 || o.Analysis.Summary.Completed != 6 {
			t.Errorf("%v, %+v, %+v", o.Recording.Elapsed, f.Requests, f.Failures)
		}
		if len(o.Analysis.Findings) != 0 {
			t.Errorf("%+v", o.Analysis.Findings)
		}
		o = shaped(t, s, "--max-concurrency", "2", "--duration", "1", "--drain", "0.25")
		if o.Recording.Elapsed != 1200*ms || o.Analysis.Summary.Completed != 8 {
			t.Errorf("%v, %d completed", o.Recording.Elapsed, o.Analysis.Summary.Completed)
		}
	})
}

// TestTraceForATime: a trace's own arrival times, as far as there is time.
func TestTraceForATime(t *testing.T) {
	var lines strings.Builder
	for i := range 50 {
		fmt.Fprintf(&lines, `{"timestamp": %d, "input_length": 20, "output_length": 3, "hash_ids": [%d]}`+"\n", 100*i, i)
	}
	path := file(t, "trace.jsonl", lines.String())
	synctest.Test(t, func(t *testing.T) {
		o := shaped(t, &slow{}, "--dataset-name", "trace", "--dataset-path", path, "--duration", "2")
		if got := startsOf(o.Recording); !slices.Equal(got, every(20, 1, 100*ms)) || *o.Parsed(t).NumPrompts != 20 || o.Recording.Elapsed != 2*time.Second {
			t.Errorf("%v, elapsed %v", got, o.Recording.Elapsed)
		}
	})
}

// TestConversationsForATime: turns that are due after the end are not sent.
func TestConversationsForATime(t *testing.T) {
	path := file(t, "chats.jsonl", chats)
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		s.body = benchtest.SSE(true, 3)
		o := shaped(t, s, "--dataset-name", "conversations", "--dataset-path", path, "--backend", "openai-chat", "--max-concurrency", "1", "--duration", "1", "--num-prompts", "100")
		if n := o.Recording.Sent(); n < 3 || n > 10 || o.Recording.Elapsed > 1100*ms || *o.Parsed(t).NumPrompts != n {
			t.Errorf("%d were sent in %v", n, o.Recording.Elapsed)
		}
	})
}

// TestOneHour: an hour takes no more memory than its first minutes.
func TestOneHour(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		s := &slow{after: 800 * ms, body: benchtest.SSE(false, 20)}
		settings := benchtest.Settings(t, []string{"--dataset-name", "random", "--random-ids", "--tokenizer", "llama3", "--model", "m", "--random-input-len", "5",
			"--random-output-len", "20", "--no-test-input", "--num-prompts", "0", "--max-concurrency", "4", "--duration", "3600", "--distinct-prompts", "50",
			"--timeout", "0"}) // pipes keep the timers of deadlines
		b := bench.New(bench.Options{Settings: settings, Version: "test", Dial: s.dial, Memory: 64 << 10})
		defer b.Close()
		for _, step := range []func(context.Context) error{b.Connect, b.Prepare} {
			if err := step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := b.Request(777); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("a request of the run takes %v allocations", n)
		}
		var heap []uint64
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for range 5 {
				time.Sleep(10*time.Minute + ms)
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				heap = append(heap, m.HeapAlloc)
			}
		}()
		rec, err := b.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		<-watched
		s.all.Wait()
		if rec.Elapsed != time.Hour || rec.Sent() != 18000 || rec.Spool == nil || rec.Spool.Len() < 17000 {
			t.Fatalf("%d requests in %v", rec.Sent(), rec.Elapsed)
		}
		// A spool holds back up to two parts of 1 MiB.
		if grown := int64(slices.Max(heap)) - int64(heap[0]); grown > 3<<20 {
			t.Errorf("the heap grew by %d bytes: %v", grown, heap)
		}
		a, err := analysis.Analyze(rec, nil)
		if err != nil || a.Summary.Completed != 18000 || a.Summary.Latency[0].Median != 0.8 {
			t.Errorf("%v, %d completed, %+v", err, a.Summary.Completed, a.Summary.Latency[0])
		}
	})
}
