package dataset

import (
	"context"
	"strconv"
	"strings"

	"loadgen/internal/pyrand"
)

const burstExample = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,GPT-4,472,18,490,Conversation log"

// burstGPT takes lengths from a CSV file's GPT-4 rows that have a response, and
// makes prompts of consecutive ids (the original's BurstGPTDataset).
func burstGPT(ctx context.Context, o *Options) (*Set, error) {
	if err := o.needPath(); err != nil {
		return nil, err
	}
	lens, rows, err := o.burstLengths(ctx)
	if err != nil {
		return nil, err
	}
	if len(lens) == 0 && o.NumPrompts > 0 {
		return nil, o.nothing("none of the %d rows has the Model GPT-4 and Response tokens above 0", rows)
	}
	vocab := o.Tokenizer.VocabSize()
	if vocab <= 0 {
		return nil, optionError("the tokenizer's vocabulary is empty")
	}
	set := o.newSet()
	set.Requests = make([]Request, o.NumPrompts)
	repeats := o.NumPrompts > len(lens)
	if repeats {
		set.note("%d rows, drawn with repetition to make %d requests", len(lens), o.NumPrompts)
	}
	if o.NumPrompts == 0 {
		return set, nil
	}
	drawn := pyrand.NewNumPy(o.Seed).Choice(len(lens), o.NumPrompts, repeats)
	return set, each(ctx, o.NumPrompts, func(i int) error {
		n := lens[drawn[i]]
		ids := make([]int, max(n.in, 0))
		for j := range ids {
			ids[j] = (i + j) % vocab
		}
		set.Requests[i] = Request{Prompt: o.Tokenizer.Decode(ids, false), PromptLen: int(n.in), OutputLen: int(n.out)}
		return nil
	})
}

// burst is the lengths of a row.
type burst struct{ in, out int32 }

// burstLengths reads the rows that count. Lengths are the third and the fourth
// column, whatever they are called.
func (o *Options) burstLengths(ctx context.Context) (lens []burst, rows int, err error) {
	in, err := open(o.Path)
	if err != nil {
		return nil, 0, err
	}
	defer in.close()
	err = csvRecords(in, ',', func(at position, read func() (any, error)) error {
		if rows%4096 == 0 {
			if err := context.Cause(ctx); err != nil {
				return err
			}
		}
		rows++
		v, err := read()
		if err != nil {
			return err
		}
		row := v.(object)
		model, found := row.get("Model")
		response, both := row.get("Response tokens")
		if !found || !both || len(row) < 4 {
			var names []string
			for _, m := range row {
				names = append(names, m.key)
			}
			at.line = 1
			return at.malformed(burstExample, `the columns "Model" and "Response tokens" and two lengths in the third and fourth are needed; the columns are %s`, strings.Join(names, ","))
		}
		if model != "GPT-4" {
			return nil
		}
		if n, ok := csvNumber(response); !ok {
			return at.malformed(burstExample, "the Response tokens are %s, not a number", shorten(response.(string)))
		} else if !(n > 0) {
			return nil
		}
		var n [2]float64
		for k := range n {
			var ok bool
			if n[k], ok = csvNumber(row[2+k].value); !ok || n[k] != n[k] || n[k] <= -maxLength || n[k] >= maxLength {
				return at.malformed(burstExample, "the column %s holds %s, not a length", row[2+k].key, shorten(row[2+k].value.(string)))
			}
		}
		lens = append(lens, burst{int32(n[0]), int32(n[1])})
		return nil
	})
	return lens, rows, err
}

// csvNumber reads a number; an empty cell is NaN, as in pandas.
func csvNumber(v any) (float64, bool) {
	text := strings.TrimSpace(v.(string))
	switch text {
	case "", "NaN", "nan", "NA", "N/A", "null", "NULL", "None":
		text = "nan"
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}
