package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// assume fills in the bare run: what a command line that names no data set
// means, where the original would stop with an error. What the user gave stays. It
// returns in two lines what will be done, none where nothing was assumed.
func (c *config) assume() []string {
	if c.Timed() && !c.given("--num-prompts") {
		c.NumPrompts = 0 // time alone ends the run
	}
	if c.given("--dataset-name") || c.given("--dataset-path") {
		return nil
	}
	texts := []string{"random ids"}
	set := func(flag, text string, apply func()) {
		if !c.given(flag) {
			apply()
			texts = append(texts, text)
		}
	}
	c.DatasetName = "random"
	set("--random-ids", "", func() { c.RandomIDs = true })
	set("--random-input-len", "512 tokens in", func() { c.RandomInputLen = 512 })
	set("--random-output-len", "128 out", func() { c.RandomOutputLen = 128 })
	set("--ignore-eos", "--ignore-eos", func() { c.IgnoreEOS = true })
	if bound := c.Concurrency(); bound > 0 && !c.Timed() {
		set("--num-prompts", "", func() { c.NumPrompts = 5 * min(bound, 1<<30) })
	}
	if !c.repeated { // servers keep prompts that they have seen
		seed, text := rand.IntN(1<<31), ""
		if c.part.Index == 0 { // the others take over this one's
			text = fmt.Sprintf("--seed=%d", seed)
		}
		set("--seed", text, func() { c.Seed, c.seedAssumed = seed, true })
	}
	set("--percentile-metrics", "", func() { c.PercentileMetrics = "ttft,tpot,itl,e2el" })
	saved := ""
	if c.part.Alone() { // a rank's recording is what counts
		set("--save-result", "", func() { c.SaveResult, saved = true, "; result is saved" })
	}
	if c.DryRun {
		saved = "; a dry run sends none"
	}
	texts = slices.DeleteFunc(texts, func(text string) bool { return text == "" })
	return []string{fmt.Sprintf("%s to %s, %s%s", c.extent(), c.server(), c.pace(), saved), "defaults: " + strings.Join(texts, ", ")}
}

// server is where requests go, as far as the command line says.
func (c *config) server() string {
	switch {
	case c.Sim != nil:
		return "a simulated server"
	case c.BaseURL != nil:
		return client.RedactURLs(*c.BaseURL)
	}
	return "http://" + net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// extent is how much is sent.
func (c *config) extent() string {
	text := "requests"
	if c.NumPrompts > 0 || !c.Timed() {
		text = count(c.NumPrompts, "request")
	}
	switch {
	case c.Duration > 0 && c.NumPrompts > 0:
		return fmt.Sprintf("%s or %v of them", text, recording.Seconds(c.Duration))
	case c.Duration > 0:
		return fmt.Sprintf("%s for %v", text, recording.Seconds(c.Duration))
	}
	return text
}

// pace is how requests are sent.
func (c *config) pace() string {
	if c.Stages != nil {
		return "by the stages of " + *c.Stages
	}
	text := "all at once"
	rate := c.Rate()
	if c.RampUpEnd != nil {
		rate = *c.RampUpEnd
	}
	if rate > 0 {
		text = fmt.Sprintf("%g per second", rate)
		if c.RampUpStart != nil {
			text = fmt.Sprintf("%g to %s", *c.RampUpStart, text)
		}
		if bound := c.Concurrency(); bound > 0 {
			text += fmt.Sprintf(", at most %d at a time", bound)
		}
	} else if bound := c.Concurrency(); bound > 0 {
		text = fmt.Sprintf("%d at a time", bound)
	}
	return text
}
