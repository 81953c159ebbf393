package bench

import (
	"fmt"
	"math"
	"strconv"

	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
)

// The longest time that can be asked for, in seconds, the most tokens of a prompt or an
// answer, and the most pixels of an image one way.
const (
	secondsMost = 1e9
	lengthMost  = 1e8 // lengths that spread around it are still drawn exactly
	vocabMost   = 1<<31 - 1
	pixelsMost  = 1 << 14
	imagesMost  = 1 << 16
)

// number is a number among the settings and what it may be. NaN is never allowed, and an
// infinite value only where the greatest is.
type number struct {
	setting     string
	value       float64
	got         string
	least, most float64
	above       bool   // the least is not allowed itself
	unit        string // \"\" for none
}

// want says what the number must be.
func (n *number) want() string {
	say := func(x float64) string {
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return strconv.FormatFloat(x, 'f', -1, 64)
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	switch open := n.most == math.MaxFloat64; {
	case n.above && open:
		return "finite and above " + say(n.least)
	case n.above:
		return "above " + say(n.least) + " and at most " + say(n.most) + n.unit
	case open:
		return "finite and at least " + say(n.least)
	}
	return "from " + say(n.least) + " to " + say(n.most) + n.unit
}

func (n *number) wrong() bool {
	return !(n.value >= n.least && n.value <= n.most) || n.above && n.value == n.least
}

// checkBounds checks each number by itself: what no server and no data set can use is
// refused before anything is sent, whatever else the settings are.
func checkBounds(s *recording.Settings) error {
	for _, n := range append(counts(s), measures(s)...) {
		if n.wrong() {
			return &recording.SettingError{Setting: n.setting, Want: n.want(), Got: n.got}
		}
	}
	return nil
}

// counts are the whole numbers.
func counts(s *recording.Settings) (all []number) {
	add := func(setting string, n, least, most int) {
		all = append(all, number{setting: setting, value: float64(n), got: strconv.Itoa(n), least: float64(least), most: float64(most)})
	}
	add("num_prompts", s.NumPrompts, 0, promptsMost)
	add("warmup", s.Warmup, 0, 1e6)
	add("download_timeout", s.DownloadTimeout, 0, secondsMost)
	inputLeast := 0
	if s.DatasetName == "synthetic_text" {
		inputLeast = 1
	}
	add("random_input_len", s.RandomInputLen, inputLeast, lengthMost)
	add("random_output_len", s.RandomOutputLen, 0, lengthMost)
	add("random_prefix_len", s.RandomPrefixLen, 0, lengthMost)
	add("random_id_step", s.RandomIDStep, 1, lengthMost)
	add("sonnet_input_len", s.SonnetInputLen, 1, lengthMost)
	add("sonnet_output_len", s.SonnetOutputLen, 0, lengthMost)
	add("sonnet_prefix_len", s.SonnetPrefixLen, 0, lengthMost)
	add("random_image_width", s.RandomImageWidth, 1, pixelsMost)
	add("random_image_height", s.RandomImageHeight, 1, pixelsMost)
	add("random_image_size", s.RandomImageSize, 1, pixelsMost)
	add("random_num_images", s.RandomNumImages, 0, imagesMost)
	add("prefix_repetition_num_prefixes", s.RepeatedPrefixes, 1, promptsMost)
	add("prefix_repetition_prefix_len", s.RepeatedPrefixLen, 0, lengthMost)
	add("prefix_repetition_suffix_len", s.RepeatedSuffixLen, 0, lengthMost)
	add("prefix_repetition_output_len", s.RepeatedOutputLen, 1, lengthMost)
	add("max_turns", s.MaxTurns, 0, lengthMost)
	add("trace_block_size", s.TraceBlockSize, 0, 1<<20)
	add("probe_input_len", s.ProbeInputLen, 1, 1<<20)
	add("probe_output_len", s.ProbeOutputLen, 1, 1<<20)
	for _, given := range []struct {
		setting     string
		n           *int
		least, most int
	}{
		{"max_concurrency", s.MaxConcurrency, 0, promptsMost},
		{"sharegpt_output_len", s.ShareGPTOutputLen, 1, lengthMost},
		{"hf_output_len", s.HFOutputLen, 1, lengthMost},
		{"trtllm_custom_output_len", s.CustomOutputLen, 1, lengthMost},
		{"vocab_size", s.VocabSize, 1, vocabMost},
		{"distinct_prompts", s.DistinctPrompts, 1, promptsMost},
	} {
		if given.n != nil {
			add(given.setting, *given.n, given.least, given.most)
		}
	}
	return all
}

// measures are the times, rates and factors.
func measures(s *recording.Settings) (all []number) {
	add := func(setting string, x, least, most float64) *number {
		all = append(all, number{setting: setting, value: x, got: pyjson.FormatFloat(x), least: least, most: most})
		return &all[len(all)-1]
	}
	for _, time := range []struct {
		setting string
		seconds float64
	}{
		{"wait_ready", s.WaitReady}, {"timeout", s.Timeout}, {"idle_timeout", s.IdleTimeout}, {"think_time", s.ThinkTime},
		{"duration", s.Duration}, {"ramp_up", s.RampUp}, {"stagger", s.Stagger},
	} {
		add(time.setting, time.seconds, 0, secondsMost).unit = " seconds"
	}
	barrier := add("barrier_timeout", s.BarrierTimeout, 0, secondsMost)
	barrier.above, barrier.unit = true, " seconds"
	add("speedup", s.Speedup, 0, math.MaxFloat64).above = true
	add("prefix_repetition_zipf", s.RepeatedZipf, 0, 100)
	add("probe_request_rate", s.ProbeRate, 0, rateMost)
	if s.Drain != nil {
		add("drain", *s.Drain, 0, secondsMost).unit = " seconds"
	}
	for _, given := range []struct {
		setting string
		x       *float64
		most    float64
	}{
		{"ramp_up_start_rps", s.RampUpStart, rateMost},
		{"ramp_up_end_rps", s.RampUpEnd, rateMost},
		{"top_p", s.TopP, 1},
		{"min_p", s.MinP, 1},
		{"temperature", s.Temperature, math.MaxFloat64},
	} {
		if given.x != nil {
			add(given.setting, *given.x, 0, given.most)
		}
	}
	return all
}

// checkRangeRatio checks how lengths spread.
func checkRangeRatio(s *recording.Settings) error {
	r := s.RandomRangeRatio
	if r >= 0 && r < 1 {
		return nil
	}
	e := &recording.SettingError{Setting: "random_range_ratio", Want: "at least 0 and below 1", Got: pyjson.FormatFloat(r)}
	n := float64(s.RandomInputLen)
	from, to := math.Trunc(n*(1-r)), math.Trunc(n*(1+r))+1
	switch {
	case !(r < 1):
		e.Text = "random_range_ratio must be < 1.0 to ensure a valid sampling range"
	case from >= to && from < lengthMost:
		e.Text = fmt.Sprintf("random_ expects 'from' to be less than 'to', but got from=%.0f >= to=%.0f", from, to)
	}
	return e
}
