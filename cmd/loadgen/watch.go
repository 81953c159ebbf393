package main

import (
	"sync/atomic"
	"time"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/health"
	"loadgen/internal/live"
	"loadgen/pkg/client"
)

// observer watches the process and its machine during a run.
type observer interface {
	SoFar() health.Report
	Stop() health.Report
}

// watch has the run counted while it goes on, for whoever looks: the progress line, the live
// view, Prometheus.
func (m *benchmark) watch(o *bench.Options) {
	if m.cfg.DisableTqdm && m.metrics == nil {
		return
	}
	to, view := m.s.status(), m.cfg.live
	if view && to.width == nil {
		view = false
		m.log("no live view: standard error is not a terminal that can show one; progress is logged in its place")
	}
	var soFar atomic.Pointer[func() health.Report] // set when the observation begins
	if observe := m.system.observe; observe != nil {
		o.Observe = func(now func() time.Duration) func() health.Report {
			began := observe(now)
			so := began.SoFar
			soFar.Store(&so)
			return began.Stop
		}
	}
	var tally *live.Tally
	var bar *progress
	o.OnStart = func(w bench.Watch) {
		settings := &m.cfg.Settings
		options := live.Options{Planned: w.Planned, Most: w.Most, End: w.End, Rule: analysis.RuleOf(settings), UnderWay: w.UnderWay, Queued: w.Queued,
			Burst: settings.Concurrency() == 0 && settings.Rate() == 0, Detailed: to.width != nil && !m.cfg.DisableTqdm}
		options.Health = func() (h health.Report) {
			if so := soFar.Load(); so != nil {
				h = (*so)()
			}
			return h
		}
		tally = live.New(options)
		m.metrics.watch(tally)
		if !m.cfg.DisableTqdm {
			bar = startProgress(to, tally, m.title(), view, m.s.env("NO_COLOR") == "")
		}
	}
	o.OnDone = func(_ int, r *client.Result) { tally.Add(r) }
	o.OnEnd = func() {
		m.metrics.end()
		if bar != nil {
			bar.finish()
		}
	}
}

// openTerminal has keys taken from the terminal, where somebody can press them, until done is
// called.
func (m *benchmark) openTerminal() (done func()) {
	to := m.s.status()
	if !m.cfg.DisableTqdm && (m.cfg.live || isTerminal(m.s.in)) {
		to.openKeys()
	}
	return to.closeKeys
}

// title says what runs.
func (m *benchmark) title() string { return m.model + " at " + m.cfg.server() + ", " + m.cfg.pace() }
