package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// loadPairs reads a byte-level BPE tokenizer given as vocab.json and merges.txt,
// which transformers converts by the class of the tokenizer.
func loadPairs(dir string, c *config) (*Tokenizer, error) {
	vocabPath, mergesPath := filepath.Join(dir, "vocab.json"), filepath.Join(dir, "merges.txt")
	vocab, err := os.ReadFile(vocabPath)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer: %w", err)
	}
	merges, err := os.ReadFile(mergesPath)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer: %w", err)
	}
	var ids map[string]int32
	if err := json.Unmarshal(vocab, &ids); err != nil {
		return nil, fmt.Errorf("%s is not a vocabulary of tokens and ids: %s", vocabPath, jsonProblem(vocab, err))
	}
	f := &file{Model: &modelFile{Type: "BPE", Vocab: vocab}, Decoder: &step{Type: "ByteLevel"}}
	no := false
	level := &step{Type: "ByteLevel", AddPrefix: c.AddPrefixSpace != nil && *c.AddPrefixSpace}
	f.PreTokenizer = level
	switch class := strings.TrimSuffix(c.Class, "Fast"); class {
	case "GPT2Tokenizer", "CodeGenTokenizer":
	case "RobertaTokenizer", "BartTokenizer":
		cls, sep := named(c.CLS, "<s>"), named(c.SEP, "</s>")
		f.PostProcessor = &step{Type: "RobertaProcessing", Cls: []any{cls, float64(ids[cls])}, Sep: []any{sep, float64(ids[sep])}}
	case "Qwen2Tokenizer":
		pattern := qwenPattern
		split := &step{Type: "Split", Behavior: "Isolated"}
		split.Pattern.Regex = &pattern
		level.UseRegex = &no
		f.Normalizer = &step{Type: "NFC"}
		f.PreTokenizer = &step{Type: "Sequence", Pretokenizers: []*step{split, level}}
	default:
		return nil, fmt.Errorf("%s holds vocab.json and merges.txt, which do not say how text is split, and the tokenizer_class %q is not known: %s", dir, c.Class, saveHint)
	}
	var pairs [][2]string
	for n, line := range bytes.Split(merges, []byte("\n")) {
		text := strings.TrimRight(string(line), "\r")
		if text == "" || strings.HasPrefix(text, "#version") {
			continue
		}
		left, right, ok := strings.Cut(text, " ")
		if !ok {
			return nil, fmt.Errorf("%s: line %d is %q: expected two tokens and a blank between them", mergesPath, n+1, text)
		}
		pairs = append(pairs, [2]string{left, right})
	}
	if f.Model.Merges, err = json.Marshal(pairs); err != nil {
		return nil, err
	}
	t, err := f.tokenizer(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return t, nil
}

func named(t text, otherwise string) string {
	if t == "" {
		return otherwise
	}
	return string(t)
}
