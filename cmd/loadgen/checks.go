package main

import (
	"errors"
	"fmt"
	"strings"

	"loadgen/internal/argparse"
	"loadgen/internal/load"
	"loadgen/internal/pyjson"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// checkOwn checks the flags that the original does not have: usage errors.
func (c *config) checkOwn() error {
	for name, seconds := range map[string]float64{"--wait-ready": c.WaitReady, "--timeout": c.Timeout, "--idle-timeout": c.IdleTimeout} {
		if !(seconds >= 0) {
			return fmt.Errorf("argument %s: %s is not a number of seconds: want 0 or more", name, pyjson.FormatFloat(seconds))
		}
	}
	if c.Warmup < 0 || c.Warmup > 1e6 {
		return fmt.Errorf("argument --warmup: %d is no number of requests: want 0 to 1000000", c.Warmup)
	}
	if c.Header != nil {
		for _, h := range *c.Header {
			name, value, ok := strings.Cut(h, ":")
			if !ok || name == "" || strings.ContainsAny(name, " \t\r\n") || strings.ContainsAny(value, "\r\n") {
				return errors.New("argument --header: a header is no NAME:VALUE (its text is not shown, it may hold a secret)")
			}
		}
	}
	if c.Sim != nil {
		if err := checkProfile(*c.Sim); err != nil {
			return fmt.Errorf("argument --sim: %w", err)
		}
		for _, other := range []string{"--base-url", "--host", "--port"} {
			if c.given(other) {
				return fmt.Errorf("argument --sim: not allowed with argument %s", other)
			}
		}
	}
	return nil
}

// The original's checks that come after parsing, with its words.

// checkSeed comes first of all.
func (c *config) checkSeed() error {
	if c.Seed < 0 || c.Seed > 1<<32-1 {
		return errors.New("Seed must be between 0 and 2**32 - 1 (--seed)")
	}
	return nil
}

// checkDataset says which data sets there are.
func (c *config) checkDataset() error {
	switch c.DatasetName {
	case "random", "trtllm_custom":
		return nil
	case "random_image":
		if !c.chat() {
			return errors.New("Multi-modal content is only supported on 'openai-chat' backend. And the data set random_image is not there yet: there are random and trtllm_custom")
		}
	}
	return fmt.Errorf("the data set %s is not there yet: there are random and trtllm_custom (--dataset-name)", c.DatasetName)
}

// checkBeforeTest comes after the data set and before the test request.
func (c *config) checkBeforeTest() error {
	if _, err := c.goodput(); err != nil {
		return err
	}
	percentiles, err := c.percentiles()
	if err != nil {
		return err
	}
	for _, p := range percentiles {
		if !(p >= 0 && p <= 100) {
			return errors.New("Percentiles must be in the range [0, 100] (--metric-percentiles)")
		}
	}
	return nil
}

// checkAfterTest comes after the test request, when the traffic has been announced.
func (c *config) checkAfterTest() error {
	if c.MaxConcurrency != nil && *c.MaxConcurrency < 0 {
		return errors.New("Semaphore initial value must be >= 0 (--max-concurrency)")
	}
	return load.CheckRate(c.RequestRate, c.Burstiness)
}

// goodput reads the objectives, which are in milliseconds.
func (c *config) goodput() (slos []metrics.SLO, err error) {
	if c.Goodput == nil {
		return nil, nil
	}
	const names = "['ttft', 'tpot', 'e2el']"
	known := map[string]metrics.Metric{"ttft": metrics.TTFT, "tpot": metrics.TPOT, "e2el": metrics.E2EL}
	type objective struct {
		name string
		ms   float64
	}
	var all []objective
	for _, item := range *c.Goodput {
		name, value, ok := strings.Cut(item, ":")
		ms, isNumber := argparse.ParseFloat(value)
		if !ok || !isNumber || strings.Contains(value, ":") {
			return nil, errors.New(`Invalid format found for service level objectives. Specify service level objectives for goodput as "KEY:VALUE" pairs, where the key is a metric name, and the value is a number in milliseconds.`)
		}
		all = append(all, objective{name, ms})
	}
	for _, o := range all {
		m, ok := known[o.name]
		if !ok {
			return nil, fmt.Errorf("Invalid metric name found, %s: %s. The service level objective name should be one of %s. ", o.name, pyjson.FormatFloat(o.ms), names)
		}
		if o.ms < 0 {
			return nil, fmt.Errorf("Invalid value found, %s: %s. The service level objective value should be non-negative.", o.name, pyjson.FormatFloat(o.ms))
		}
		slos = append(slos, metrics.SLO{Metric: m, Seconds: o.ms / 1000})
	}
	return slos, nil
}

// percentiles reads --metric-percentiles.
func (c *config) percentiles() (out []float64, err error) {
	for _, text := range strings.Split(c.MetricPercentiles, ",") {
		p, ok := argparse.ParseFloat(text)
		if !ok {
			return nil, fmt.Errorf("could not convert string to float: '%s' (--metric-percentiles)", text)
		}
		out = append(out, p)
	}
	return out, nil
}

// selectedMetrics reads --percentile-metrics. Blanks around a name are accepted, unlike
// by the original, which drops such a name in silence; said lists what was odd.
func (c *config) selectedMetrics() (out []metrics.Metric, said []string) {
	for _, text := range strings.Split(c.PercentileMetrics, ",") {
		name, found := strings.TrimSpace(text), false
		for m := metrics.TTFT; m <= metrics.E2EL; m++ {
			if name == m.String() {
				out, found = append(out, m), true
			}
		}
		switch {
		case found && name != text:
			said = append(said, fmt.Sprintf("--percentile-metrics: %q is taken for %s", text, name))
		case !found && text != "":
			said = append(said, fmt.Sprintf("--percentile-metrics: there is no metric %q: there are ttft, tpot, itl and e2el", text))
		}
	}
	return out, said
}

// metadata reads --metadata as the original does: KEY=VALUE, cut at a further "=".
func (c *config) metadata() (out [][2]string, said []string, err error) {
	if c.Metadata == nil {
		return nil, nil, nil
	}
	for _, item := range *c.Metadata {
		parts := strings.Split(item, "=")
		if len(parts) < 2 {
			said = append(said, fmt.Sprintf("--metadata: %q is no KEY=VALUE and is left out of the result", item))
			continue
		}
		key := strings.TrimSpace(parts[0])
		if key == result.LoadgenKey {
			return nil, nil, fmt.Errorf("--metadata: the key %q is loadgen's own in the result file: name it otherwise", key)
		}
		out = append(out, [2]string{key, strings.TrimSpace(parts[1])})
	}
	return out, said, nil
}
