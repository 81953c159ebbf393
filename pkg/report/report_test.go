package report

import (
	"bytes"
	"io"
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
	log := NewHDR(start)
	log.Add(values)
	if err := log.Write(&b); err != nil {
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

// TestMergeHDR: logs of the same seconds add up, bucket by bucket, whatever their order.
func TestMergeHDR(t *testing.T) {
	start := time.Unix(1_764_460_800, 250_000_000)
	var all []metrics.Value
	var of [3][]metrics.Value
	for i := range 300 {
		for m := range metrics.E2EL + 1 {
			v := metrics.Value{Metric: m, At: time.Duration(i*37%200) * 50 * time.Millisecond, Value: time.Duration(i*i+1) * time.Microsecond}
			all, of[i%3] = append(all, v), append(of[i%3], v)
		}
	}
	log := func(values []metrics.Value) []byte {
		var b bytes.Buffer
		h := NewHDR(start)
		h.Add(values)
		if err := h.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var got bytes.Buffer
	if err := MergeHDR(&got, []HDRSource{{"c", log(of[2])}, {"a", log(of[0])}, {"b", log(of[1])}}); err != nil {
		t.Fatal(err)
	}
	if want := log(all); !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
	}
	coarse := hdrhistogram.New(1, 1e9, 2)
	coarse.SetTag("ttft")
	coarse.SetStartTimeMs(start.Truncate(time.Second).UnixMilli())
	coarse.SetEndTimeMs(start.Truncate(time.Second).UnixMilli() + 1000)
	if err := coarse.RecordValue(5); err != nil {
		t.Fatal(err)
	}
	var other bytes.Buffer
	if err := hdrhistogram.NewHistogramLogWriter(&other).OutputIntervalHistogram(coarse); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"no histogram": "#[StartTime: 5]\n", "another range or precision": other.String(), "x: ": "0.0,1.0,2.0,HISTxyz\n"} {
		err := MergeHDR(io.Discard, []HDRSource{{"a", log(all)}, {"x", []byte(text)}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
