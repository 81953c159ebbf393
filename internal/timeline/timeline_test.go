package timeline

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadgen/internal/stream"
	"loadgen/pkg/client"
)

func sample(rng *rand.Rand, i int) Request {
	at := func() time.Duration { return time.Duration(rng.Int64N(1e12)) }
	r := &client.Result{Due: at(), Handed: at(), Permit: at(), Start: at(), Connect: at(), Written: at(), End: at(), ConnectLate: at(), MinRTT: at(),
		Reused: i%2 == 0, KernelStamps: i%3 == 0, SYNRetransmits: i % 4, Retransmits: i}
	r.Status, r.Reason, r.ContentType, r.ContentEncoding, r.FinishReason = 200, "OK", "text/event-stream", "gzip", "length"
	r.FirstByte, r.LastByte, r.Text, r.Body = at(), at(), []byte("text ☂"), nil
	r.Usage, r.SeenUsage = stream.UsageCounts{Prompt: 5, Completion: -1, Cached: 3}, stream.UsageCounts{Prompt: 1, Completion: 2, Cached: -1}
	r.DecodedPerIter, r.HasDecodedPerIter, r.Done = 1.25, true, i%5 == 0
	for k := range i % 7 {
		r.Events = append(r.Events, client.Event{At: at(), Kind: stream.Kind(1 + k), Choices: k%2 == 0, Shared: k%3 == 0, Tokens: int32(k) - 1, TextEnd: int32(10 * k), Slack: rng.Uint32()})
	}
	if i%4 == 3 {
		r.Err, r.OriginalFailed, r.Body = &client.Error{Class: stream.Cut, Message: "cut: it ended", Exception: true}, true, []byte("words")
	}
	return Request{Index: i, PromptLen: 512 + i, OutputLen: 128, Result: r}
}

// written writes n requests and returns the file's bytes and the requests.
func written(t *testing.T, n int, end []byte) ([]byte, []Request) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.timeline")
	w, err := Create(path, []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var all []Request
	for i := range n {
		all = append(all, sample(rng, i))
		w.Add(all[i])
	}
	if err := w.Close(end); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, all
}

func TestRoundTrip(t *testing.T) {
	data, want := written(t, 50, []byte(`{"b":2}`))
	f, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, f.Requests, equalEmpty); d != "" || string(f.Header) != `{"a":1}` || string(f.End) != `{"b":2}` || f.Lost != 0 {
		t.Errorf("%s %s %d\n%s", f.Header, f.End, f.Lost, d)
	}
}

// equalEmpty takes nothing for nothing.
var equalEmpty = cmp.FilterValues(func(a, b []byte) bool { return len(a) == 0 && len(b) == 0 }, cmp.Comparer(func(_, _ []byte) bool { return true }))

// TestEveryCut reads a file that ends anywhere: whole records are there.
func TestEveryCut(t *testing.T) {
	data, want := written(t, 9, nil)
	seen := 0
	for n := len(Magic); n <= len(data); n++ {
		f, err := Read(bytes.NewReader(data[:n]))
		if err != nil {
			if seen > 0 {
				t.Fatalf("cut at %d: %v", n, err)
			}
			continue // the header is not whole
		}
		if len(f.Requests) < seen {
			t.Fatalf("cut at %d: %d requests, %d before", n, len(f.Requests), seen)
		}
		if seen = len(f.Requests); f.End != nil {
			t.Fatalf("cut at %d: it has an end", n)
		}
	}
	if seen != len(want) {
		t.Errorf("%d requests, want %d", seen, len(want))
	}
	data[len(data)-1] ^= 1
	if f, err := Read(bytes.NewReader(data)); err != nil || len(f.Requests) != len(want)-1 || f.Lost == 0 {
		t.Errorf("a record that does not match its sum: %v %+v", err, f)
	}
}

func TestWhatIsNone(t *testing.T) {
	for _, text := range []string{"", "{}", "loadgen timeline 2\n", Magic} {
		if _, err := Read(bytes.NewReader([]byte(text))); err == nil {
			t.Errorf("%q is a timeline", text)
		}
	}
}

func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	if _, err := Create("/dev/full", []byte("{}")); err == nil {
		t.Error("it is written to a full disk")
	}
}

func FuzzRead(f *testing.F) {
	c := sample(rand.New(rand.NewPCG(3, 4)), 6)
	f.Add(encode(c))
	c.Result.DecodedPerIter = math.NaN()
	f.Add(encode(c))
	f.Add([]byte{kindRequest})
	f.Add([]byte{kindRequest, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, record []byte) {
		Read(bytes.NewReader(append([]byte(Magic), record...)))
		if len(record) == 0 {
			return
		}
		q, err := decode(record)
		if err != nil {
			return
		}
		first := encode(q) // records are compared, as a NaN is not equal to itself
		if again, err := decode(first); err != nil || !bytes.Equal(first, encode(again)) {
			t.Errorf("%v\n%s", err, cmp.Diff(q, again, equalEmpty))
		}
	})
}

// TestFormat holds the bytes of a request to docs/timeline.md.
func TestFormat(t *testing.T) {
	r := &client.Result{Due: 1, Handed: 2, Permit: 3, Start: 4, Connect: 5, Written: 6, End: 64, ConnectLate: client.UnknownLate, MinRTT: 10, SYNRetransmits: 1, Retransmits: 2}
	r.Status, r.FirstByte, r.LastByte, r.KernelStamps, r.Done = 200, 7, 8, true, true
	r.Usage, r.SeenUsage = stream.UsageCounts{Prompt: -1, Completion: -1, Cached: -1}, stream.UsageCounts{Prompt: 5, Completion: 2}
	r.Reason, r.Text, r.Err = "OK", []byte("ab"), &client.Error{Class: stream.Cut, Message: "m"}
	r.Events = []client.Event{{At: 7, Kind: stream.Text, Choices: true, Shared: true, Tokens: -1, TextEnd: 1, Slack: 300}, {At: 8, Kind: stream.Usage, Tokens: 2, TextEnd: 2}}
	want := []byte{'r', 14, 24, 8, 0x90, 0x03, 2, 4, // 7, 12, 4, status, segments
		1, 1, 1, 10, 4, 0, // usages
		2, 4, 6, 8, 10, 12, 14, 16, 0x80, 0x01, 1, 20, // instants
		2 + 4 + 64, 0, // flags, decoded tokens per iteration
		2, 'O', 'K', 0, 0, 0, 2, 'a', 'b', 0, // texts
		3, 'c', 'u', 't', 1, 'm', // failure
		2, 14, 2, 1, 3, 0xac, 0x02, 3, // events
		2, 2, 6, 7, 0, 0}
	if got := encode(Request{Index: 7, PromptLen: 12, OutputLen: 4, Result: r}); !bytes.Equal(got, want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
}
