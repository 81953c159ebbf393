package report

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/pkg/metrics"
)

// The range and precision of the HDR log: nanoseconds, three digits.
const (
	hdrLowest = 1
	hdrMost   = 6 * time.Hour
	hdrDigits = 3
	hdrBin    = time.Second
)

// HDRLog writes values as an HdrHistogram interval log (V2), in bins of one
// second with a histogram for each metric, tagged ttft, tpot, itl and e2el, in
// nanoseconds. start is when the run began. Values beyond six hours count as six.
func HDRLog(w io.Writer, start time.Time, values iter.Seq[metrics.Value]) error {
	base := start.Truncate(time.Second)
	offset := start.Sub(base)
	out, err := hdrHead(w, base)
	if err != nil {
		return err
	}
	bins := map[int64]*[4]metrics.List{} // by second and metric
	for v := range values {
		k := int64((v.At + offset) / hdrBin)
		if bins[k] == nil {
			bins[k] = new([4]metrics.List)
		}
		bins[k][v.Metric].Add(min(v.Value, hdrMost).Seconds())
	}
	h := hdrhistogram.New(hdrLowest, int64(hdrMost), hdrDigits)
	for _, k := range slices.Sorted(maps.Keys(bins)) {
		from := base.Add(time.Duration(k) * hdrBin)
		for m := range bins[k] {
			l := &bins[k][m]
			if l.Len() == 0 {
				continue
			}
			h.Reset()
			for x := range l.All(0, l.Len()) {
				ns := int64(math.Round(x * 1e9))
				if err := h.RecordValue(max(ns, hdrLowest)); err != nil {
					return fmt.Errorf("a value of %d ns is out of the histogram's range: %w", ns, err)
				}
			}
			h.SetStartTimeMs(from.UnixMilli())
			h.SetEndTimeMs(from.Add(hdrBin).UnixMilli())
			h.SetTag(metrics.Metric(m).String())
			if err := out.OutputIntervalHistogram(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// hdrHead begins a log at a full second.
func hdrHead(w io.Writer, base time.Time) (*hdrhistogram.HistogramLogWriter, error) {
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
			return nil, err
		}
	}
	return out, nil
}
