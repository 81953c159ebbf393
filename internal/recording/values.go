package recording

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"loadgen/internal/argparse"
	"loadgen/internal/pyjson"
	"loadgen/pkg/metrics"
)

// SettingError is a setting that cannot be.
type SettingError struct {
	// Setting is its name, as in JSON; "" where the text says it all.
	Setting string
	Text    string
	// Want is what the value must be and Got what it is, where that can be said in a few
	// words; Text is then the original's message.
	Want, Got string
}

func (e *SettingError) Error() string {
	if e.Want == "" {
		return e.Text
	}
	return e.Setting + " " + e.Must()
}

// Must says what the value must be, after the setting's name.
func (e *SettingError) Must() string {
	text := "must be " + e.Want + ", not " + e.Got
	if e.Text != "" {
		text += " (" + e.Text + ")"
	}
	return text
}

func wrong(setting, format string, args ...any) error {
	return &SettingError{Setting: setting, Text: fmt.Sprintf(format, args...)}
}

// mostReactors is how many reactors can be asked for: more threads than any host of a load
// has processors for.
const mostReactors = 256

// ReactorCount is how many reactors are asked for, 0 for as many as the load needs.
func (s *Settings) ReactorCount() (int, error) {
	if s.Reactors == "auto" || s.Reactors == "" { // "" is of a recording without the setting
		return 0, nil
	}
	n, err := strconv.Atoi(s.Reactors)
	if err != nil || n < 1 || n > mostReactors {
		return 0, &SettingError{Setting: "reactors", Want: fmt.Sprintf("auto, or a number from 1 to %d", mostReactors), Got: strconv.Quote(s.Reactors)}
	}
	if s.Transport == "blocking" {
		return 0, wrong("reactors", "the blocking transport has no reactors: leave out their number, or choose another transport")
	}
	return n, nil
}

// FailureLimit is how many failures a run takes before it stops early; the zero value is
// no limit.
type FailureLimit struct {
	// InARow is a number of failures that follow one another.
	InARow int
	// Share is one of all planned requests, 0 to 1, that must be exceeded.
	Share float64
}

// Exceeded reports whether so many failures, in a row and of all planned requests, are too
// many.
func (l FailureLimit) Exceeded(inARow, total, planned int) bool {
	return l.InARow > 0 && inARow >= l.InARow || l.Share > 0 && float64(total) > l.Share*float64(planned)
}

// FailureLimit reads the limit of failures: a number of them in a row, or a share of all
// planned requests in percent.
func (s *Settings) FailureLimit() (l FailureLimit, err error) {
	text := Text(s.MaxFailures)
	if text == "" && s.MaxFailures == nil {
		return l, nil
	}
	if percent, isShare := strings.CutSuffix(text, "%"); isShare {
		if x, ok := argparse.ParseFloat(percent); ok && x > 0 && x < 100 {
			return FailureLimit{Share: x / 100}, nil
		}
	} else if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return FailureLimit{InARow: n}, nil
	}
	return l, wrong("max_failures", "%q is neither a number of failures in a row, 1 or more, nor a share of all requests between 0%% and 100%%", text)
}

// Cancellation is which share of the requests is cancelled, and when: after so many output
// tokens, or after a time. The zero value cancels none.
type Cancellation struct {
	Share  float64 // of all requests, below 1
	Tokens int
	After  time.Duration
}

// Cancellation reads what the settings say of it.
func (s *Settings) Cancellation() (c Cancellation, err error) {
	if s.Cancel == nil && s.CancelAfter == nil {
		return c, nil
	}
	share, after := Text(s.Cancel), Text(s.CancelAfter)
	percent, isShare := strings.CutSuffix(share, "%")
	x, ok := argparse.ParseFloat(percent)
	switch {
	case s.Cancel == nil:
		return c, wrong("cancel", "missing: give the share of requests to cancel, such as 10%%")
	case s.CancelAfter == nil:
		return c, wrong("cancel_after", "missing: give the number of tokens or the time after which requests are cancelled, such as 16 or 500ms")
	case !isShare || !ok || !(x > 0 && x < 100):
		return c, wrong("cancel", "%q is not a share of the requests, above 0%% and below 100%%", share)
	}
	c.Share = x / 100
	if n, err := strconv.Atoi(after); err == nil && n > 0 {
		c.Tokens = n
		return c, nil
	}
	if d, err := time.ParseDuration(after); err == nil && d > 0 && after != "0" {
		c.After = d
		return c, nil
	}
	return c, wrong("cancel_after", "%q is neither a number of tokens, 1 or more, nor a time with its unit, such as 500ms or 2s", after)
}

// Goals reads the objectives of the goodput, which are given in milliseconds, or with their unit.
func (s *Settings) Goals() (slos []metrics.SLO, err error) {
	if s.Goodput == nil {
		return nil, nil
	}
	const names = "['ttft', 'tpot', 'e2el']"
	known := map[string]metrics.Metric{"ttft": metrics.TTFT, "tpot": metrics.TPOT, "e2el": metrics.E2EL}
	type objective struct {
		name string
		ms   float64
	}
	var all []objective
	for _, item := range *s.Goodput {
		name, value, ok := strings.Cut(item, ":")
		ms, isNumber := argparse.ParseFloat(value)
		if d, err := time.ParseDuration(value); !isNumber && err == nil {
			ms, isNumber = float64(d)/1e6, true
		}
		if !ok || !isNumber || strings.Contains(value, ":") {
			return nil, wrong("", `Invalid format found for service level objectives. Specify service level objectives for goodput as "KEY:VALUE" pairs, where the key is a metric name, and the value is a number in milliseconds.`)
		}
		all = append(all, objective{name, ms})
	}
	for _, o := range all {
		m, ok := known[o.name]
		if !ok {
			return nil, wrong("", "Invalid metric name found, %s: %s. The service level objective name should be one of %s. ", o.name, pyjson.FormatFloat(o.ms), names)
		}
		if o.ms < 0 {
			return nil, wrong("", "Invalid value found, %s: %s. The service level objective value should be non-negative.", o.name, pyjson.FormatFloat(o.ms))
		}
		slos = append(slos, metrics.SLO{Metric: m, Seconds: o.ms / 1000})
	}
	return slos, nil
}

// Percentiles reads the percentiles to report.
func (s *Settings) Percentiles() (out []float64, err error) {
	for _, text := range strings.Split(s.MetricPercentiles, ",") {
		p, ok := argparse.ParseFloat(text)
		if !ok {
			return nil, wrong("metric_percentiles", "could not convert string to float: '%s'", text)
		}
		out = append(out, p)
	}
	return out, nil
}

// CheckPercentiles checks their range.
func CheckPercentiles(percentiles []float64) error {
	for _, p := range percentiles {
		if !(p >= 0 && p <= 100) {
			return wrong("metric_percentiles", "Percentiles must be in the range [0, 100]")
		}
	}
	return nil
}

// SelectedMetrics reads which metrics to report. Blanks around a name are accepted, unlike
// by the original, which drops such a name in silence; odd lists what was unusual.
func (s *Settings) SelectedMetrics() (out []metrics.Metric, odd []error) {
	const setting = "percentile_metrics"
	for _, text := range strings.Split(s.PercentileMetrics, ",") {
		name, found := strings.TrimSpace(text), false
		for m := metrics.TTFT; m <= metrics.E2EL; m++ {
			if name == m.String() {
				out, found = append(out, m), true
			}
		}
		switch {
		case found && name != text:
			odd = append(odd, wrong(setting, "%q is taken for %s", text, name))
		case !found && text != "":
			odd = append(odd, wrong(setting, "there is no metric %q: there are ttft, tpot, itl and e2el", text))
		}
	}
	return out, odd
}

// resultKey is the key of loadgen's object in a result, which no metadata may have.
const resultKey = "loadgen"

// Items reads the metadata as the original does: KEY=VALUE, cut at a further "=".
func (s *Settings) Items() (out [][2]string, odd []error, err error) {
	if s.Metadata == nil {
		return nil, nil, nil
	}
	for _, item := range *s.Metadata {
		parts := strings.Split(item, "=")
		if len(parts) < 2 {
			odd = append(odd, wrong("metadata", "%q is not KEY=VALUE and is left out of the result", item))
			continue
		}
		key := strings.TrimSpace(parts[0])
		if key == resultKey {
			return nil, nil, wrong("metadata", "the key %q is loadgen's object in the result file: choose another name", key)
		}
		out = append(out, [2]string{key, strings.TrimSpace(parts[1])})
	}
	return out, odd, nil
}
