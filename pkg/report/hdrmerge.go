package report

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/pkg/metrics"
)

// HDRSource is an HDR log, and what to call it.
type HDRSource struct {
	Name string
	Text []byte
}

// MergeHDR writes one HDR log of several: histograms of the same seconds with the same tag
// are added bucket by bucket, so that no value is lost, and none is moved.
func MergeHDR(w io.Writer, sources []HDRSource) error {
	var logs []*hdrLog
	base := time.Time{}
	for _, s := range sources {
		l := &hdrLog{name: s.Name, in: hdrhistogram.NewHistogramLogReader(bytes.NewReader(s.Text))}
		if err := l.next(); err != nil {
			return err
		}
		if l.head == nil {
			return fmt.Errorf("%s: there is no histogram in it", s.Name)
		}
		if at := startOf(s.Text, l.head); base.IsZero() || at.Before(base) {
			base = at
		}
		logs = append(logs, l)
	}
	out, err := hdrHead(w, base)
	if err != nil {
		return err
	}
	for {
		bin, err := nextBin(logs)
		if err != nil || bin == nil {
			return err
		}
		for _, h := range bin {
			if err := out.OutputIntervalHistogram(h); err != nil {
				return err
			}
		}
	}
}

// hdrLog is a log that is read, histogram by histogram: hours of seconds are too many to hold.
type hdrLog struct {
	name string
	in   *hdrhistogram.HistogramLogReader
	head *hdrhistogram.Histogram // the next one, nil at the end
}

func (l *hdrLog) next() (err error) {
	if l.head, err = l.in.NextIntervalHistogram(); err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return nil
}

// startOf is when a log says that it starts, or else its first histogram.
func startOf(text []byte, first *hdrhistogram.Histogram) time.Time {
	for line := range bytes.Lines(text) {
		var seconds int64
		if n, _ := fmt.Sscanf(string(line), "#[StartTime: %d", &seconds); n == 1 {
			return time.Unix(seconds, 0)
		}
	}
	return time.UnixMilli(first.StartTimeMs()).Truncate(time.Second)
}

// nextBin takes the histograms of the earliest seconds from all logs and adds up those with
// the same tag; nil at the end.
func nextBin(logs []*hdrLog) (bin []*hdrhistogram.Histogram, err error) {
	var first *hdrhistogram.Histogram
	for _, l := range logs {
		if l.head != nil && (first == nil || sooner(l.head, first) < 0) {
			first = l.head
		}
	}
	if first == nil {
		return nil, nil
	}
	for _, l := range logs {
		for l.head != nil && sooner(l.head, first) == 0 {
			if bin, err = added(bin, l.head); err != nil {
				return nil, fmt.Errorf("%s: %w", l.name, err)
			}
			if err := l.next(); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(bin, func(a, b *hdrhistogram.Histogram) int { return cmp.Compare(metricOf(a.Tag()), metricOf(b.Tag())) })
	return bin, nil
}

// sooner orders histograms by when their seconds begin, then end.
func sooner(a, b *hdrhistogram.Histogram) int {
	return cmp.Or(cmp.Compare(a.StartTimeMs(), b.StartTimeMs()), cmp.Compare(a.EndTimeMs(), b.EndTimeMs()))
}

// metricOf is a tag's place in a log.
func metricOf(tag string) metrics.Metric {
	m := metrics.TTFT
	for ; m <= metrics.E2EL && m.String() != tag; m++ {
	}
	return m
}

// added adds a histogram to those of the same seconds.
func added(bin []*hdrhistogram.Histogram, h *hdrhistogram.Histogram) ([]*hdrhistogram.Histogram, error) {
	for _, b := range bin {
		if b.Tag() != h.Tag() {
			continue
		}
		if b.SignificantFigures() != h.SignificantFigures() || b.Merge(h) > 0 {
			return nil, errors.New("its histograms have another range or precision than the others'")
		}
		return bin, nil
	}
	return append(bin, h), nil
}
