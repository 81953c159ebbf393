package report

import (
	"io"
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

// HDR makes an HdrHistogram interval log (V2) of values, in bins of one second with a histogram
// for each metric, tagged ttft, tpot, itl and e2el, in nanoseconds. It takes two bytes for each
// value. Values beyond six hours count as six.
type HDR struct {
	base   time.Time
	offset time.Duration
	bins   map[int64]*hdrSecond
	bin    *hdrSecond // of the last value
	last   int64
}

// hdrSecond are the values of one second, by metric: the places of their counts.
type hdrSecond [4][]uint16

// NewHDR returns a log without values of a run that began at start.
func NewHDR(start time.Time) *HDR {
	base := start.Truncate(time.Second)
	return &HDR{base: base, offset: start.Sub(base), bins: map[int64]*hdrSecond{}}
}

// Add takes in values. They are not kept.
func (h *HDR) Add(values []metrics.Value) {
	for i := range values {
		v := &values[i]
		if k := int64((v.At + h.offset) / hdrBin); h.bin == nil || k != h.last {
			before := h.bin
			if h.bin, h.last = h.bins[k], k; h.bin == nil {
				h.bin = new(hdrSecond)
				h.bins[k] = h.bin
				for m := 0; m < len(h.bin) && before != nil; m++ { // it will have about as many
					h.bin[m] = make([]uint16, 0, len(before[m]))
				}
			}
		}
		of := &h.bin[v.Metric]
		*of = append(*of, hdrPlace(int64(min(v.Value, hdrMost))))
	}
}

// Write writes the log.
func (h *HDR) Write(w io.Writer) error {
	if _, err := hdrHead(w, h.base); err != nil {
		return err
	}
	lines := newHDRLines(w, h.base)
	for _, k := range slices.Sorted(maps.Keys(h.bins)) {
		from := h.base.Add(time.Duration(k) * hdrBin)
		for m, places := range h.bins[k] {
			if len(places) == 0 {
				continue
			}
			for _, place := range places {
				lines.add(place)
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
