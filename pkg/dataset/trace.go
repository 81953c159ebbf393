package dataset

import (
	"context"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const traceExample = `{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]} (milliseconds), ` +
	`or CSV: TIMESTAMP,ContextTokens,GeneratedTokens`

// traced is a request of a trace.
type traced struct {
	at      time.Duration // from the trace's origin
	in, out int
	blocks  []uint64
}

// trace replays the arrival times and lengths of a recorded load, and where it
// has block hashes its shared prefixes: blocks of the same hash are the same
// ids. Formats: Mooncake's JSON lines and others with the same members, the CSV
// files of the Azure LLM inference traces and of BurstGPT.
func trace(ctx context.Context, o *Options) (*Set, error) {
	if err := o.needPath(); err != nil {
		return nil, err
	}
	speedup := o.Speedup
	if speedup == 0 {
		speedup = 1
	}
	vocab := o.Tokenizer.VocabSize()
	switch {
	case !(speedup > 0) || math.IsInf(speedup, 0):
		return nil, optionError("a speed-up of %v is out of range (above 0)", o.Speedup)
	case o.BlockSize < 0 || o.BlockSize > 1<<20:
		return nil, optionError("a block of %d tokens is out of range (1 to %d)", o.BlockSize, 1<<20)
	case vocab <= 0:
		return nil, optionError("the tokenizer's vocabulary is empty")
	}
	all, err := o.readTrace(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, o.nothing("the trace has no request")
	}
	slices.SortStableFunc(all, func(a, b traced) int { return int(max(-1, min(1, a.at-b.at))) })
	set := o.newSet()
	set.Timed = true
	if n := len(all); n > o.NumPrompts {
		set.note("the first %d of the trace's requests", o.NumPrompts)
		all = all[:o.NumPrompts]
	}
	block, err := o.blockSize(all)
	if err != nil {
		return nil, err
	}
	tokens := 0
	for _, t := range all {
		if tokens += t.in; tokens > maxTokens {
			return nil, optionError("the trace's prompts have more tokens than a machine holds")
		}
	}
	set.Requests = make([]Request, len(all))
	return set, each(ctx, len(all), func(i int) error {
		t := all[i]
		r := o.ofIDs(o.tracedIDs(i, t, block, vocab))
		r.PromptLen, r.OutputLen = t.in, t.out
		if o.OutputLen != nil {
			r.OutputLen = *o.OutputLen
		}
		r.Due = time.Duration(float64(t.at-all[0].at) / speedup)
		set.Requests[i] = r
		return nil
	})
}

// tracedIDs are the ids of a traced prompt: its blocks, and what is left of it
// in ids of its own.
func (o *Options) tracedIDs(i int, t traced, block, vocab int) []int {
	ids := make([]int, 0, t.in)
	for _, hash := range t.blocks {
		if n := min(block, t.in-len(ids)); n > 0 {
			ids = append(ids, drawIDs(o.Seed, kindBlock, hash, block, vocab)[:n]...)
		}
	}
	return append(ids, drawIDs(o.Seed, kindSuffix, uint64(i), t.in-len(ids), vocab)...)
}

// blockSize is the number of tokens of a block: the one given, else the first
// of the usual ones that fits the lengths of all requests.
func (o *Options) blockSize(all []traced) (int, error) {
	if o.BlockSize > 0 {
		return o.BlockSize, nil
	}
	for _, size := range []int{512, 16, 32, 64, 128, 256, 1024, 8} {
		fits := func(t traced) bool {
			return len(t.blocks) == 0 || len(t.blocks) == t.in/size || len(t.blocks) == (t.in+size-1)/size
		}
		if !slices.ContainsFunc(all, func(t traced) bool { return !fits(t) }) {
			return size, nil
		}
	}
	return 0, &Error{Kind: BadOption, File: o.Path, Text: "the lengths fit no usual block size (8 to 1024 tokens), so it has to be given"}
}

// readTrace reads all requests.
func (o *Options) readTrace(ctx context.Context) (all []traced, err error) {
	src := localFile(o.Path, source{want: traceExample})
	sorted := true
	var last time.Duration
	err = src.walk(ctx, nil, func(n int, at position, v any) error {
		t, err := readTraced(at, v)
		if err != nil {
			return err
		}
		all = append(all, t)
		sorted = sorted && t.at >= last
		if last = t.at; sorted && len(all) > o.NumPrompts {
			return errStop // a trace in order is not read further than it is used
		}
		return nil
	})
	return all, err
}

// readTraced reads a request.
func readTraced(at position, v any) (t traced, err error) {
	entry, ok := v.(object)
	if !ok {
		return t, at.malformed(traceExample, "found %s where an object should be", kindOf(v))
	}
	field := func(names ...string) (any, error) {
		for _, m := range entry {
			for _, name := range names {
				if strings.EqualFold(strings.TrimSpace(m.key), name) {
					return m.value, nil
				}
			}
		}
		return nil, at.malformed(traceExample, "there is no %q", names[0])
	}
	value, err := field("timestamp", "time", "arrival_time")
	if err != nil {
		return t, err
	}
	if t.at, ok = traceTime(value); !ok {
		return t, at.malformed(traceExample, "the timestamp is %s", kindOf(value))
	}
	for _, length := range []struct {
		to    *int
		names []string
	}{
		{&t.in, []string{"input_length", "ContextTokens", "Request tokens", "input_len", "prompt_len"}},
		{&t.out, []string{"output_length", "GeneratedTokens", "Response tokens", "output_len", "max_tokens"}},
	} {
		value, err := field(length.names...)
		if err != nil {
			return t, err
		}
		if text, ok := value.(string); ok {
			value = number(strings.TrimSpace(text))
		}
		if *length.to, ok = wholeNumber(value); !ok || *length.to < 0 {
			return t, at.malformed(traceExample, "the length %q is %s", length.names[0], kindOf(value))
		}
	}
	t.out = max(t.out, 1)
	if value, err := field("hash_ids", "block_hashes", "hashes"); err == nil && value != nil {
		list, ok := value.([]any)
		if !ok {
			return t, at.malformed(traceExample, `"hash_ids" is %s, not a list`, kindOf(value))
		}
		for _, v := range list {
			h := fnv.New64a()
			switch v := v.(type) {
			case number:
				h.Write([]byte(v))
			case string:
				h.Write([]byte(v))
			default:
				return t, at.malformed(traceExample, `"hash_ids" holds %s`, kindOf(v))
			}
			t.blocks = append(t.blocks, h.Sum64())
		}
	}
	return t, nil
}

// traceTime reads a time: a number of milliseconds in JSON, of seconds in CSV,
// or a date.
func traceTime(v any) (time.Duration, bool) {
	unit := time.Millisecond
	text := ""
	switch v := v.(type) {
	case number:
		text = string(v)
	case string:
		text, unit = strings.TrimSpace(v), time.Second
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		d := n * float64(unit)
		return time.Duration(math.Round(d)), math.Abs(d) < math.MaxInt64/2
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil && 1900 < at.Year() && at.Year() < 2200 {
			return time.Duration(at.UnixNano()), true
		}
	}
	return 0, false
}
