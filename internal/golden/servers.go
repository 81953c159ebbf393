package golden

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"loadgen/pkg/client/answer"
)

// Server is one stream of testdata/servers: what a server of the field sends, when it
// was read, and what is right about it.
type Server struct {
	Name string `json:"-"`
	// Server names the program and its version, Made how the stream was come by.
	Server, Made    string
	Chat, Streaming bool
	// Pieces are the bytes of each read, by the milliseconds since the connection.
	Pieces []Piece
	// End is how the connection ends: "open", never, else with the last piece.
	End  string
	Want struct {
		TTFT            float64   `json:"ttft_ms"`
		ITL             []float64 `json:"itl_ms"`
		E2EL            float64   `json:"e2el_ms"`
		Events, Chunks  int
		Text, Reasoning string
		Completion      int
		Cached          int
		Finish, Model   string
		Class           answer.Class
		Words           string
	}
}

// Piece is the bytes of a read.
type Piece struct {
	At   time.Duration
	Data []byte
}

// Servers reads the streams of testdata/servers.
func Servers(t testing.TB) (all []*Server) {
	t.Helper()
	for _, path := range Glob(t, TestData("servers", "*.json.gz")) {
		var s struct {
			Server
			Pieces [][2]any
		}
		if err := json.Unmarshal(inflated(t, path), &s); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		s.Server.Name, _, _ = strings.Cut(filepath.Base(path), ".")
		for _, p := range s.Pieces {
			ms, text := p[0].(float64), []byte(nil)
			for _, c := range p[1].(string) { // Latin-1
				text = append(text, byte(c))
			}
			s.Server.Pieces = append(s.Server.Pieces, Piece{milliseconds(ms), text})
		}
		all = append(all, &s.Server)
	}
	return all
}

// inflated reads a compressed file.
func inflated(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// milliseconds is a time in ms, to the microsecond.
func milliseconds(ms float64) time.Duration {
	return time.Duration(math.Round(ms*1e3)) * time.Microsecond
}

// Play writes the stream at its times from the start on.
func (s *Server) Play(w io.Writer, start time.Time) {
	for _, p := range s.Pieces {
		time.Sleep(time.Until(start.Add(p.At)))
		if _, err := w.Write(p.Data); err != nil {
			return
		}
	}
	if s.End == "open" {
		time.Sleep(24 * time.Hour)
	}
}

// Check compares an answer whose request began at start with what is right, to the
// nanosecond.
func (s *Server) Check(t *testing.T, a *answer.Answer, start time.Duration) {
	t.Helper()
	want := &s.Want
	class, message := answer.Class(""), ""
	if a.Err != nil {
		class, message = a.Err.Class, a.Err.Message
	}
	if class != want.Class || !strings.Contains(message, want.Words) {
		t.Errorf("failure %v, want class %q and %q", a.Err, want.Class, want.Words)
	}
	var reasoning, text []byte
	if all := a.Generated(); len(all) > 0 {
		text, reasoning = all[0].Text, all[0].Reasoning
	}
	if string(text) != want.Text || string(reasoning) != want.Reasoning || a.FinishReason != want.Finish || a.Model != want.Model {
		t.Errorf("text %q, reasoning %q, finish reason %q, model %q; want %q, %q, %q, %q", text, reasoning, a.FinishReason, a.Model, want.Text, want.Reasoning, want.Finish, want.Model)
	}
	if a.SeenUsage.Completion != want.Completion || a.SeenUsage.Cached != want.Cached {
		t.Errorf("counts %+v, want %d and %d cached", a.SeenUsage, want.Completion, want.Cached)
	}
	if !s.Streaming {
		return
	}
	ttft, e2el, itl, chunks := latencies(a, start, s.Chat)
	var wantITL []time.Duration
	for _, ms := range want.ITL {
		wantITL = append(wantITL, milliseconds(ms))
	}
	if ttft != milliseconds(want.TTFT) || e2el != milliseconds(want.E2EL) || !slices.Equal(itl, wantITL) {
		t.Errorf("TTFT %v, ITL %v, E2EL %v; want %v ms, %v ms, %v ms", ttft, itl, e2el, want.TTFT, want.ITL, want.E2EL)
	}
	if len(a.Events) != want.Events || chunks != want.Chunks {
		t.Errorf("%d events, %d with choices; want %d, %d", len(a.Events), chunks, want.Events, want.Chunks)
	}
}

// latencies are TTFT, E2EL and ITL under the original's rule.
func latencies(a *answer.Answer, start time.Duration, chat bool) (ttft, e2el time.Duration, itl []time.Duration, chunks int) {
	last := start
	for _, e := range a.Events {
		if !e.Choices && !chat {
			continue
		}
		if e.Choices {
			if chunks++; chunks == 1 {
				ttft = e.At - start
			} else {
				itl = append(itl, e.At-last)
			}
		}
		last = e.At
	}
	return ttft, last - start, itl, chunks
}
