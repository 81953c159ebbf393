package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// progress draws the state of a run on stderr in tqdm's manner: a bar five
// times a second on a terminal, a plain line every ten seconds elsewhere.
type progress struct {
	to    *status
	total int           // requests, 0 where it is not known
	most  time.Duration // that they are sent for, 0 where they end it
	start time.Time
	rule  metrics.Rule
	live  func() (requests, chunks int64) // under way, and those that have come

	mu        sync.Mutex
	done      int
	failed    int
	ttft, itl *hdrhistogram.Histogram // microseconds, of the finished requests

	quit, ended chan struct{}
}

// startProgress begins to draw; finish ends it.
func startProgress(to *status, total int, most time.Duration, rule metrics.Rule, live func() (requests, chunks int64)) *progress {
	p := &progress{to: to, total: total, most: most, start: time.Now(), rule: rule, live: live,
		ttft: hdrhistogram.New(1, time.Hour.Microseconds(), 2),
		itl:  hdrhistogram.New(1, time.Hour.Microseconds(), 2),
		quit: make(chan struct{}), ended: make(chan struct{})}
	go p.draw()
	return p
}

// count takes in a finished request; it is called on the request's goroutine.
func (p *progress) count(r *client.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if r.Err != nil {
		if !r.Err.Class.OnPurpose() {
			p.failed++
		}
		return
	}
	for s := range p.rule.Of(r).Spans {
		switch s.Metric {
		case metrics.TTFT:
			record(p.ttft, s.Length())
		case metrics.ITL:
			record(p.itl, s.Length())
		}
	}
}

// record leaves values beyond the range at its ends: this is for the eye only.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), time.Hour.Microseconds()))
}

// finish draws the last state and waits until it is on the screen.
func (p *progress) finish() {
	close(p.quit)
	<-p.ended
}

func (p *progress) draw() {
	defer close(p.ended)
	period := 10 * time.Second
	if p.to.width != nil {
		period = 200 * time.Millisecond
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.paint()
		case <-p.quit:
			p.paint()
			p.to.keep()
			return
		}
	}
}

func (p *progress) paint() {
	p.mu.Lock()
	state := progressState{total: p.total, most: p.most, done: p.done, failed: p.failed, elapsed: time.Since(p.start)}
	if p.ttft.TotalCount() > 0 {
		state.ttft = time.Duration(p.ttft.ValueAtQuantile(50)) * time.Microsecond
	}
	if p.itl.TotalCount() > 0 {
		state.itl = time.Duration(p.itl.ValueAtQuantile(50)) * time.Microsecond
	}
	p.mu.Unlock()
	state.streams, state.chunks = p.live()
	if p.to.width == nil {
		p.to.show(state.line())
		return
	}
	p.to.show(state.bar(p.to.width() - 1))
}

// progressState is what one line of progress shows.
type progressState struct {
	total, done, failed      int
	most, elapsed, ttft, itl time.Duration // ttft and itl are medians, 0 when there is none yet
	streams, chunks          int64         // under way, and chunks of tokens that have come
}

// bar is tqdm's layout cut to width columns.
func (s progressState) bar(width int) string {
	share, left := 0.0, "?"
	if s.total > 0 {
		share = float64(s.done) / float64(s.total)
	}
	if s.total > 0 && s.done > 0 {
		left = clock(time.Duration(float64(s.elapsed) / share * (1 - share)))
	}
	if byTime := min(float64(s.elapsed)/float64(max(s.most, 1)), 1); s.most > 0 && byTime > share {
		share, left = byTime, clock(max(s.most-s.elapsed, 0))
	}
	head := fmt.Sprintf("Benchmarking: %3.0f%%|", 100*share)
	tail := fmt.Sprintf("| %s [%s<%s, %s]", s.requests(), clock(s.elapsed), left, s.metrics())
	room := width - len(head) - len(tail)
	switch {
	case room >= 4:
		full := int(share * float64(room))
		return head + strings.Repeat("█", full) + strings.Repeat(" ", room-full) + tail
	case width < len(tail)-2:
		return tail[2:max(width+2, 2)]
	default:
		return tail[2:]
	}
}

// line is the plain form, for logs.
func (s progressState) line() string {
	return fmt.Sprintf("loadgen: %s requests after %s, %s", s.requests(), clock(s.elapsed), s.metrics())
}

// requests are those that are done, of how many where that is known.
func (s progressState) requests() string {
	if s.total == 0 && s.most > 0 {
		return fmt.Sprint(s.done)
	}
	return fmt.Sprintf("%d/%d", s.done, s.total)
}

func (s progressState) metrics() string {
	text := fmt.Sprintf("%.2freq/s", float64(s.done)/max(s.elapsed.Seconds(), 1e-9))
	if s.streams > 0 {
		text += fmt.Sprintf(", %d streams under way", s.streams)
	}
	if s.chunks > 0 {
		text += fmt.Sprintf(", %d token chunks", s.chunks)
	}
	if s.ttft > 0 {
		text += fmt.Sprintf(", TTFT %s", short(s.ttft))
	}
	if s.itl > 0 {
		text += fmt.Sprintf(", ITL %s", short(s.itl))
	}
	if s.failed > 0 {
		text += fmt.Sprintf(", %d failed", s.failed)
	}
	return text
}

// short writes a latency with three digits.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2fms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%.0fms", d.Seconds()*1e3)
	default:
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
}

// clock is tqdm's: 01:05, or 1:01:05 from an hour on.
func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s < 3600 {
		return fmt.Sprintf("%02d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
