package report

import (
	"bytes"
	"io"
	"slices"
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
	if err := HDRLog(&b, start, slices.Values(values)); err != nil {
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
