package main

import (
	"testing"

	"loadgen/internal/sweep"
)

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
