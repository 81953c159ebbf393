package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/internal/plain"
	"loadgen/pkg/metrics"
)

// second is what a metric's values were in a second of the run.
type second struct {
	at   time.Duration // since the first
	hist *hdrhistogram.Histogram
}

// hdrLogs reads the HDR log next to the file: each metric's seconds in order, nil
// without a log that can be read.
func (s *Stored) hdrLogs() map[string][]second {
	if s.hdr != nil {
		return s.hdr
	}
	s.hdr = map[string][]second{}
	text, err := os.ReadFile(strings.TrimSuffix(s.Name, ".json") + ".hlog")
	if err != nil {
		return s.hdr
	}
	first := int64(0)
	in := hdrhistogram.NewHistogramLogReader(bytes.NewReader(text))
	for {
		h, err := in.NextIntervalHistogram()
		if err != nil || h == nil {
			return s.hdr
		}
		if first == 0 {
			first = h.StartTimeMs()
		}
		s.hdr[h.Tag()] = append(s.hdr[h.Tag()], second{time.Duration(h.StartTimeMs()-first) * time.Millisecond, h})
	}
}

// distribution is all values of a metric in ns, from the file itself or the log
// next to it; nil where neither has them.
func (s *Stored) distribution(m metrics.Metric) *hdrhistogram.Histogram {
	h := hdrhistogram.New(hdrLowest, int64(hdrMost), hdrDigits)
	for _, values := range s.requests(m) {
		for _, v := range values {
			_ = h.RecordValue(min(max(int64(v*1e9), hdrLowest), int64(hdrMost))) // in range
		}
	}
	if h.TotalCount() == 0 {
		for _, one := range s.hdrLogs()[m.String()] {
			h.Merge(one.hist)
		}
	}
	if h.TotalCount() == 0 {
		return nil
	}
	return h
}

// Percentiles writes the percentile distributions of files, in ms, as HdrHistogram's
// plotters read them (.hgrm), one after the other.
func Percentiles(w io.Writer, files []*Stored) error {
	found := false
	for _, s := range files {
		for m := metrics.TTFT; m <= metrics.E2EL; m++ {
			h := s.distribution(m)
			if h == nil {
				continue
			}
			found = true
			if _, err := fmt.Fprintf(w, "# %s %s, ms\n", plain.Line(s.Name), m); err != nil {
				return err
			}
			if _, err := h.PercentilesPrint(w, 5, 1e6); err != nil {
				return err
			}
		}
	}
	if !found {
		return errors.New("no percentiles: the files have no values of single requests, and there is no .hlog next to them")
	}
	return nil
}
