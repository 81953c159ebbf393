package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"loadgen/internal/pyrand"
)

// A hubKind is what is made of a data set on the hub.
type hubKind struct {
	id      string
	split   string // the only one that is used; "" for the one asked for
	noSub   bool   // the subset asked for does not count
	chat    bool   // it can be sent as chat only
	columns []string
	want    string // a row of the right form
	// keep reports whether a row can be used; nil: all.
	keep func(at position, v any) (bool, error)
	// one makes a request of a row, its lengths still to be counted; the text of
	// the reply that is there, if any, is returned beside it.
	one       func(at position, v any) (Request, string, error)
	outputLen int      // the tokens to ask for by default; 0: the reply's length
	rule      pairRule // for replies
	template  bool     // the prompt goes through the chat template
}

// hubKinds are the data sets that the original knows, by what they hold.
var hubKinds = func() []hubKind {
	conversations := hubKind{chat: true, columns: []string{"conversations"}, want: shareGPTExample,
		keep: func(at position, v any) (bool, error) {
			turns, err := turnsOf(at, v, "conversations")
			return len(turns) >= 2, err
		},
		one: func(at position, v any) (Request, string, error) {
			p, err := firstTurns(at, v, "conversations")
			return Request{Prompt: p.prompt}, p.completion, err
		}, rule: pairRule{maxPrompt: 1024, maxTotal: 2048}}
	const mathRow = `{"problem": "TEXT", "solution": "TEXT"}`
	problems := hubKind{split: "train", columns: []string{"problem", "solution"}, want: mathRow,
		one: func(at position, v any) (r Request, reply string, err error) {
			if r.Prompt, err = textOf(at, v, "problem", mathRow); err == nil {
				reply, err = textOf(at, v, "solution", mathRow)
			}
			return r, reply, err
		}, rule: pairRule{maxPrompt: 2048, maxTotal: 32000}}
	const editRow = `{"instruction": "TEXT", "input": "TEXT", "output": "TEXT"}`
	edits := hubKind{split: "train", columns: []string{"instruction", "input"}, want: editRow, outputLen: 200,
		one: func(at position, v any) (r Request, reply string, err error) {
			instruction, err := textOf(at, v, "instruction", editRow)
			if err != nil {
				return r, "", err
			}
			input, err := textOf(at, v, "input", editRow)
			r.Prompt = instruction + ":\n" + input
			return r, "", err
		}}
	arena := func(column string) hubKind {
		row := fmt.Sprintf(`{%q: [[{"role": "user", "content": "TEXT"}]], "images": [IMAGE]}`, column)
		return hubKind{split: "train", noSub: true, chat: true, columns: []string{column, "images"}, want: row, outputLen: 128,
			one: func(at position, v any) (Request, string, error) {
				r, err := arenaRequest(at, v, column, row)
				return r, "", err
			}}
	}
	const benchRow = `{"turns": ["TEXT", "TEXT"]}`
	bench := hubKind{columns: []string{"turns"}, want: benchRow, outputLen: 256, template: true,
		one: func(at position, v any) (r Request, reply string, err error) {
			row, _ := v.(object)
			turns, _ := row.get("turns")
			list, _ := turns.([]any)
			if len(list) == 0 {
				return r, "", at.malformed(benchRow, `"turns" is %s`, kindOf(turns))
			}
			text, ok := list[0].(string)
			if !ok {
				return r, "", at.malformed(benchRow, "the first turn is %s", kindOf(list[0]))
			}
			r.Prompt = text
			return r, "", checkText(text, "the first turn", at)
		}}
	named := func(k hubKind, id string) hubKind { k.id = id; return k }
	return []hubKind{
		named(edits, "likaixin/InstructCoder"),
		named(problems, "AI-MO/aimo-validation-aime"), named(problems, "AI-MO/NuminaMath-1.5"), named(problems, "AI-MO/NuminaMath-CoT"),
		named(conversations, "lmms-lab/LLaVA-OneVision-Data"), named(conversations, "Aeala/ShareGPT_Vicuna_unfiltered"),
		named(arena("conversation"), "lmarena-ai/VisionArena-Chat"), named(arena("turns"), "lmarena-ai/vision-arena-bench-v0.1"),
		named(bench, "philschmid/mt-bench"),
	}
}()

// arenaRequest reads the first message and the first image of a row.
func arenaRequest(at position, v any, column, want string) (r Request, err error) {
	row, _ := v.(object)
	value, _ := row.get(column)
	turns, _ := value.([]any)
	if len(turns) == 0 {
		return r, at.malformed(want, "%q is %s", column, kindOf(value))
	}
	messages, _ := turns[0].([]any)
	if len(messages) == 0 {
		return r, at.malformed(want, "the first turn of %q is %s", column, kindOf(turns[0]))
	}
	if r.Prompt, err = textOf(at, messages[0], "content", want); err != nil {
		return r, err
	}
	value, _ = row.get("images")
	images, _ := value.([]any)
	if len(images) == 0 {
		return r, at.malformed(want, `"images" is %s; one image is needed`, kindOf(value))
	}
	url, err := imageURL(at, images[0])
	r.Images = []string{url}
	return r, err
}

// textOf returns the text of a row's column.
func textOf(at position, v any, column, want string) (string, error) {
	row, ok := v.(object)
	if !ok {
		return "", at.malformed(want, "found %s where an object should be", kindOf(v))
	}
	value, found := row.get(column)
	text, ok := value.(string)
	switch {
	case !found:
		return "", at.malformed(want, "there is no %q", column)
	case !ok:
		return "", at.malformed(want, "%q is %s, not text", column, kindOf(value))
	}
	return text, checkText(text, fmt.Sprintf("%q", column), at)
}

// hubDataset takes rows of a data set on the Hugging Face hub, shuffled as its
// library shuffles a stream, or of a directory that holds the data set.
func hubDataset(ctx context.Context, o *Options) (*Set, error) {
	if err := o.checkAPI(); err != nil {
		return nil, err
	}
	kind, err := o.hubKind()
	if err != nil {
		return nil, err
	}
	if kind.template && o.Template == nil {
		return nil, &Error{Kind: NeedsTemplate, Text: "the data set " + kind.id + " needs a chat template, and the tokenizer has none"}
	}
	shards, err := o.hubShards(ctx, kind)
	if err != nil {
		return nil, err
	}
	order := pyrand.NewGenerator(uint64(o.Seed))
	order.Shuffle(len(shards), func(i, j int) { shards[i], shards[j] = shards[j], shards[i] })
	rows, total, err := o.shuffledRows(ctx, kind, shards)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 && o.NumPrompts > 0 {
		return nil, o.nothing("none of the %d rows can be used: conversations need two turns", total)
	}
	type sample struct {
		Request
		reply string
	}
	src := source{shards: shards, columns: kind.columns, want: kind.want}
	samples, err := fetch(ctx, &src, rows, func(at position, v any) (s sample, err error) {
		s.Request, s.reply, err = kind.one(at, v)
		if err == nil && kind.template {
			s.Prompt, err = o.Template([]Message{{"user", s.Prompt}})
		}
		return s, err
	})
	if err != nil {
		return nil, err
	}
	set := o.newSet()
	if kind.outputLen == 0 {
		pairs := make([]pair, len(samples))
		for i, s := range samples {
			pairs[i] = pair{s.Prompt, s.reply}
		}
		return set, o.pairs(ctx, set, pairs, kind.rule)
	}
	set.Requests = make([]Request, len(samples))
	err = each(ctx, len(samples), func(i int) error {
		r := samples[i].Request
		r.PromptLen, r.OutputLen = len(o.Tokenizer.Encode(r.Prompt, true)), kind.outputLen
		if o.OutputLen != nil {
			r.OutputLen = *o.OutputLen
		}
		set.Requests[i] = r
		return nil
	})
	set.oversample(o.NumPrompts)
	return set, err
}

// hubKind finds what to make of the data set that Path names: its id, or a
// directory whose last two names are the id.
func (o *Options) hubKind() (hubKind, error) {
	name := filepath.ToSlash(filepath.Clean(o.Path))
	var ids []string
	for _, k := range hubKinds {
		if name == k.id || strings.HasSuffix(name, "/"+k.id) {
			return k, nil
		}
		ids = append(ids, k.id)
	}
	slices.Sort(ids)
	what := fmt.Sprintf("data set %q on the hub is not one that can be read", o.Path)
	kind := Unknown
	if o.Path == "" {
		what, kind = "the data set hf needs the id of a data set on the hub", NoPath
	}
	return hubKind{}, &Error{Kind: kind, Text: what + "; there are " + strings.Join(ids, ", ")}
}

// shuffleBuffer is the number of rows that the hub's library shuffles among.
const shuffleBuffer = 1000

// shuffledRows returns the numbers of the first NumPrompts usable rows of the
// stream as datasets' IterableDataset.shuffle(seed) orders it, and how many rows
// were read. No more rows are read than that needs.
func (o *Options) shuffledRows(ctx context.Context, kind hubKind, shards []shard) (rows []int, total int, err error) {
	src := source{shards: shards, columns: kind.columns, want: kind.want}
	if kind.keep == nil {
		src.columns = kind.columns[:1]
	}
	rng := pyrand.NewGenerator(uint64(o.Seed))
	var buffer []int // numbers of rows; negative (-1-n) for those of no use
	take := func(n int) {
		if n >= 0 && len(rows) < o.NumPrompts {
			rows = append(rows, n)
		}
	}
	if o.NumPrompts == 0 {
		return nil, 0, nil
	}
	err = src.walk(ctx, nil, func(n int, at position, v any) error {
		total++
		if kind.keep != nil {
			if ok, err := kind.keep(at, v); err != nil {
				return err
			} else if !ok {
				n = -1 - n
			}
		}
		if len(buffer) < shuffleBuffer {
			buffer = append(buffer, n)
			return nil
		}
		i := rng.Int(shuffleBuffer)
		take(buffer[i])
		buffer[i] = n
		if len(rows) == o.NumPrompts {
			return errStop
		}
		return nil
	})
	if err != nil || len(rows) == o.NumPrompts {
		return rows, total, err
	}
	// Random indices are drawn a thousand at a time there, and the rest of the
	// last thousand is lost when the remaining rows are shuffled.
	if drawn := total - len(buffer); drawn%shuffleBuffer != 0 {
		for range shuffleBuffer - drawn%shuffleBuffer {
			rng.Int(shuffleBuffer)
		}
	}
	rng.Shuffle(len(buffer), func(i, j int) { buffer[i], buffer[j] = buffer[j], buffer[i] })
	for _, n := range buffer {
		take(n)
	}
	return rows, total, nil
}

// hubShards returns the files of the data set's split.
func (o *Options) hubShards(ctx context.Context, kind hubKind) ([]shard, error) {
	subset, split := o.Subset, o.Split
	if kind.split != "" {
		split = kind.split
	}
	if kind.noSub {
		subset = ""
	}
	if info, err := os.Stat(o.Path); err == nil && info.IsDir() {
		files, err := directoryFiles(o.Path, subset, split)
		if err != nil {
			return nil, err
		}
		shards := make([]shard, len(files))
		for i, file := range files {
			shards[i] = func(context.Context) (string, error) { return filepath.Join(o.Path, filepath.FromSlash(file)), nil }
		}
		return shards, nil
	}
	return o.remoteShards(ctx, kind.id, subset, split)
}
