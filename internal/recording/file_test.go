package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"loadgen/internal/breakdown"
	"loadgen/internal/gpu"
	"loadgen/internal/health"
	"loadgen/internal/stream"
	"loadgen/pkg/client"
)

// result is a request with everything that a Result can have.
func result(rng *rand.Rand, i int) *client.Result {
	at := func() time.Duration { return time.Duration(rng.Int64N(1e12)) }
	r := &client.Result{Due: at(), Handed: at(), Permit: at(), Start: at(), Connect: at(), Written: at(), End: at(), ConnectLate: at(), MinRTT: at(),
		Reused: i%2 == 0, KernelStamps: i%3 == 0, SYNRetransmits: i % 4, Retransmits: i}
	r.Status, r.Reason, r.ContentType, r.ContentEncoding, r.FinishReason = 200, "OK", "text/event-stream", "gzip", "length"
	r.FirstByte, r.LastByte, r.Text, r.Location, r.Reusable = at(), at(), []byte("text ☂"), "/elsewhere", i%2 == 1
	r.Usage, r.SeenUsage = stream.UsageCounts{Prompt: 5, Completion: -1, Cached: 3}, stream.UsageCounts{Prompt: 1, Completion: 2, Cached: -1}
	r.DecodedPerIter, r.HasDecodedPerIter, r.Done = 1.25, true, i%5 == 0
	for k := range i % 7 {
		r.Events = append(r.Events, client.Event{At: at(), Kind: stream.Kind(1 + k), Choices: k%2 == 0, Shared: k%3 == 0, Tokens: int32(k) - 1, TextEnd: int32(10 * k), Uncertainty: rng.Uint32()})
	}
	if i%4 == 3 {
		r.Err, r.OriginalFailed, r.Body = &client.Error{Class: stream.Cut, Message: "cut: it ended", Exception: true}, true, []byte("words")
	}
	return r
}

func text(s string) *string { return &s }

// recorded is a run of n requests of which every tenth was never sent.
func recorded(n int) *Recording {
	rng := rand.New(rand.NewPCG(1, 2))
	s := Defaults()
	top, concurrency := math.NaN(), 8
	s.TopP, s.MaxConcurrency, s.Logprobs = nil, &concurrency, big.NewInt(5)
	s.Header, s.Metadata, s.Model = &[]string{"X-A:b:c", "Y:"}, &[]string{"a=b"}, text("m")
	s.Temperature, s.MinP = &top, nil
	top = math.Inf(-1)
	r := &Recording{
		Version: "v", Go: "go", Machine: Machine{OS: "linux", Kernel: text("6"), CPUs: 2}, Settings: s, TokenizerID: "t", Prompts: "sha256:1", KernelStamps: true, Template: &Template{Added: 10.5, Prefix: 5},
		Began: time.Date(2026, 7, 1, 10, 0, 0, 123456789, time.FixedZone("", 7200)), Start: 77, Elapsed: 12 * time.Second,
		Ended: time.Date(2026, 7, 1, 10, 0, 12, 0, time.UTC), Interrupted: true,
		Health: health.Report{Wall: 3, Machine: &health.Machine{Busy: 0.5}, Stalls: []health.Stall{{Since: 1, From: 2, To: 3}}, Clock: "tsc"},
		Before: &client.EnergyReading{TotalJoules: 1.5, QueryTime: 2}, After: &client.EnergyReading{TotalJoules: 3, Whole: true},
		Server: &Server{Source: "/perf_metrics", Requests: []breakdown.Record{{IDs: []string{"7"}, Context: breakdown.Instants{Arrival: 1}, Reused: 2}}, Iterations: 3},
		GPU:    &gpu.Report{Source: "nvidia-smi", Samples: []gpu.Sample{{At: 5, GPU: "0", Name: "H200", Watts: 300.5, Memory: -1}}},
		Notes:  []Note{{Code: "c", Text: "t", Hint: "h"}},
	}
	for i := range n {
		r.Planned = append(r.Planned, Planned{PromptLen: 512 + i, OutputLen: 128 - i, Conversation: n, Turn: i, Think: time.Duration(i)})
		if i%10 == 9 {
			r.Results = append(r.Results, nil)
		} else {
			r.Results = append(r.Results, result(rng, i))
		}
	}
	return r
}

// written is the file of a recording; killed leaves its end away.
func written(t testing.TB, r *Recording, killed bool) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.timeline")
	w, err := Create(path, r, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(r.Results) - 1; i >= 0; i-- { // they end in any order
		if r.Results[i] != nil {
			w.Add(i, r.Results[i])
		}
	}
	last := r
	if killed {
		last = nil
	}
	if err := w.Close(last); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// equal takes nothing for nothing, and numbers by their value.
var equal = cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateNaNs(), cmp.Comparer(func(a, b *big.Int) bool {
	return a == b || a != nil && b != nil && a.Cmp(b) == 0
})}

// TestWhatIsWrittenIsRead: a recording that is written and read is the same.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, n := range []int{0, 1, 50} {
		want := recorded(n)
		got, err := Read(bytes.NewReader(written(t, want, false)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, equal); d != "" {
			t.Errorf("%d requests: %s", n, d)
		}
	}
}

// TestSaved: a run that is over is written whole.
func TestSaved(t *testing.T) {
	spool, results := spooled(t, 3000)
	if err := spool.Finish(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]*Recording{"none": recorded(0), "some": recorded(50), "many": {Spool: spool, Planned: make([]Planned, len(results)), Results: make([]*client.Result, len(results))}} {
		var file bytes.Buffer
		if err := want.Write(&file); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&file)
		if err != nil || got.Killed {
			t.Fatal(name, err)
		}
		all := *want
		if all.Results, all.Spool = want.Sliced(), nil; name == "many" {
			all.Results = results
		}
		if d := cmp.Diff(&all, got, equal); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	full := errors.New("no space left on device")
	if err := recorded(5).Write(failing{full}); err != full {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestEveryCut reads a file that ends anywhere: whole records are there.
func TestEveryCut(t *testing.T) {
	want := recorded(9)
	data := written(t, want, true)
	seen := 0
	for n := len(Magic); n <= len(data); n++ {
		f, err := Read(bytes.NewReader(data[:n]))
		if err != nil {
			if seen > 0 {
				t.Fatalf("cut at %d: %v", n, err)
			}
			continue // the header is not whole
		}
		now := 0
		for i, r := range f.Results {
			if r == nil {
				continue
			}
			now++
			if d := cmp.Diff(want.Results[i], r, equal); d != "" {
				t.Fatalf("cut at %d: %s", n, d)
			}
		}
		if now < seen {
			t.Fatalf("cut at %d: %d requests, %d before", n, now, seen)
		}
		if seen = now; !f.Killed || !f.Interrupted {
			t.Fatalf("cut at %d: it has an end", n)
		}
	}
	if seen != len(want.Results) {
		t.Errorf("%d requests, want %d", seen, len(want.Results))
	}
	data[len(data)-1] ^= 1
	f, err := Read(bytes.NewReader(data))
	if err != nil || f.Results[0] != nil || f.Results[1] == nil || f.Lost == 0 {
		t.Errorf("a record that does not match its sum: %v %+v", err, f)
	}
}

// record is a record as it is in a file.
func record(content string) string {
	out := binary.AppendUvarint(nil, uint64(len(content)))
	out = append(out, content...)
	return string(binary.LittleEndian.AppendUint32(out, crc32.Checksum([]byte(content), castagnoli)))
}

func TestWhatIsNoTimeline(t *testing.T) {
	head := record(`h{"effective":{}}`)
	for file, text := range map[string]string{
		"":                             "it ends before its header does",
		Magic[:5]:                      "it ends before its header does",
		"{}":                           "not a loadgen timeline",
		"loadgen timeline 1\n":         `its first line is "loadgen timeline 1", which another version of loadgen wrote`,
		Magic:                          "it ends before its header does",
		(Magic + head)[:len(Magic)+9]:  "it ends before its header does",
		Magic + head + head:            "out of order",
		Magic + record("p"):            "out of order",
		Magic + head + record("x"):     "a newer loadgen wrote it",
		Magic + head + record("r"):     "out of order",
		Magic + head + record("p\x02"): "do not add up",
		Magic + record("h{"):           "its header",
		Magic + record("h[]"):          "its header",
		Magic + record(`h{"effective":{"port":"x"}}`):                                    "setting port",
		Magic + head + record("p") + string(record(string(encode(0, &client.Result{})))): "request 0 of 0",
	} {
		if _, err := Read(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, want %s", file, err, text)
		}
	}
}

func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	if _, err := Create("/dev/full", recorded(1), false); err == nil {
		t.Error("it is written to a full disk")
	}
}

// TestCreateReplacesNothingUnasked: two runs with one file, and a file of an earlier run.
func TestCreateReplacesNothingUnasked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.timeline")
	if err := os.WriteFile(path, nil, 0o666); err != nil { // as mktemp leaves it
		t.Fatal(err)
	}
	first, err := Create(path, recorded(3), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, overwrite := range []bool{false, true} {
		if _, err := Create(path, recorded(3), overwrite); !errors.Is(err, ErrShared) {
			t.Errorf("overwrite %v beside another run: %v", overwrite, err)
		}
	}
	if err := first.Close(recorded(3)); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	if _, err := Create(path, recorded(3), false); !errors.Is(err, ErrExists) || !errors.Is(CheckNew(path), ErrExists) {
		t.Errorf("over an earlier run: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the earlier run was changed")
	}
	second, err := Create(path, recorded(1), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(recorded(1)); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(path); err != nil {
		t.Fatal(err)
	} else if r, err := Read(f); err != nil || len(r.Planned) != 1 || r.Killed {
		t.Errorf("overwritten: %v", err)
	}
}

// stuck is a disk that takes nothing until it is freed.
type stuck struct{ free chan struct{} }

func (s stuck) Write(b []byte) (int, error) { <-s.free; return len(b), nil }
func (s stuck) Close() error                { return nil }

// TestStuckDisk: neither a request nor the end of a run waits for it.
func TestStuckDisk(t *testing.T) {
	disk := stuck{make(chan struct{})}
	w := startWriter(disk, time.Millisecond)
	r := &client.Result{}
	r.Text = make([]byte, 1<<20)
	for i := range 2 * pendingMost / len(r.Text) { // more than is kept for it
		w.Add(i, r)
	}
	w.mu.Lock()
	kept := len(w.pending)
	w.mu.Unlock()
	if kept > pendingMost {
		t.Errorf("%d bytes are kept", kept)
	}
	if err := w.Close(recorded(0)); !errors.Is(err, errSlow) {
		t.Errorf("closed: %v", err)
	}
	close(disk.free)
	<-w.done
}

// FuzzRead reads records and files that may be anything. What can be read is written and
// read again as the same.
func FuzzRead(f *testing.F) {
	r := result(rand.New(rand.NewPCG(3, 4)), 6)
	f.Add(encode(6, r))
	r.DecodedPerIter = math.NaN()
	f.Add(encode(7, r))
	f.Add([]byte{kindRequest})
	f.Add([]byte{kindRequest, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte(`h{"effective":{"request_rate":"inf","header":[["a","b"]]}}`))
	f.Add([]byte("p\x02\x04\x06"))
	f.Add(written(f, recorded(3), false)[len(Magic):])
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, file := range []string{Magic + string(content), Magic + record(string(content)), Magic + record("h{}") + record(string(content))} {
			got, err := Read(strings.NewReader(file))
			if err != nil || got.Killed {
				continue
			}
			again, err := Read(bytes.NewReader(written(t, got, false)))
			if d := cmp.Diff(got, again, equal, cmpopts.IgnoreFields(Recording{}, "Lost")); err != nil || d != "" {
				t.Errorf("%v %s", err, d)
			}
		}
		if len(content) == 0 {
			return
		}
		index, r, err := decode(content[1:])
		if err != nil {
			return
		}
		first := encode(index, r) // records are compared, as a NaN is not equal to itself
		if _, again, err := decode(first[1:]); err != nil || !bytes.Equal(first, encode(index, again)) {
			t.Errorf("%v\n%s", err, cmp.Diff(r, again, equal))
		}
	})
}

// TestFormat holds the bytes of a request to docs/timeline.md.
func TestFormat(t *testing.T) {
	r := &client.Result{Due: 1, Handed: 2, Permit: 3, Start: 4, Connect: 5, Written: 6, Ended: 63, End: 64, ConnectLate: client.UnknownLate, MinRTT: 10, SYNRetransmits: 1, Retransmits: 2, Resent: 3}
	r.Status, r.FirstByte, r.LastByte, r.KernelStamps, r.Done = 200, 7, 8, true, true
	r.Usage, r.SeenUsage = stream.UsageCounts{Prompt: -1, Completion: -1, Cached: -1}, stream.UsageCounts{Prompt: 5, Completion: 2}
	r.Reason, r.Location, r.Text, r.Err = "OK", "/", []byte("ab"), &client.Error{Class: stream.Cut, Message: "m"}
	r.Events = []client.Event{{At: 7, Kind: stream.Text, Choices: true, Shared: true, Tokens: -1, TextEnd: 1, Uncertainty: 300}, {At: 8, Kind: stream.Usage, Tokens: 2, TextEnd: 2}}
	want := []byte{'r', 14, 0x90, 0x03, 2, 4, 6, // 7, status, segments, resent
		1, 1, 1, 10, 4, 0, // usages
		2, 4, 6, 8, 10, 12, 14, 16, 126, 0x80, 0x01, 1, 20, // instants
		2 + 4 + 64, 0, // flags, decoded tokens per iteration
		2, 'O', 'K', 1, '/', 0, 0, 0, 0, 0, 2, 'a', 'b', 0, // texts
		3, 'c', 'u', 't', 1, 'm', // failure
		0, 0, // dialect, no details
		2, 14, 2, 1, 3, 0xac, 0x02, 3, // events
		2, 2, 6, 7, 0, 0}
	if got := encode(7, r); !bytes.Equal(got, want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
	if got, want := encodePlan([]Planned{{PromptLen: 512, OutputLen: 128}, {PromptLen: 1, OutputLen: -1}}), []byte{'p', 0x80, 0x08, 0x80, 0x02, 2, 1}; !bytes.Equal(got, want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
}
