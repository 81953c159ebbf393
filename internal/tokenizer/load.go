package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// load reads a tokenizer.json.
func load(path string, c *config) (*Tokenizer, error) {
	var f file
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer: %w", err)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s is not a tokenizer.json: %s", path, jsonProblem(data, err))
	}
	t, err := f.tokenizer(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// loadConfig reads the tokenizer_config.json of a directory, if there is one.
func loadConfig(dir string) (*config, error) {
	var c config
	path := filepath.Join(dir, "tokenizer_config.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return &c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer's settings: %w", err)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("%s is not a tokenizer_config.json: %s", path, jsonProblem(data, err))
	}
	c.given = true
	return &c, nil
}

// jsonProblem says what is wrong with a JSON text, and where, without Go's types.
func jsonProblem(data []byte, err error) string {
	line := func(offset int64) int { return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n")) }
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return "it is empty"
	case errors.As(err, &syntax):
		return fmt.Sprintf("line %d: %v", line(syntax.Offset), syntax)
	case errors.As(err, &kind) && kind.Field == "":
		return fmt.Sprintf("line %d: it holds a JSON %s", line(kind.Offset), kind.Value)
	case errors.As(err, &kind):
		return fmt.Sprintf("line %d: %s cannot be a JSON %s", line(kind.Offset), kind.Field, kind.Value)
	}
	return err.Error()
}

func (f *file) tokenizer(c *config) (*Tokenizer, error) {
	if f.Model == nil {
		return nil, errors.New("it holds no model")
	}
	if err := f.checkGrowth(); err != nil {
		return nil, err
	}
	f.applyConfig(c)
	t := &Tokenizer{special: map[int32]bool{}, cleanUp: c.CleanUp}
	var err error
	if t.normal, err = normalizers(f.Normalizer); err != nil {
		return nil, err
	}
	// A byte-level model works on bytes where nothing else needs them spelled.
	raw := f.Decoder.is("ByteLevel") && (f.Model.Type == "BPE" || f.Model.Type == "") && !f.Model.ByteFallback &&
		empty(f.Model.Prefix) && empty(f.Model.Suffix) && (f.Normalizer == nil || !f.Normalizer.contains("ByteLevel"))
	var byteLevel bool
	if t.splits, byteLevel, err = splitters(f.PreTokenizer, raw); err != nil {
		return nil, err
	}
	raw = raw && byteLevel
	if raw && f.Model.Unknown != nil && *f.Model.Unknown != "" || !f.Decoder.is("ByteLevel") || !raw {
		raw = false
		if t.splits, _, err = splitters(f.PreTokenizer, false); err != nil {
			return nil, err
		}
		if t.decode, err = decoders(f.Decoder); err != nil {
			return nil, err
		}
	}
	vocab, err := t.setModel(f.Model, raw)
	if err != nil {
		return nil, err
	}
	t.setAdded(f.AddedTokens, c, vocab)
	return t, t.setAround(f.PostProcessor, c)
}

func empty(s *string) bool { return s == nil || *s == "" }

// contains reports whether a step, or one in its sequence, is of a type.
func (s *step) contains(kind string) bool {
	for _, inner := range s.Normalizers {
		if inner.contains(kind) {
			return true
		}
	}
	return s.Type == kind
}

// applyConfig changes the steps that transformers sets anew from the settings.
func (f *file) applyConfig(c *config) {
	if !c.given {
		return
	}
	if s := f.PreTokenizer; s != nil && s.Type == "ByteLevel" {
		s.AddPrefix = c.AddPrefixSpace != nil && *c.AddPrefixSpace
	}
	class := strings.TrimSuffix(c.Class, "Fast")
	if s := f.Normalizer; s != nil && s.Type == "BertNormalizer" {
		switch class {
		case "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "ConvBertTokenizer", "LayoutLMTokenizer", "MobileBertTokenizer", "FunnelTokenizer", "LxmertTokenizer":
			on := true
			s.Lowercase, s.StripAccents, s.ChineseChars = &on, c.StripAccents, &on
			if c.LowerCase != nil {
				s.Lowercase = c.LowerCase
			}
			if c.ChineseChars != nil {
				s.ChineseChars = c.ChineseChars
			}
		}
	}
}

// maxID bounds the ids of a file that is not to be trusted.
const maxID = 1 << 24

// setModel reads the model and the texts of its tokens; it returns the vocabulary
// as it is spelled.
func (t *Tokenizer) setModel(m *modelFile, raw bool) (map[string]int32, error) {
	if m.Type == "Unigram" {
		return t.setUnigram(m)
	}
	var vocab map[string]int32
	if err := json.Unmarshal(m.Vocab, &vocab); err != nil || vocab == nil {
		if m.Type == "" && len(m.Vocab) > 0 && m.Vocab[0] == '[' {
			return t.setUnigram(m)
		}
		return nil, errors.New("its model has no vocabulary of tokens and ids")
	}
	for token, id := range vocab {
		if id < 0 || id >= maxID {
			return nil, fmt.Errorf("the token %q has the id %d", token, id)
		}
		t.setToken(id, token)
	}
	t.vocab = len(vocab)
	unknown := int32(-1)
	if m.Unknown != nil {
		if id, ok := vocab[*m.Unknown]; ok {
			unknown = id
		}
	}
	var err error
	switch m.Type {
	case "BPE", "":
		if m.Merges == nil && m.Type == "" {
			return nil, errors.New("its model says neither its type nor its merges")
		}
		t.model, err = t.newBPE(m, vocab, unknown, raw)
	case "WordPiece":
		prefix, name, longest := "##", "[UNK]", 100
		if m.Prefix != nil {
			prefix = *m.Prefix
		}
		if m.Unknown != nil {
			name = *m.Unknown
		}
		if m.MaxChars != nil {
			longest = *m.MaxChars
		}
		t.model, err = newWordPiece(vocab, name, prefix, longest)
	case "WordLevel":
		t.model = &wordLevel{vocab, unknown}
	default:
		err = unsupported("model", m.Type)
	}
	return vocab, err
}

// setToken keeps the text of a token.
func (t *Tokenizer) setToken(id int32, text string) {
	if n := int(id) + 1 - len(t.tokens.list); n > 0 {
		t.tokens.list = append(t.tokens.list, make([]string, n)...)
	}
	t.tokens.list[id] = text
	if text == "" {
		if t.empty == nil {
			t.empty = map[int32]bool{}
		}
		t.empty[id] = true
	}
}

func (t *Tokenizer) setUnigram(m *modelFile) (map[string]int32, error) {
	var rows [][2]any
	if err := json.Unmarshal(m.Vocab, &rows); err != nil {
		return nil, errors.New("its Unigram model has no list of tokens and scores")
	}
	scores := make([]float64, len(rows))
	for id, row := range rows {
		token, ok := row[0].(string)
		score, isNumber := row[1].(float64)
		if !ok || !isNumber {
			return nil, fmt.Errorf("its vocabulary has %v where a token and its score must be", row)
		}
		scores[id] = score
		t.setToken(int32(id), token)
	}
	unknown := int32(-1)
	if m.UnknownID != nil {
		unknown = *m.UnknownID
	}
	t.vocab = len(rows)
	u, err := newUnigram(t.tokens.list, scores, unknown, m.ByteFallback)
	if err != nil {
		return nil, err
	}
	t.model = u
	return u.ids, nil
}

func (t *Tokenizer) newBPE(f *modelFile, vocab map[string]int32, unknown int32, raw bool) (*bpe, error) {
	m := &bpe{ids: vocab, ignoreMerges: f.IgnoreMerges, byteLevel: raw, fallback: f.ByteFallback, unknown: unknown, fuse: f.FuseUnknown}
	if f.Prefix != nil {
		m.prefix = *f.Prefix
	}
	if f.Suffix != nil {
		m.suffix = *f.Suffix
	}
	if f.Dropout != nil && *f.Dropout != 0 {
		return nil, unsupported("model's dropout", fmt.Sprint(*f.Dropout))
	}
	spelled := vocab
	if raw {
		m.ids = make(map[string]int32, len(vocab))
		for token, id := range vocab {
			if b, ok := fromAlphabet(token); ok {
				m.ids[b] = id
				t.tokens.list[id] = b
			}
		}
	}
	m.index()
	return m, m.setMerges(f.Merges, spelled)
}

// setMerges reads merges written as "left right" or as ["left", "right"].
func (m *bpe) setMerges(data json.RawMessage, vocab map[string]int32) error {
	var pairs [][2]string
	if i := bytes.IndexAny(data, "\"]"); i > 0 && data[i] == '"' && bytes.Count(data[:i], []byte("[")) == 1 {
		var lines []string
		if err := json.Unmarshal(data, &lines); err != nil {
			return fmt.Errorf("its merges: %s", jsonProblem(data, err))
		}
		pairs = make([][2]string, 0, len(lines))
		for n, line := range lines {
			left, right, ok := strings.Cut(line, " ")
			if !ok {
				return fmt.Errorf("merge %d is %q: expected two tokens and a blank between them", n, line)
			}
			pairs = append(pairs, [2]string{left, right})
		}
	} else if len(data) > 0 {
		if err := json.Unmarshal(data, &pairs); err != nil {
			return fmt.Errorf("its merges: %s", jsonProblem(data, err))
		}
	}
	return m.setPairs(pairs, vocab)
}

func (m *bpe) setPairs(pairs [][2]string, vocab map[string]int32) error {
	m.merges = make(map[pair]merged, len(pairs))
	for rank, p := range pairs {
		left, okL := vocab[p[0]]
		right, okR := vocab[p[1]]
		id, ok := vocab[p[0]+strings.TrimPrefix(p[1], m.prefix)]
		if !ok || !okL || !okR {
			return fmt.Errorf("merge %d of %q and %q: not in the vocabulary", rank, p[0], p[1])
		}
		m.merges[pairOfIDs(left, right)] = merged{int32(rank), id}
	}
	return nil
}
