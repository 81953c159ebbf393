package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"loadgen/internal/pyrand"
)

// Options say what to load. Lengths are in tokens. A pointer that is nil is an
// option that was not given.
type Options struct {
	// Name is one of Names.
	Name string
	// Path is a file, or for hf the id of a data set on the hub or a directory
	// whose last two names are that id.
	Path string
	// DownloadPath is a directory that the ShareGPT file is downloaded into, for
	// sharegpt and random without a Path.
	DownloadPath string
	NumPrompts   int
	Seed         uint32
	Tokenizer    Tokenizer
	// Template renders messages with the model's chat template, for sonnet,
	// which asks for the reply's beginning (add_generation_prompt). nil: the
	// model has none.
	Template func(messages []Message) (string, error)
	// Chat reports whether requests go to a chat endpoint.
	Chat bool
	// IDs sends token ids in place of text, where the data set makes its prompts
	// of ids (random, random_image).
	IDs bool
	// OutputLen is the number of tokens to ask for in place of what the data set
	// says (sharegpt, trtllm_custom, hf, jsonl, conversations, trace).
	OutputLen *int

	// Random: random, random_image, prefix_repetition and synthetic_text.
	InputLen        int
	RandomOutputLen int
	// PrefixLen tokens begin every prompt.
	PrefixLen int
	// RangeRatio spreads the lengths evenly over (1-r) to (1+r) times the nominal.
	RangeRatio float64
	// FromIDs makes random's prompts of consecutive ids; else of Path's text.
	FromIDs bool
	// IDStep is how far apart the ids of a prompt are; 0 and 1 are the original's. Of a step above 1
	// no two prompts begin with the same id, as far as the vocabulary has that many, and two sets
	// with different steps below the vocabulary have no prompts that begin with the same two.
	IDStep int

	// ImageWidth, ImageHeight and ImageSize are pixels; the size counts where
	// the other two are 512. NumImages are the images of a request.
	ImageWidth, ImageHeight, ImageSize, NumImages int

	SonnetInputLen, SonnetOutputLen, SonnetPrefixLen int

	// Subset and Split name a part of a data set on the hub; "" for none.
	Subset, Split string

	// Groups is the number of prefixes of prefix_repetition, SuffixLen what
	// follows them. Zipf is the exponent of the groups' shares: 0 gives each the
	// same number of prompts.
	Groups, SuffixLen int
	Zipf              float64

	// MaxTurns cuts conversations; 0 does not. Think is the mean time in seconds
	// that a user thinks before the next turn, where the file does not say.
	MaxTurns int
	Think    float64

	// Speedup divides a trace's times; 0 is 1. BlockSize is the number of tokens
	// of one block hash; 0 is the trace's own.
	Speedup   float64
	BlockSize int

	// Env looks up environment variables, for the hub; nil knows none.
	Env func(name string) string
	// Progress is told of downloads: the file, and how many of its bytes are here.
	Progress func(file string, done, total int64)
	// DownloadTimeout bounds the download of a file; 0 does not.
	DownloadTimeout time.Duration
}

// loaders are the data sets by name.
var loaders = map[string]func(ctx context.Context, o *Options) (*Set, error){
	"random":        random,
	"trtllm_custom": custom,
	"sharegpt":      shareGPT,
	"sonnet":        sonnet,
	"burstgpt":      burstGPT,
	"random_image":  randomImage,
	"hf":            hubDataset,

	"jsonl":             jsonl,
	"prefix_repetition": prefixRepetition,
	"conversations":     conversations,
	"trace":             trace,
	"synthetic_text":    syntheticText,
}

// Names returns the names of the data sets: the original's, then ours.
func Names() []string {
	return []string{"sharegpt", "burstgpt", "sonnet", "random", "random_image", "hf", "trtllm_custom",
		"jsonl", "prefix_repetition", "conversations", "trace", "synthetic_text"}
}

// The most prompts, and tokens of all prompts together: a slip of the command
// line gets a message, not a crash.
const (
	maxPrompts = 1 << 28
	maxTokens  = 1 << 33
	maxLength  = 1 << 31
)

// check returns what is wrong with the options of any data set.
func (o *Options) check() error {
	drawn := o.Name == "random" || o.Name == "random_image" // their checks have the original's words
	switch {
	case loaders[o.Name] == nil:
		return &Error{Kind: Unknown, Text: fmt.Sprintf("there is no data set %q; there are %s", o.Name, strings.Join(Names(), ", "))}
	case o.NumPrompts < 0 && drawn:
		return optionError("Trying to create tensor with negative dimension %d: [%d] (the number of prompts must not be negative)", o.NumPrompts, o.NumPrompts)
	case o.NumPrompts < 0:
		return optionError("the number of prompts must not be negative (it is %d)", o.NumPrompts)
	case o.NumPrompts > maxPrompts && !drawn:
		return optionError("%d prompts are too many (at most %d)", o.NumPrompts, maxPrompts)
	case o.OutputLen != nil && (*o.OutputLen < 1 || *o.OutputLen >= maxLength):
		return optionError("an output of %d tokens is out of range (1 to %d)", *o.OutputLen, maxLength-1)
	}
	return nil
}

// Load makes the requests of a data set.
func Load(ctx context.Context, o Options) (*Set, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Env == nil {
		o.Env = func(string) string { return "" }
	}
	if o.Path == "" || o.Name == "hf" {
		return loaders[o.Name](ctx, &o)
	}
	named := o.Path
	path, remove, err := spool(o.file())
	if err != nil {
		return nil, err
	}
	defer remove()
	o.Path = path
	set, err := loaders[o.Name](ctx, &o)
	if bad := (*Error)(nil); errors.As(err, &bad) && bad.File == path {
		bad.File = named // not that of its copy
	}
	return set, err
}

// file is the data set's file: standard input if it is named "-".
func (o *Options) file() string {
	if o.Path == "-" {
		return "/dev/stdin"
	}
	return o.Path
}

func (o *Options) newSet() *Set { return &Set{rng: pyrand.NewPython(uint64(o.Seed))} }

// files are what the data sets that need a file read.
var files = map[string]string{
	"burstgpt":      "a CSV file with the columns of BurstGPT",
	"conversations": "conversations, " + conversationExample,
	"trtllm_custom": "one JSON object a line, " + customExample,
	"jsonl":         "one JSON object a line, " + jsonlExample,
	"sharegpt":      "a ShareGPT file, a JSON list of conversations",
	"sonnet":        "a text of lines",
	"trace":         "a trace, " + traceExample,
}

// needPath returns an error if there is no file to read.
func (o *Options) needPath() error {
	if o.Path == "" {
		return &Error{Kind: NoPath, Text: fmt.Sprintf("the data set %s needs a file: %s", o.Name, files[o.Name])}
	}
	return nil
}

// needShareGPT is needPath of the data set random.
func (o *Options) needShareGPT() error {
	if o.Path == "" {
		return &Error{Kind: NoPath, Text: "the data set random needs a ShareGPT file to take text from, or random ids, which need none"}
	}
	return nil
}

// Check returns what is wrong with options as far as that shows without reading a file.
// Load checks them, too.
func Check(o Options) error {
	if err := cmp.Or(o.check(), o.checkSize(), o.checkAPI()); err != nil {
		return err
	}
	downloads := o.DownloadPath != "" && (o.Name == "sharegpt" || o.Name == "random")
	switch {
	case o.Path != "" && o.Name != "hf":
		if _, err := os.Stat(o.file()); err != nil {
			return &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
		}
	case downloads:
	case files[o.Name] != "":
		return o.needPath()
	case o.Name == "random" && !o.FromIDs:
		return o.needShareGPT()
	}
	return nil
}

// checkAPI returns an error for a data set that there is none of on the hub, or that the API
// cannot carry.
func (o *Options) checkAPI() error {
	switch {
	case o.Name == "conversations" && !o.Chat:
		return &Error{Kind: NeedsChat, Text: "conversations can be sent to a chat endpoint only"}
	case o.Name == "hf":
		kind, err := o.hubKind()
		if err == nil && kind.chat && !o.Chat {
			err = &Error{Kind: NeedsChat, Text: "Multi-modal content is only supported on 'openai-chat' backend."}
		}
		return err
	}
	return nil
}

// checkSize returns an error if prompts of the lengths asked for are none, or do not fit a machine.
func (o *Options) checkSize() error {
	length := float64(o.PrefixLen) + float64(o.InputLen)
	switch o.Name {
	case "random", "random_image", "synthetic_text":
	case "prefix_repetition":
		if o.PrefixLen < 0 || o.SuffixLen < 0 || o.PrefixLen+o.SuffixLen < 1 {
			return optionError("a prefix of %d tokens and a suffix of %d make no prompt", o.PrefixLen, o.SuffixLen)
		}
		length = float64(o.PrefixLen) + float64(o.SuffixLen)
	default:
		return nil
	}
	if float64(o.NumPrompts)*length > maxTokens {
		return optionError("%d prompts of %.0f tokens are more than a machine holds", o.NumPrompts, length)
	}
	return nil
}

// validLengths reports whether a sample has the lengths that benchmark_serving
// keeps: at least 4 tokens either way (out only if minOutput is set), at most
// maxPrompt in and maxTotal together.
func validLengths(prompt, output int, minOutput bool, maxPrompt, maxTotal int) bool {
	return prompt >= 4 && (output >= 4 || !minOutput) && prompt <= maxPrompt && prompt+output <= maxTotal
}

// oversample repeats requests, drawn with random.choices, until there are n.
func (s *Set) oversample(n int) {
	have := len(s.Requests)
	if have == 0 || have >= n {
		return
	}
	s.Requests = slices.Grow(s.Requests, n-have)
	for _, i := range s.rng.Choices(have, n-have) {
		s.Requests = append(s.Requests, s.Requests[i])
	}
	s.note("%d different requests, repeated at random to make %d", have, n)
}

func (s *Set) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// nothing is the error for a file of which nothing is left to send.
func (o *Options) nothing(format string, args ...any) error {
	return &Error{Kind: Empty, File: o.Path, Text: fmt.Sprintf(format, args...)}
}
