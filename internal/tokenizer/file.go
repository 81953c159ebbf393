package tokenizer

import (
	"encoding/json"
	"fmt"
)

// file is what loadgen reads of a tokenizer.json.
type file struct {
	Model         *modelFile
	AddedTokens   []addedToken `json:"added_tokens"`
	Normalizer    *step
	PreTokenizer  *step `json:"pre_tokenizer"`
	PostProcessor *step `json:"post_processor"`
	Decoder       *step
}

type modelFile struct {
	Type         string
	Vocab        json.RawMessage // token to id; of Unigram a list of token and score
	Merges       json.RawMessage
	IgnoreMerges bool     `json:"ignore_merges"`
	ByteFallback bool     `json:"byte_fallback"`
	FuseUnknown  bool     `json:"fuse_unk"`
	Unknown      *string  `json:"unk_token"`
	UnknownID    *int32   `json:"unk_id"`
	Prefix       *string  `json:"continuing_subword_prefix"`
	Suffix       *string  `json:"end_of_word_suffix"`
	Dropout      *float64 `json:"dropout"`
	MaxChars     *int     `json:"max_input_chars_per_word"`
}

// step is a normalizer, pre-tokenizer, post-processor or decoder.
type step struct {
	Type           string
	Normalizers    []*step
	Pretokenizers  []*step
	Processors     []*step
	Decoders       []*step
	Pattern        struct{ Regex, String *string }
	Behavior       string
	Invert         bool
	AddPrefixSpace *bool `json:"add_prefix_space"`
	AddPrefix      bool  `json:"-"` // AddPrefixSpace, false if it is not given
	UseRegex       *bool `json:"use_regex"`
	Individual     bool  `json:"individual_digits"`
	Single         []struct {
		SpecialToken *struct{ ID string }
		Sequence     *struct{ ID string }
	}
	SpecialTokens map[string]struct{ IDs []int } `json:"special_tokens"`
	Sep, Cls      []any
	Content       *string
	Prepend       string
	Charsmap      string `json:"precompiled_charsmap"`
	CleanText     *bool  `json:"clean_text"`
	ChineseChars  *bool  `json:"handle_chinese_chars"`
	StripAccents  *bool  `json:"strip_accents"`
	Lowercase     *bool
	StripLeft     bool `json:"strip_left"`
	StripRight    bool `json:"strip_right"`
	Replacement   string
	PrependScheme string `json:"prepend_scheme"`
	Split         *bool
	Delimiter     string
	Length        *int
	Start, Stop   int
	Prefix        *string
	Suffix        *string
	Cleanup       *bool
	PadToken      *string `json:"pad_token"`
	WordDelimiter *string `json:"word_delimiter_token"`
}

// UnmarshalJSON reads a step.
func (s *step) UnmarshalJSON(data []byte) error {
	type plain step
	if err := json.Unmarshal(data, (*plain)(s)); err != nil {
		return err
	}
	s.AddPrefix = s.AddPrefixSpace != nil && *s.AddPrefixSpace
	return nil
}

// is reports whether a step is of a type, or is a sequence of nothing but one of
// that type.
func (s *step) is(kind string) bool {
	if s == nil {
		return false
	}
	if s.Type == "Sequence" && len(s.Decoders) == 1 {
		return s.Decoders[0].is(kind)
	}
	return s.Type == kind
}

// UnsupportedError is the error for a part of a tokenizer that is not supported.
type UnsupportedError struct {
	// Part says which part it is, such as "pre-tokenizer".
	Part string
	// Name is what the file calls it.
	Name string
}

// Error names the part.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("its %s is %q, which is not supported", e.Part, e.Name)
}

func unsupported(part, name string) error { return &UnsupportedError{part, name} }

// config is what loadgen reads of a tokenizer_config.json.
type config struct {
	Class          string                `json:"tokenizer_class"`
	CleanUp        bool                  `json:"clean_up_tokenization_spaces"`
	AddBOS         *bool                 `json:"add_bos_token"`
	AddEOS         *bool                 `json:"add_eos_token"`
	AddPrefixSpace *bool                 `json:"add_prefix_space"`
	LowerCase      *bool                 `json:"do_lower_case"`
	StripAccents   *bool                 `json:"strip_accents"`
	ChineseChars   *bool                 `json:"tokenize_chinese_chars"`
	BOS            text                  `json:"bos_token"`
	EOS            text                  `json:"eos_token"`
	UNK            text                  `json:"unk_token"`
	PAD            text                  `json:"pad_token"`
	SEP            text                  `json:"sep_token"`
	CLS            text                  `json:"cls_token"`
	MASK           text                  `json:"mask_token"`
	Additional     []text                `json:"additional_special_tokens"`
	AddedByNumber  map[string]addedToken `json:"added_tokens_decoder"`

	given bool // there is such a file
}

// text is a token, given as a string or as an object with its content.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var object struct{ Content string }
	if json.Unmarshal(data, &object) == nil && len(data) > 0 && data[0] == '{' {
		*t = text(object.Content)
		return nil
	}
	var s *string
	if err := json.Unmarshal(data, &s); err != nil || s == nil {
		return nil // true, null and the like name no token
	}
	*t = text(*s)
	return nil
}
