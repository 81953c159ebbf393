package main

import (
	"testing"
	"time"

	"loadgen/internal/sweep"
)

// TestWhatBringsTheAnswerNearer names a budget, or requests where those were given, that may be typed so.
func TestWhatBringsTheAnswerNearer(t *testing.T) {
	for want, seconds := range map[string]float64{"--resume --budget 10m": 1, "--resume --budget 1h": 3599, "--resume --budget 1h10m": 3600, "--resume --budget 10h": 35_500} {
		a := &sloAnswer{plan: &sloPlan{options: sweep.SLOOptions{Budget: 1}}, limit: &sweep.Limit{Enough: 9000, EnoughSeconds: seconds}}
		if got := a.more(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		a.plan.options.Budget = 0
		if got := a.more(); got != "--max-requests 9000" {
			t.Error(got)
		}
	}
	if got := timeWords(90 * time.Second); got != "1m30s" {
		t.Error(got)
	}
}

// TestHowLow: how far the answer may be below the limit follows from the estimates.
func TestHowLow(t *testing.T) {
	at := func(n int) sweep.Load { return sweep.Load{Concurrency: n} }
	for want, l := range map[string]*sweep.Limit{
		"it takes more requests to confirm a load":              {High: at(9)},
		"the answer may be low":                                 {Best: &sweep.Trial{Load: at(8)}},
		"the answer may be low, by the estimates by up to 54 %": {Best: &sweep.Trial{Load: at(6)}, Low: at(12), High: at(13)},
		"the answer may be low, by the estimates by up to 5 %":  {Best: &sweep.Trial{Load: sweep.Load{Rate: 190}}, High: sweep.Load{Rate: 200}},
	} {
		if got := howLow(l); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := howLow(&sweep.Limit{Best: &sweep.Trial{Load: at(9)}, High: at(9)}); got != "the answer may be low" {
		t.Error(got)
	}
}
