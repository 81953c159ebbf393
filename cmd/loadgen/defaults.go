package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// assume fills in the bare run: what a command line that names no data set
// means, where the original would stop with an error. What the user gave stays. It
// returns what was assumed, "" for nothing.
func (c *config) assume() string {
	if c.given("--dataset-name") || c.given("--dataset-path") {
		return ""
	}
	var texts []string
	set := func(flag, text string, apply func()) {
		if !c.given(flag) {
			apply()
			texts = append(texts, text)
		}
	}
	c.DatasetName = "random"
	set("--random-ids", "random ids", func() { c.RandomIDs = true })
	set("--random-input-len", "512 tokens in", func() { c.RandomInputLen = 512 })
	set("--random-output-len", "128 tokens out", func() { c.RandomOutputLen = 128 })
	set("--ignore-eos", "--ignore-eos", func() { c.IgnoreEOS = true })
	if bound := c.Concurrency(); bound > 0 {
		n := 5 * min(bound, 1<<30)
		set("--num-prompts", fmt.Sprintf("%d requests (5 x concurrency)", n), func() { c.NumPrompts = n })
	} else {
		set("--num-prompts", fmt.Sprintf("%d requests", c.NumPrompts), func() {})
	}
	if !c.repeated {
		seed := rand.IntN(1 << 31)
		set("--seed", fmt.Sprintf("--seed %d (a new one each time, as servers keep prompts that they have seen)", seed), func() { c.Seed = seed })
	}
	set("--percentile-metrics", "all four metrics", func() { c.PercentileMetrics = "ttft,tpot,itl,e2el" })
	set("--save-result", "--save-result", func() { c.SaveResult = true })
	return "defaults: " + strings.Join(texts, ", ")
}
