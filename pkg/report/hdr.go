package report

import (
	"fmt"
	"io"
	"sort"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/pkg/metrics"
)

// The range and precision of the HDR log: nanoseconds, three digits.
const (
	hdrLowest  = 1
	hdrHighest = int64(6 * time.Hour)
	hdrDigits  = 3
	hdrBin     = time.Second
)

// HDRLog writes values as an HdrHistogram interval log (V2), in bins of one
// second with a histogram for each metric, tagged ttft, tpot, itl and e2el, in
// nanoseconds. start is when the run began. Values beyond six hours count as six.
func HDRLog(w io.Writer, start time.Time, values []metrics.Value) error {
	base := start.Truncate(time.Second)
	offset := start.Sub(base)
	out := hdrhistogram.NewHistogramLogWriter(w)
	out.SetBaseTime(base.UnixMilli())
	for _, line := range []func() error{
		func() error {
			return out.OutputComment("[loadgen: successful requests; values in ns; Interval_Max in ms]")
		},
		out.OutputLogFormatVersion,
		func() error { return out.OutputBaseTime(base.UnixMilli()) },
		func() error { return out.OutputStartTime(base.UnixMilli()) },
		out.OutputLegend,
	} {
		if err := line(); err != nil {
			return err
		}
	}
	bin := func(v metrics.Value) int64 { return int64((v.At + offset) / hdrBin) }
	sort.SliceStable(values, func(i, j int) bool {
		if a, b := bin(values[i]), bin(values[j]); a != b {
			return a < b
		}
		return values[i].Metric < values[j].Metric
	})
	h := hdrhistogram.New(hdrLowest, hdrHighest, hdrDigits)
	for i := 0; i < len(values); {
		first := values[i]
		h.Reset()
		for ; i < len(values) && bin(values[i]) == bin(first) && values[i].Metric == first.Metric; i++ {
			if err := h.RecordValue(min(max(int64(values[i].Value), hdrLowest), hdrHighest)); err != nil {
				return fmt.Errorf("a value of %v is out of the histogram's range: %w", values[i].Value, err)
			}
		}
		h.SetTag(first.Metric.String())
		from := base.Add(time.Duration(bin(first)) * hdrBin)
		h.SetStartTimeMs(from.UnixMilli())
		h.SetEndTimeMs(from.Add(hdrBin).UnixMilli())
		if err := out.OutputIntervalHistogram(h); err != nil {
			return err
		}
	}
	return nil
}
