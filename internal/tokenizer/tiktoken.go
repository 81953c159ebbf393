package tokenizer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Split patterns of the families whose tokenizers are tiktoken files.
const (
	kimiPattern = `[\p{Han}]+|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwenPattern  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	o200kPattern = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// loadTiktoken reads a tiktoken file: a token in base64 and its rank a line. The
// file has no split pattern, so the model's family must be known.
func loadTiktoken(path string, data []byte, c *config) (*Tokenizer, error) {
	tokens, err := parseTiktoken(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t := &Tokenizer{special: map[int32]bool{}, cleanUp: c.CleanUp, vocab: len(tokens)}
	pattern, name := llama3Pattern, modelType(filepath.Dir(path))
	family := strings.ToLower(name + " " + c.Class + " " + filepath.Base(path))
	reserved := 0
	switch {
	case strings.Contains(family, "kimi"), strings.Contains(family, "tiktokentokenizer"):
		pattern, reserved = kimiPattern, 256
	case strings.Contains(family, "qwen"):
		pattern = qwenPattern
	case strings.Contains(family, "gpt_oss"), strings.Contains(family, "o200k"):
		pattern = o200kPattern
	case len(tokens) == llama3Vocab, strings.Contains(family, "llama"), name == "mllama":
		t.before = []int{llama3BOS}
	default:
		return nil, fmt.Errorf("%s is a tiktoken file, which does not say how text is split, and the family of the model (%q) is not known: a tokenizer.json is needed", path, name)
	}
	if err := t.setRanks(tokens, 0, pattern); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	special := func(id int, text string) { t.setSpecial(int32(id), text) }
	if len(t.before) > 0 {
		own := Llama3()
		for id := llama3Vocab; id < own.tokens.len() && len(tokens) == llama3Vocab; id++ {
			special(id, own.tokens.of(id))
		}
		if len(tokens) != llama3Vocab {
			t.before = nil
		}
		return t, nil
	}
	named := map[string]bool{}
	for number, a := range c.AddedByNumber {
		if id, err := strconv.Atoi(number); err == nil && id >= len(tokens) && id < maxID {
			special(id, a.Content)
			named[number] = true
		}
	}
	for id := len(tokens); id < len(tokens)+reserved; id++ {
		if !named[strconv.Itoa(id)] {
			special(id, fmt.Sprintf("<|reserved_token_%d|>", id))
		}
	}
	if reserved > 0 {
		t.vocab = t.tokens.len()
	}
	return t, nil
}

func (t *Tokenizer) setSpecial(id int32, text string) {
	t.setToken(id, text)
	t.special[id] = true
	t.raw.add(&addedToken{ID: id, Content: text, Special: true})
}

// parseTiktoken returns the tokens by rank.
func parseTiktoken(data []byte) ([]string, error) {
	var tokens []string
	for n, line := range bytes.Split(data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		encoded, number, ok := strings.Cut(string(bytes.TrimSpace(line)), " ")
		token, err := base64.StdEncoding.DecodeString(encoded)
		rank, err2 := strconv.Atoi(number)
		if !ok || err != nil || err2 != nil || rank < 0 || rank >= maxID {
			return nil, fmt.Errorf("line %d is %q: expected a token in base64 and its rank, such as IQ== 0", n+1, line[:min(len(line), 60)])
		}
		if grow := rank + 1 - len(tokens); grow > 0 {
			tokens = append(tokens, make([]string, grow)...)
		}
		tokens[rank] = string(token)
	}
	if len(tokens) == 0 {
		return nil, errors.New("it holds no tokens")
	}
	return tokens, nil
}

// setRanks makes a tiktoken model of tokens by rank; ids are first more.
func (t *Tokenizer) setRanks(tokens []string, first int, pattern string) error {
	p, err := compilePattern(pattern, true)
	if err != nil {
		return err
	}
	m := &bpe{ids: make(map[string]int32, len(tokens)), ignoreMerges: true, byteLevel: true, unknown: -1, order: byToken}
	for rank, token := range tokens {
		if token == "" {
			continue
		}
		t.setToken(int32(first+rank), token)
		m.ids[token] = int32(first + rank)
	}
	m.index()
	t.splits = []splitter{splitAt(p.each, isolated, false)}
	t.model = m
	return nil
}

// modelType is what the config.json of a directory calls the kind of model.
func modelType(dir string) string {
	var c struct {
		Type string `json:"model_type"`
	}
	if data, err := os.ReadFile(filepath.Join(dir, "config.json")); err == nil {
		_ = json.Unmarshal(data, &c) // a broken one names no type
	}
	return c.Type
}

// tekkenFile is what loadgen reads of Mistral's tekken.json.
type tekkenFile struct {
	Config struct {
		Pattern  string
		Tokens   int `json:"num_vocab_tokens"`
		Size     int `json:"default_vocab_size"`
		Specials int `json:"default_num_special_tokens"`
	}
	Vocab []struct {
		Rank  int
		Bytes []byte `json:"token_bytes"`
	}
	Special []struct {
		Rank int
		Text string `json:"token_str"`
	} `json:"special_tokens"`
}

// tekkenSpecial are the special tokens of files that list none.
var tekkenSpecial = []string{
	"<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]",
	"[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]",
}

// loadTekken reads a tekken.json. As with mistral-common, special tokens that
// stand in a text are text.
func loadTekken(path string) (*Tokenizer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer: %w", err)
	}
	var f tekkenFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s is not a tekken.json: %s", path, jsonProblem(data, err))
	}
	specials, inner := f.Config.Specials, f.Config.Size-f.Config.Specials
	switch {
	case specials < 0 || inner <= 0 || f.Config.Size > maxID:
		return nil, fmt.Errorf("%s: its config has a vocabulary of %d, %d of them special", path, f.Config.Size, specials)
	case len(f.Vocab) < inner:
		return nil, fmt.Errorf("%s: its vocabulary has %d tokens, and its config says %d", path, len(f.Vocab), inner)
	}
	t := &Tokenizer{special: map[int32]bool{}, vocab: f.Config.Size}
	tokens := make([]string, inner)
	for _, v := range f.Vocab[:inner] {
		if v.Rank < 0 || v.Rank >= inner {
			return nil, fmt.Errorf("%s: a token has the rank %d, of %d", path, v.Rank, inner)
		}
		tokens[v.Rank] = string(v.Bytes)
	}
	if err := t.setRanks(tokens, specials, f.Config.Pattern); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	names := map[int]string{}
	for id, text := range tekkenSpecial {
		if f.Special == nil {
			names[id] = text
		}
	}
	for _, s := range f.Special {
		names[s.Rank] = s.Text
	}
	for id := range specials {
		text, ok := names[id]
		if !ok {
			text = fmt.Sprintf("<SPECIAL_%d>", id)
		}
		t.setToken(int32(id), text)
		t.special[int32(id)] = true
		if text == "<s>" {
			t.before = []int{id}
		}
	}
	return t, nil
}
