package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// file is what loadgen reads of a tokenizer.json.
type file struct {
	Model *struct {
		Type         string
		Vocab        map[string]int32
		Merges       json.RawMessage
		IgnoreMerges bool `json:"ignore_merges"`
		ByteFallback bool `json:"byte_fallback"`
	}
	AddedTokens   []addedToken `json:"added_tokens"`
	Normalizer    *step
	PreTokenizer  *step `json:"pre_tokenizer"`
	PostProcessor *step `json:"post_processor"`
	Decoder       *step
}

// step is a normalizer, pre-tokenizer, post-processor or decoder.
type step struct {
	Type          string
	Normalizers   []*step
	Pretokenizers []*step
	Processors    []*step
	Pattern       struct{ Regex, String *string }
	Behavior      string
	Invert        bool
	AddPrefix     bool  `json:"add_prefix_space"`
	UseRegex      *bool `json:"use_regex"`
	Individual    bool  `json:"individual_digits"`
	Single        []struct {
		SpecialToken *struct{ ID string }
		Sequence     *struct{ ID string }
	}
	SpecialTokens map[string]struct{ IDs []int } `json:"special_tokens"`
	Sep, Cls      []any
}

// config is what loadgen reads of a tokenizer_config.json.
type config struct {
	Class         string                `json:"tokenizer_class"`
	CleanUp       bool                  `json:"clean_up_tokenization_spaces"`
	AddBOS        *bool                 `json:"add_bos_token"`
	AddEOS        *bool                 `json:"add_eos_token"`
	BOS           text                  `json:"bos_token"`
	EOS           text                  `json:"eos_token"`
	UNK           text                  `json:"unk_token"`
	PAD           text                  `json:"pad_token"`
	SEP           text                  `json:"sep_token"`
	CLS           text                  `json:"cls_token"`
	MASK          text                  `json:"mask_token"`
	Additional    []text                `json:"additional_special_tokens"`
	AddedByNumber map[string]addedToken `json:"added_tokens_decoder"`
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

// load reads a tokenizer.json, and the tokenizer_config.json beside it if there
// is one.
func load(path string) (*Tokenizer, error) {
	var f file
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer: %w", err)
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s is not a tokenizer.json: %w", path, err)
	}
	var c config
	configPath := filepath.Join(filepath.Dir(path), "tokenizer_config.json")
	if data, err := os.ReadFile(configPath); err == nil {
		if err := json.Unmarshal(data, &c); err != nil {
			return nil, fmt.Errorf("%s is broken: %w", configPath, err)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the tokenizer's settings: %w", err)
	}
	t, err := f.tokenizer(&c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.Name = path
	return t, nil
}

// errOther is for tokenizers that are not byte-level BPE.
func errOther(what string, args ...any) error {
	return fmt.Errorf("%s: only byte-level BPE tokenizers (Llama 3, Qwen, DeepSeek, GPT) are there yet; --tokenizer names another", fmt.Sprintf(what, args...))
}

func (f *file) tokenizer(c *config) (*Tokenizer, error) {
	switch {
	case f.Model == nil || f.Model.Vocab == nil:
		return nil, errors.New("it holds no model")
	case f.Model.Type != "" && f.Model.Type != "BPE":
		return nil, errOther("the model is of type %s", f.Model.Type)
	case f.Model.ByteFallback:
		return nil, errOther("the model is SentencePiece's BPE with byte fallback")
	case f.Decoder == nil || !f.Decoder.is("ByteLevel"):
		return nil, errOther("the decoder is not ByteLevel")
	}
	t := &Tokenizer{vocab: len(f.Model.Vocab), special: map[int32]bool{}, cleanUp: c.CleanUp}
	if err := t.setModel(f); err != nil {
		return nil, err
	}
	if err := t.setNormalizer(f.Normalizer); err != nil {
		return nil, err
	}
	byteLevel, err := t.setSplits(f.PreTokenizer)
	if err != nil {
		return nil, err
	}
	if !byteLevel {
		return nil, errOther("the pre-tokenizer is not ByteLevel")
	}
	t.setAdded(f, c)
	return t, t.setAround(f.PostProcessor, c)
}

// is tells whether a step, or one in its sequence, is of a type.
func (s *step) is(kind string) bool {
	for _, inner := range s.Processors {
		if inner.is(kind) {
			return true
		}
	}
	return s.Type == kind
}

// maxID bounds the ids of a file that is not to be trusted.
const maxID = 1 << 24

func (t *Tokenizer) setModel(f *file) error {
	m := &t.model
	m.ignoreMerges = f.Model.IgnoreMerges
	m.ids = make(map[string]int32, len(f.Model.Vocab))
	raw := make(map[string]string, len(f.Model.Vocab)) // spelled in the byte-level alphabet -> bytes
	for spelled, id := range f.Model.Vocab {
		if id < 0 || id >= maxID {
			return fmt.Errorf("the token %q has the id %d", spelled, id)
		}
		t.grow(id)
		b, ok := fromAlphabet(spelled)
		if !ok {
			m.tokens[id] = spelled
			continue
		}
		m.tokens[id] = b
		m.ids[b] = id
		raw[spelled] = b
	}
	for b := range m.bytes {
		m.bytes[b] = -1
		if id, ok := m.ids[string([]byte{byte(b)})]; ok {
			m.bytes[b] = id
		}
	}
	return m.setMerges(f.Model.Merges, raw)
}

func (t *Tokenizer) grow(id int32) {
	if n := int(id) + 1 - len(t.model.tokens); n > 0 {
		t.model.tokens = append(t.model.tokens, make([]string, n)...)
	}
}

// setMerges reads merges written as "left right" or as ["left", "right"].
func (m *bpe) setMerges(data json.RawMessage, raw map[string]string) error {
	var pairs [][2]string
	if i := bytes.IndexAny(data, "\"]"); i > 0 && data[i] == '"' && bytes.Count(data[:i], []byte("[")) == 1 {
		var lines []string
		if err := json.Unmarshal(data, &lines); err != nil {
			return fmt.Errorf("the merges cannot be read: %w", err)
		}
		pairs = make([][2]string, 0, len(lines))
		for n, line := range lines {
			left, right, ok := strings.Cut(line, " ")
			if !ok {
				return fmt.Errorf("merge %d is %q: want two tokens", n, line)
			}
			pairs = append(pairs, [2]string{left, right})
		}
	} else if len(data) > 0 {
		if err := json.Unmarshal(data, &pairs); err != nil {
			return fmt.Errorf("the merges cannot be read: %w", err)
		}
	}
	m.merges = make(map[pair]merged, len(pairs))
	for rank, p := range pairs {
		left, okL := raw[p[0]]
		right, okR := raw[p[1]]
		id, ok := m.ids[left+right]
		if !ok || !okL || !okR {
			return fmt.Errorf("merge %d of %q and %q: not in the vocabulary", rank, p[0], p[1])
		}
		m.merges[pair{m.ids[left], m.ids[right]}] = merged{int32(rank), id}
	}
	return nil
}

func (t *Tokenizer) setNormalizer(s *step) error {
	if s == nil {
		return nil
	}
	switch s.Type {
	case "NFC":
		t.normal = append(t.normal, norm.NFC)
	case "NFD":
		t.normal = append(t.normal, norm.NFD)
	case "NFKC":
		t.normal = append(t.normal, norm.NFKC)
	case "NFKD":
		t.normal = append(t.normal, norm.NFKD)
	case "Sequence":
		for _, inner := range s.Normalizers {
			if err := t.setNormalizer(inner); err != nil {
				return err
			}
		}
	default:
		return errOther("the normalizer is %s", s.Type)
	}
	return nil
}

// gpt2 is the pattern that ByteLevel splits by unless told not to.
const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// setSplits reads the pre-tokenizer and tells whether it ends in ByteLevel.
func (t *Tokenizer) setSplits(s *step) (byteLevel bool, err error) {
	if s == nil {
		return false, nil
	}
	expression := ""
	switch s.Type {
	case "Sequence":
		for _, inner := range s.Pretokenizers {
			if byteLevel {
				return false, errOther("the pre-tokenizer goes on after ByteLevel")
			}
			if byteLevel, err = t.setSplits(inner); err != nil {
				return false, err
			}
		}
		return byteLevel, nil
	case "ByteLevel":
		t.addPrefix = s.AddPrefix
		if s.AddPrefix && len(t.splits) > 0 {
			return false, errOther("the pre-tokenizer adds blanks after a split")
		}
		if s.UseRegex != nil && !*s.UseRegex {
			return true, nil
		}
		byteLevel, expression = true, gpt2
	case "Digits":
		if expression = `\p{N}+`; s.Individual {
			expression = `\p{N}`
		}
	case "Split":
		if s.Behavior != "Isolated" || s.Invert || s.Pattern.Regex == nil {
			return false, errOther("the pre-tokenizer splits with the behavior %q (inverted: %v)", s.Behavior, s.Invert)
		}
		expression = *s.Pattern.Regex
	default:
		return false, errOther("the pre-tokenizer is %s", s.Type)
	}
	p, err := parsePattern(expression)
	t.splits = append(t.splits, p)
	return byteLevel, err
}

// fromAlphabet turns a token spelled in GPT-2's byte alphabet into its bytes.
func fromAlphabet(s string) (string, bool) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := alphabetByte(r)
		if !ok {
			return "", false
		}
		out = append(out, b)
	}
	return string(out), true
}

// alphabetByte is the byte that a rune of the alphabet stands for: printable
// Latin-1 for itself, the 68 others in order from U+0100 on.
func alphabetByte(r rune) (byte, bool) {
	switch {
	case '!' <= r && r <= '~', 0xa1 <= r && r <= 0xac, 0xae <= r && r <= 0xff:
		return byte(r), true
	case 0x100 <= r && r <= 0x120:
		return byte(r - 0x100), true // 0 to 32
	case 0x121 <= r && r <= 0x142:
		return byte(r - 0x121 + 127), true // 127 to 160
	case r == 0x143:
		return 173, true
	}
	return 0, false
}
