package bench_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"loadgen/internal/bench"
	"loadgen/internal/recording"
)

// Whatever number is among the settings, one that nothing can use is refused at once: NaN, a
// negative one, one that is far too large. A setting that is new is held to that, too.
func TestEveryNumberHasBounds(t *testing.T) {
	infinite := map[string]bool{"request_rate": true, "burstiness": true} // all at once, constant spacing
	kinds := map[reflect.Kind][]float64{
		reflect.Float64: {math.NaN(), math.Inf(-1), -1, math.Inf(1)},
		reflect.Int:     {-1, 1 << 40},
	}
	checked := 0
	fields := reflect.TypeFor[recording.Settings]()
	for i := range fields.NumField() {
		name := fields.Field(i).Tag.Get("json")
		kind := fields.Field(i).Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		for _, x := range kinds[kind.Kind()] {
			if infinite[name] && math.IsInf(x, 1) {
				continue
			}
			s := recording.Defaults()
			s.DatasetName, s.RandomIDs = "random", true
			value := reflect.New(kind)
			if kind.Kind() == reflect.Int {
				value.Elem().SetInt(int64(x))
			} else {
				value.Elem().SetFloat(x)
			}
			if field := reflect.ValueOf(&s).Elem().Field(i); field.Kind() == reflect.Pointer {
				field.Set(value)
			} else {
				field.Set(value.Elem())
			}
			checked++
			var bad *recording.SettingError
			if err := bench.Check(&s); !errors.As(err, &bad) || bad.Setting != name || bad.Want == "" || bad.Got == "" {
				t.Errorf("%s = %v: %v; want an error that names it, its value and what is allowed", name, x, err)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d values were tried", checked)
	}
	s := recording.Defaults()
	s.DatasetName, s.RandomIDs = "random", true
	if err := bench.Check(&s); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestBoundsSayWhatIsAllowed(t *testing.T) {
	for want, change := range map[string]func(s *recording.Settings){
		"wait_ready must be from 0 to 1000000000 seconds, not inf":                       func(s *recording.Settings) { s.WaitReady = math.Inf(1) },
		"barrier_timeout must be above 0 and at most 1000000000 seconds, not 0.0":        func(s *recording.Settings) { s.BarrierTimeout = 0 },
		"speedup must be finite and above 0, not inf":                                    func(s *recording.Settings) { s.Speedup = math.Inf(1) },
		"temperature must be finite and at least 0, not -1.0":                            func(s *recording.Settings) { s.Temperature = new(-1.0) },
		"random_range_ratio must be at least 0 and below 1, not nan":                     func(s *recording.Settings) { s.RandomRangeRatio = math.NaN() },
		"random_input_len must be from 1 to 100000000, not 0":                            func(s *recording.Settings) { s.DatasetName, s.RandomInputLen = "synthetic_text", 0 },
		"268435456 prompts of 1024 tokens are more than a machine holds":                 func(s *recording.Settings) { s.NumPrompts = 1 << 28 },
		"only slots of a concurrency are opened one after the other: give a concurrency": func(s *recording.Settings) { s.Stagger = 1 },
		"a ramp cannot end with no requests per second: give it a rate above 0":          func(s *recording.Settings) { s.RampUp, s.RampUpEnd = 1, new(0.0) },
		`"a/b" on the hub is not one that can be read; there are AI-MO/NuminaMath-1.5, `: func(s *recording.Settings) { s.DatasetName, s.DatasetPath = "hf", new("a/b") },
		"conversations can be sent to a chat endpoint only":                              func(s *recording.Settings) { s.DatasetName, s.DatasetPath = "conversations", new("bounds.go") },
		"a prefix of 0 tokens and a suffix of 0 make no prompt": func(s *recording.Settings) {
			s.DatasetName, s.RepeatedPrefixLen, s.RepeatedSuffixLen = "prefix_repetition", 0, 0
		},
		"max_concurrency must be at least 1, or 0 for no limit, not -1 (Semaphore initial": func(s *recording.Settings) { s.MaxConcurrency = new(-1) },
	} {
		s := recording.Defaults()
		s.DatasetName, s.RandomIDs = "random", true
		change(&s)
		if err := bench.Check(&s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
