package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"loadgen/internal/live"
	"loadgen/internal/live/show"
	"loadgen/pkg/metrics"
)

// progress draws the state of a run on stderr: on a terminal four times a second, as a bar in
// tqdm's manner or as the live view; elsewhere a plain line every ten seconds.
type progress struct {
	to    *status
	tally *live.Tally
	start time.Time
	title string // of the live view
	color bool

	view  bool // the live view is wanted
	was   bool // it was shown
	quit  chan struct{}
	ended chan struct{}
}

// startProgress begins to draw, the live view if that is asked for; finish ends it.
func startProgress(to *status, tally *live.Tally, title string, view, color bool) *progress {
	p := &progress{to: to, tally: tally, start: time.Now(), title: title, color: color, view: view,
		quit: make(chan struct{}), ended: make(chan struct{})}
	to.takeKeys(view)
	go p.draw()
	return p
}

// finish draws the last state and waits until it is on the screen. The terminal is given back.
func (p *progress) finish() {
	close(p.quit)
	<-p.ended
}

func (p *progress) draw() {
	defer close(p.ended)
	defer p.to.release()
	period := 10 * time.Second
	if p.to.width != nil {
		period = 250 * time.Millisecond
		p.paint()
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.press(p.to.keys())
			p.paint()
		case <-p.quit:
			p.last()
			return
		}
	}
}

// press does what keys are for. Whoever types something else during a bar types ahead, and
// the rest is for the shell.
func (p *progress) press(keys []byte) {
	for _, key := range keys {
		switch {
		case key == 'l' || key == 'L':
			p.view = !p.view
			if !p.view {
				p.to.leaveScreen()
			}
		case key == 'q' || key == 'Q':
			p.view = false
			p.to.leaveScreen()
		case !p.view:
			p.to.giveKeysBack()
			return
		}
	}
}

func (p *progress) paint() {
	at := time.Since(p.start)
	if p.view {
		if columns, rows, ok := p.to.enterScreen(); ok {
			p.was = true
			s := p.tally.State(at)
			p.to.draw(show.View(&s, show.Options{Width: columns, Height: rows, Color: p.color, Title: p.title, Messages: p.to.messages(), Keys: p.to.hasKeys()}), columns, rows)
		}
		return
	}
	s := p.tally.Progress(at)
	if p.to.width == nil {
		p.to.show(show.Line(&s))
		return
	}
	hint := ""
	if p.to.width() >= hintColumns && p.to.hasKeys() {
		hint = "  l: live view"
	}
	p.to.show(show.Bar(&s, p.to.width()-1-len(hint)) + hint)
}

// hintColumns is how wide a terminal has to be for its bar to say what keys there are.
const hintColumns = 120

// last leaves the progress line, and after the live view how the latencies are distributed.
func (p *progress) last() {
	p.to.leaveScreen()
	p.view = false
	p.paint()
	p.to.keep()
	if !p.was {
		return
	}
	var bars [4][]live.Bar
	for m := metrics.TTFT; m <= metrics.E2EL; m++ {
		bars[m] = p.tally.Bars(m)
	}
	lines := show.Histograms(&bars, min(p.to.width(), 100), p.color)
	fmt.Fprintln(p.to, strings.Join(slices.Concat([]string{""}, lines, []string{""}), "\n"))
}
