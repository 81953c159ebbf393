package report

import (
	"io"
	"iter"
	"maps"
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
	if _, err := hdrHead(w, base); err != nil {
		return err
	}
	bins := map[int64]*[4]metrics.List{} // by second and metric
	var last int64
	var bin *[4]metrics.List // of the last second
	for v := range values {
		if k := int64((v.At + offset) / hdrBin); bin == nil || k != last {
			if bins[k] == nil {
				bins[k] = new([4]metrics.List)
			}
			bin, last = bins[k], k
		}
		bin[v.Metric].AddDuration(min(v.Value, hdrMost))
	}
	lines := newHDRLines(w, base)
	for _, k := range slices.Sorted(maps.Keys(bins)) {
		from := base.Add(time.Duration(k) * hdrBin)
		for m := range bins[k] {
			l := &bins[k][m]
			if l.Len() == 0 {
				continue
			}
			for x := range l.Durations {
				lines.add(int64(x))
			}
			if err := lines.end(from, metrics.Metric(m).String()); err != nil {
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
