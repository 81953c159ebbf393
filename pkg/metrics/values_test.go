package metrics

import (
	"math"
	"testing"
	"time"

	"loadgen/pkg/client"
)

// TestWholeAnswersHaveE2EL: of an answer that came in one piece there is one latency.
func TestWholeAnswersHaveE2EL(t *testing.T) {
	r := &client.Result{Start: 100}
	r.LastByte = 340
	got := AppendValues(nil, Rule{Whole: true}.Of(r).AppendSpans(nil), 7, 40)
	if want := (Value{E2EL, 300, 240}); len(got) != 1 || got[0] != want {
		t.Errorf("%v, want %v", got, want)
	}
	if s := NewSample(r, 1, Rule{Whole: true}); s.TTFT != -1 || s.Latency != 240e-9 || s.ITL != nil {
		t.Errorf("%+v", s)
	}
}

// TestSpansAllocateNothing: timelines are read in the progress line, too, while a run lasts.
func TestSpansAllocateNothing(t *testing.T) {
	r := &client.Result{Start: 1}
	r.Events = make([]client.Event, 50)
	for i := range r.Events {
		r.Events[i] = client.Event{At: time.Duration(10 * i), Choices: i%3 > 0}
	}
	sum := time.Duration(0)
	if n := testing.AllocsPerRun(10, func() {
		for s := range (Rule{Chat: true}).Of(r).Spans {
			sum += s.Length()
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestValuesAreTheSamples: the HDR log's values are those of the result file.
func TestValuesAreTheSamples(t *testing.T) {
	const ms = time.Millisecond
	for name, events := range map[string][]client.Event{
		"none":             nil,
		"one":              {{At: 130 * ms, Choices: true}},
		"usage at the end": {{At: 130 * ms, Choices: true}, {At: 150 * ms, Choices: true}, {At: 155 * ms}, {At: 180 * ms, Choices: true}, {At: 190 * ms}},
		"usage first":      {{At: 110 * ms}, {At: 130 * ms, Choices: true}, {At: 170 * ms, Choices: true}},
	} {
		for _, chat := range []bool{false, true} {
			for _, tokens := range []int{1, 2, 3} {
				r := &client.Result{Start: 100 * ms}
				r.Events, r.LastByte = events, 200*ms
				s := NewSample(r, 1, Rule{Chat: chat})
				var got Sample
				tpot := math.NaN()
				for _, v := range AppendValues(nil, Rule{Chat: chat}.Of(r).AppendSpans(nil), tokens, 40*ms) {
					switch v.Metric {
					case TTFT:
						got.TTFT = seconds(v.Value)
					case ITL:
						got.ITL = append(got.ITL, seconds(v.Value))
					case E2EL:
						got.Latency = seconds(v.Value)
						if want := 60*ms + v.Value; v.At != want {
							t.Errorf("%s: complete at %v, want %v", name, v.At, want)
						}
					case TPOT:
						tpot = seconds(v.Value)
						if want := 60*ms + time.Duration(math.Round(1e9*s.Latency)); v.At != want {
							t.Errorf("%s: TPOT is complete at %v, want %v", name, v.At, want)
						}
					}
				}
				if got.TTFT != s.TTFT || got.Latency != s.Latency || len(got.ITL) != len(s.ITL) {
					t.Errorf("%s, chat %v: %+v, want %+v", name, chat, got, s)
				}
				for i := range got.ITL {
					if got.ITL[i] != s.ITL[i] {
						t.Errorf("%s, chat %v: gaps %v, want %v", name, chat, got.ITL, s.ITL)
					}
				}
				want := (s.Latency - s.TTFT) / float64(tokens-1)
				if has := tokens > 1 && s.TTFT > 0; has == math.IsNaN(tpot) || has && !(math.Abs(tpot-want) <= 1e-9) {
					t.Errorf("%s, chat %v, %d tokens: TPOT %v, want %v", name, chat, tokens, tpot, want)
				}
			}
		}
	}
}
