package dataset

import (
	"context"
	"errors"
	"os"
	"strings"
)

// Inspect reads the file that options name and returns what is wrong with it, as far as that
// does not depend on the tokenizer: a file that cannot be read or parsed, and one that holds
// nothing to send. It needs neither a model nor a network, so that a bad file is reported
// before a server is asked or waited for. What can be read once only, such as a pipe, and
// data sets of the hub are left to Load.
func Inspect(ctx context.Context, o Options) error {
	if err := Check(o); err != nil {
		return err
	}
	if info, err := os.Stat(o.Path); o.Path == "" || o.Path == "-" || o.Name == "hf" || err != nil || !info.Mode().IsRegular() {
		return nil
	}
	o.Tokenizer = eightTokens{}
	o.Template = func(messages []Message) (string, error) { return messages[0].Content, nil }
	var err error
	switch o.Name {
	case "random":
		if !o.FromIDs {
			_, err = o.shareGPTTexts(ctx, o.newSet().rng)
		}
	case "sonnet":
		var lines []string
		if lines, err = poem(o.Path); err == nil && len(lines) == 0 {
			err = o.nothing("the file is empty")
		}
	default:
		if files[o.Name] != "" {
			_, err = loaders[o.Name](ctx, &o)
		}
	}
	if bad := (*Error)(nil); errors.As(err, &bad) && (bad.Kind == Malformed || bad.Kind == Unreadable || bad.Kind == Empty) {
		return err
	}
	return context.Cause(ctx)
}

// eightTokens counts eight tokens in any text, a number that every data set keeps.
type eightTokens struct{}

func (eightTokens) Encode(string, bool) []int { return make([]int, 8) }

func (eightTokens) Decode(ids []int, _ bool) string { return strings.Repeat("a", min(len(ids), 1)) }

func (eightTokens) VocabSize() int { return 2 }
