package report

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A line is, to the byte, what the library's writer writes.
func TestHDRLinesAreTheLibrarys(t *testing.T) {
	base := time.Unix(1700000000, 0)
	random := rand.New(rand.NewPCG(1, 2))
	var got, want bytes.Buffer
	lines, library := newHDRLines(&got, base), hdrhistogram.NewHistogramLogWriter(&want)
	library.SetBaseTime(base.UnixMilli())
	h := hdrhistogram.New(hdrLowest, int64(hdrMost), hdrDigits)
	for second, values := range [][]int64{{1}, {0, -5}, {2047, 2048, 2049, 4095, 4096}, {int64(hdrMost)}, {3, 5, 7, 1e6}, nil} {
		if values == nil {
			for range 20000 {
				values = append(values, int64(math.Exp(random.Float64()*math.Log(float64(hdrMost)))))
			}
		}
		from := base.Add(time.Duration(second*second) * hdrBin)
		h.Reset()
		for _, ns := range values {
			lines.add(hdrPlace(ns))
			if err := h.RecordValue(max(ns, hdrLowest)); err != nil {
				t.Fatal(err)
			}
		}
		h.SetStartTimeMs(from.UnixMilli())
		h.SetEndTimeMs(from.Add(hdrBin).UnixMilli())
		h.SetTag("itl")
		if err := library.OutputIntervalHistogram(h); err != nil {
			t.Fatal(err)
		}
		if err := lines.end(from, "itl"); err != nil {
			t.Fatal(err)
		}
	}
	if got.String() != want.String() {
		t.Errorf("wrote\n%s\nwant\n%s", got.String(), want.String())
	}
}
