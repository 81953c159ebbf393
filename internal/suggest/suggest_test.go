package suggest

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"servers", "concurrencies", "results", "repeats", "cool_down", "warmup", "url"}
	for word, want := range map[string]string{
		"server": "servers", "sevrers": "servers", "Servers": "servers", "concurrency": "concurrencies", "concurency": "concurrencies",
		"cooldown": "cool_down", "cool-down": "cool_down", "result": "results", "repeat": "repeats", "warm_up": "warmup", "ulr": "url",
		"": "", "x": "", "frobnicate": "", "u": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
