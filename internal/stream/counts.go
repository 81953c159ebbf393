package stream

import (
	"math"

	"loadgen/pkg/client/answer"
)

type (
	oddCount    = answer.OddCount
	dialectBits = answer.Dialect
)

const (
	bitText             = answer.ChoiceText
	bitDelta            = answer.ChoiceDelta
	bitMessage          = answer.ChoiceMessage
	bitParts            = answer.ContentParts
	bitReasoning        = answer.ReasoningKey
	bitReasoningContent = answer.ReasoningContent
)

// unknown is what the server counted before it said anything.
var unknown = UsageCounts{Prompt: -1, Completion: -1, Cached: -1}

// maxOddRead bounds how many invalid counts of a message are noted.
const maxOddRead = 64

// largestCount is more tokens than any request has.
const largestCount = math.MaxInt32

func (r *messageReader) usage(key []byte) error {
	s, m := &r.s, &r.m
	if !r.elsewhere {
		m.hasUsage = true
	}
	switch string(key) {
	case "prompt_tokens":
		return r.count("prompt_tokens", &r.counts.Prompt)
	case "completion_tokens":
		return r.count("completion_tokens", &r.counts.Completion)
	case "prompt_tokens_details":
		if s.peek() == '{' {
			return s.object(r.details)
		}
	case "completion_tokens_details":
		if s.peek() == '{' {
			return s.object(r.outputDetails)
		}
	case "cached_tokens", "prompt_cache_hit_tokens": // Moonshot, DeepSeek
		if r.strict {
			return r.count("cached_tokens", &r.counts.Cached)
		}
	}
	return s.skip()
}

func (r *messageReader) details(key []byte) error {
	if string(key) == "cached_tokens" {
		return r.count("cached_tokens", &r.counts.Cached)
	}
	return r.s.skip()
}

func (r *messageReader) outputDetails(key []byte) error {
	if string(key) == "reasoning_tokens" {
		return r.count("reasoning_tokens", &r.m.reasoningCount)
	}
	return r.s.skip()
}

// usageElsewhere reads a usage object that stands at another place than its own.
func (r *messageReader) usageElsewhere() error {
	r.counts, r.elsewhere, r.m.hasElsewhere = &r.m.elsewhere, true, true
	err := r.s.object(r.usage)
	r.counts, r.elsewhere = &r.m.usage, false
	return err
}

// wrapped reads x_groq, which holds Groq's usage.
func (r *messageReader) wrapped(key []byte) error {
	if string(key) == "usage" && r.s.peek() == '{' {
		return r.usageElsewhere()
	}
	return r.s.skip()
}

// timings reads llama.cpp's counts, which it sends where no usage was asked for, too.
func (r *messageReader) timings(key []byte) error {
	if string(key) == "predicted_n" {
		r.m.hasElsewhere = true
		return r.count("predicted_n", &r.m.elsewhere.Completion)
	}
	return r.s.skip()
}

// count reads a count into n: -1 when it is none. The original takes negative and
// fractional ones as they are.
func (r *messageReader) count(key string, n *int) error {
	s := &r.s
	s.space()
	start := s.i
	f, ok, err := s.number()
	if err != nil {
		return err
	}
	raw := s.b[start:s.i]
	what := ""
	switch {
	case string(raw) == "null":
		what = "null"
	case !ok || math.IsNaN(f):
		what = "not a number"
	case raw[0] == '"':
		what = "a string"
	case f < 0:
		what = "negative"
	case f != math.Trunc(f):
		what = "fractional"
	case f > largestCount:
		what = "too large"
	}
	switch {
	case !ok || math.IsNaN(f) || f < 0 && r.strict:
		*n = -1
	case f >= math.MaxInt:
		*n = math.MaxInt
	default:
		*n = int(f)
	}
	if what != "" && (what != "null" || key != "cached_tokens") {
		r.noteOdd(key, raw, what)
	}
	return nil
}

// noteOdd notes an invalid count.
func (r *messageReader) noteOdd(key string, raw []byte, what string) {
	if len(r.odd) < maxOddRead {
		r.odd = append(r.odd, oddCount{Key: key, Value: string(clip(raw, 40)), What: what})
	}
}

// later returns the counts of which the newer ones are known, else the older ones.
func later(older, newer UsageCounts) UsageCounts {
	take := func(old *int, n int) {
		if n >= 0 {
			*old = n
		}
	}
	take(&older.Prompt, newer.Prompt)
	take(&older.Completion, newer.Completion)
	take(&older.Cached, newer.Cached)
	return older
}
