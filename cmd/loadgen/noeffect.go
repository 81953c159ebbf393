package main

import (
	"slices"
	"strings"

	"loadgen/internal/recording"
)

// noEffect says in a line which of the flags that were given change nothing in this run, and what
// they are for; "" where there are none. Flags that have no effect in any run are not among them.
func (c *config) noEffect() string {
	var texts []string
	add := func(flags []string, why string) {
		if len(flags) > 0 {
			texts = append(texts, strings.Join(flags, ", ")+" ("+why+")")
		}
	}
	for _, x := range idleFlags {
		if x.idle(c) {
			add(slices.DeleteFunc(slices.Clone(x.flags), func(name string) bool { return !c.on(name) }), x.why)
		}
	}
	bySets := map[string][]string{}
	var order []string
	for _, f := range c.table {
		if f.sets == nil || slices.Contains(f.sets, c.DatasetName) || !c.on(f.Name) {
			continue
		}
		sets := strings.Join(f.sets, " or ")
		if bySets[sets] == nil {
			order = append(order, sets)
		}
		bySets[sets] = append(bySets[sets], f.Name)
	}
	for _, sets := range order {
		add(bySets[sets], "for the data set "+sets+", not "+c.DatasetName)
	}
	if len(texts) == 0 {
		return ""
	}
	return "no effect in this run: " + strings.Join(texts, "; ")
}

// on reports whether a flag was given, and not as a switch that is off.
func (c *config) on(name string) bool { return c.given(name) && c.values[name] != false }

// idleFlags are flags that need another to have an effect, and where they have none. A combination
// that contradicts itself is an error instead.
var idleFlags = []struct {
	flags []string
	why   string
	idle  func(c *config) bool
}{
	{[]string{"--result-filename", "--result-dir"}, "no file is written without --save-result", func(c *config) bool {
		return !c.SaveResult && recording.Text(c.ResultFilename) != stdoutName && c.part.Alone()
	}},
	{[]string{"--overwrite"}, "for --save-timeline", func(c *config) bool { return recording.Text(c.SaveTimeline) == "" }},
	{[]string{"--metadata", "--save-detailed", "--strict-json"}, "no result is written without --save-result", func(c *config) bool {
		return !c.SaveResult && !c.objectWanted() && c.appendTo == nil && c.part.Alone()
	}},
	{[]string{"--burstiness"}, "it shapes the intervals of a finite --request-rate", func(c *config) bool {
		return c.Rate() == 0 && c.RampUpEnd == nil && c.Stages == nil
	}},
	{[]string{"--host", "--port"}, "--base-url says where the server is", func(c *config) bool { return c.BaseURL != nil }},
	{[]string{"--ca-cert", "--client-cert", "--client-key", "--insecure"}, "the server's URL is not https://", func(c *config) bool {
		return !strings.Contains(strings.ToLower(recording.Text(c.BaseURL)), "https://")
	}},
	{[]string{"--logprobs"}, "completions alone ask for them", func(c *config) bool { return c.Chat() }},
	{[]string{"--continuous-usage"}, "answers are not streamed", func(c *config) bool { return c.NonStreaming }},
	{[]string{"--barrier-timeout"}, "there is no --barrier", func(c *config) bool { return c.Barrier == nil }},
	{[]string{"--dataset-path"}, "the data set reads no file", func(c *config) bool { return c.readsNoFile() }},
	{[]string{"--download-path"}, "nothing is downloaded", func(c *config) bool { return !c.downloads() }},
	{[]string{"--download-timeout"}, "nothing is downloaded", func(c *config) bool { return !c.downloads() && c.DatasetName != "hf" }},
}

// downloads reports whether the data set is the ShareGPT file, and not one that was named.
func (c *config) downloads() bool {
	return c.DatasetPath == nil && (c.DatasetName == "sharegpt" || c.DatasetName == "random" && !c.RandomIDs)
}

// readsNoFile reports whether the data set makes its prompts of nothing but numbers.
func (c *config) readsNoFile() bool {
	switch c.DatasetName {
	case "random":
		return c.RandomIDs
	case "random_image", "prefix_repetition", "synthetic_text":
		return true
	}
	return false
}
