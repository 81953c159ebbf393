package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/pkg/metrics"
)

func TestHDRLogReadsBack(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC)
	ms := time.Millisecond
	values := []metrics.Value{
		{Metric: metrics.ITL, At: 100 * ms, Value: 10 * ms}, {Metric: metrics.TTFT, At: 50 * ms, Value: 50 * ms},
		{Metric: metrics.ITL, At: 500 * ms, Value: 20 * ms}, {Metric: metrics.E2EL, At: 10 * time.Hour, Value: 10 * time.Hour},
	}
	var b bytes.Buffer
	if err := HDRLog(&b, start, values); err != nil {
		t.Fatal(err)
	}
	r := hdrhistogram.NewHistogramLogReader(bytes.NewReader(b.Bytes()))
	var got []string
	for {
		h, err := r.NextIntervalHistogram()
		if err == io.EOF || h == nil {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, h.Tag(), time.Duration(h.Max()).Round(ms).String(), time.UnixMilli(h.StartTimeMs()).UTC().Format("15:04:05"))
	}
	// The second bin begins on the whole second: 600 ms + 500 ms lie in it.
	const want = "ttft 50ms 03:04:05 itl 10ms 03:04:05 itl 20ms 03:04:06 e2el 6h0m"
	if text := strings.Join(got, " "); !strings.HasPrefix(text, want) {
		t.Errorf("got %s, want %s...\n%s", text, want, b.String())
	}
}

func TestWriteFileIsWholeOrNot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	full := errors.New("no space left on device")
	if err := WriteFile(path, func(w io.Writer) error { io.WriteString(w, "half"); return full }); !errors.Is(err, full) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, text := range []string{"one", "two"} {
		if err := WriteFile(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("got %q", got)
		}
	}
	if err := ProveWritable(filepath.Join(dir, "a", "b", "r.json")); err != nil {
		t.Error(err)
	}
	if err := ProveWritable(filepath.Join(path, "r.json")); err == nil {
		t.Error("a file passes for a directory")
	}
	if err := ProveWritable(dir); err == nil {
		t.Error("a directory passes for a result file")
	}
}

// The console's text may be in the very file that a result is written to.
func TestWriteFileAppendsToDescriptors(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString("table\n")
	path := fmt.Sprintf("/dev/fd/%d", f.Fd())
	if err := WriteFile(path, func(w io.Writer) error { _, err := io.WriteString(w, "result\n"); return err }); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(f.Name()); string(got) != "table\nresult\n" || !Special(path) || Special(f.Name()) {
		t.Errorf("%q", got)
	}
}
