package trtsim

import (
	"strings"
	"testing"
)

func TestParseFaultRates(t *testing.T) {
	rates, err := ParseFaultRates([]string{"cut:0.25", "500:0.5", "null:0.25"})
	if err != nil || len(rates) != 3 || rates[1] != (FaultRate{Fault500, 0.5}) {
		t.Errorf("%v %v", rates, err)
	}
	if rates, err := ParseFaultRates([]string{"stall"}); err != nil || rates[0].Probability != 1 {
		t.Errorf("%v %v", rates, err)
	}
	for bad, want := range map[string]string{
		"nonsense:0.5":    `unknown kind of fault "nonsense": there are cut`,
		"":                `unknown kind`,
		"cut:":            `"cut:" is not KIND:PROBABILITY with a probability between 0 and 1`,
		"cut:1.5":         `"cut:1.5" is not KIND:PROBABILITY`,
		"cut:-0.1":        `"cut:-0.1" is not KIND:PROBABILITY`,
		"cut:nan":         `"cut:nan" is not KIND:PROBABILITY`,
		"cut:0.6,500:0.6": "add up to 1.2, and an answer has one fault at most",
	} {
		if _, err := ParseFaultRates(strings.Split(bad, ",")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", bad, err, want)
		}
	}
}

// TestFaultsAreAsFrequentAsAskedFor draws faults, the same ones for the same seed.
func TestFaultsAreAsFrequentAsAskedFor(t *testing.T) {
	rates := []FaultRate{{FaultCut, 0.5}, {Fault500, 0.3}}
	a, b := newDice(7, rates), newDice(7, rates)
	const n = 20000
	drawn := map[Fault]int{}
	for range n {
		f, err := a.fault("")
		if again, _ := b.fault(""); err != nil || again != f {
			t.Fatalf("%q, then %q (%v)", f, again, err)
		}
		drawn[f]++
	}
	for f, want := range map[Fault]float64{FaultCut: 0.5, Fault500: 0.3, "": 0.2} {
		if share := float64(drawn[f]) / n; share < want-0.02 || share > want+0.02 {
			t.Errorf("%q: %v of the answers, want %v", f, share, want)
		}
	}
	if f, err := a.fault("null"); f != FaultNull || err != nil {
		t.Errorf("%q %v", f, err)
	}
	if _, err := a.fault("nonsense"); err == nil {
		t.Error("a header may ask for nonsense")
	}
}

func TestAnswersEndByThemselves(t *testing.T) {
	d := newDice(1, nil)
	for _, most := range []int{1, 2, 3, 100, 131072} {
		for range 1000 {
			if n := d.length(most); n > min(most, answerMost) || n < min(most, 2) {
				t.Fatalf("%d tokens of at most %d", n, most)
			}
		}
	}
}
