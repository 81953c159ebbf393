package main

import (
	"fmt"
	"strings"
)

// assume fills in the bare run: what a command line that names no data set
// means, where the original would stop with an error. What the user gave stays.
func (p *plan) assume() {
	cfg := p.cfg
	if cfg.given("--dataset-name") || cfg.given("--dataset-path") {
		return
	}
	var said []string
	set := func(flag, words string, apply func()) {
		if !cfg.given(flag) {
			apply()
			said = append(said, words)
		}
	}
	cfg.DatasetName = "random"
	set("--random-ids", "random ids", func() { cfg.RandomIDs = true })
	set("--random-input-len", "512 tokens in", func() { cfg.RandomInputLen = 512 })
	set("--random-output-len", "128 tokens out", func() { cfg.RandomOutputLen = 128 })
	set("--ignore-eos", "--ignore-eos", func() { cfg.IgnoreEOS = true })
	if bound := cfg.concurrency(); bound > 0 {
		n := 5 * min(bound, 1<<30)
		set("--num-prompts", fmt.Sprintf("%d requests (5 x concurrency)", n), func() { cfg.NumPrompts = n })
	} else {
		set("--num-prompts", fmt.Sprintf("%d requests", cfg.NumPrompts), func() {})
	}
	set("--percentile-metrics", "all four metrics", func() { cfg.PercentileMetrics = "ttft,tpot,itl,e2el" })
	set("--save-result", "--save-result", func() { cfg.SaveResult = true })
	p.note("no data set named: %s", strings.Join(said, ", "))
}

// concurrency is the bound on concurrency, 0 for none.
func (c *config) concurrency() int {
	if c.MaxConcurrency != nil && *c.MaxConcurrency > 0 {
		return *c.MaxConcurrency
	}
	return 0
}
