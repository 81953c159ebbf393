package tokenizer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotFound is wrapped by the error for a name that leads to no tokenizer.
var ErrNotFound = errors.New("not found")

// KindError is the error for a directory or file without a tokenizer that can be
// read.
type KindError struct {
	// Path is the directory or file.
	Path string
	// Holds says what is there instead.
	Holds string
	// Wanted is the file that was looked for; "" for any.
	Wanted string
}

const saveHint = "save a tokenizer.json with transformers: AutoTokenizer.from_pretrained(...).save_pretrained(DIR)"

// Error says what is there and what to do.
func (e *KindError) Error() string {
	if e.Wanted != "" {
		return fmt.Sprintf("%s holds %s, and no %s", e.Path, e.Holds, e.Wanted)
	}
	return fmt.Sprintf("%s holds %s, and no tokenizer that can be read (tokenizer.json, tekken.json, tokenizer.model, tiktoken.model, or vocab.json with merges.txt): %s",
		e.Path, e.Holds, saveHint)
}

// Find returns the tokenizer of a name: a directory that holds one, the file of
// one, a model in the local Hugging Face cache, or the built-in vocabulary for
// "llama3" and the names of that family. Nothing is downloaded. env looks up
// environment variables.
func Find(name string, env func(string) string) (*Tokenizer, error) {
	switch info, err := os.Stat(name); {
	case name == "":
		return nil, fmt.Errorf("no tokenizer is named: %w", ErrNotFound)
	case err == nil && !info.IsDir():
		return loadFile(name)
	case err == nil:
		return inDirectory(name)
	}
	builtIn := IsLlama3(name) && !isMissingPath(name)
	if name == "llama3" {
		return Llama3(), nil
	}
	dir, err := cached(name, env)
	if err == nil && dir != "" {
		var t *Tokenizer
		if t, err = inDirectory(dir); err == nil {
			return t, nil
		}
	}
	switch {
	case builtIn: // whatever the cache is like
		return Llama3(), nil
	case err != nil:
		return nil, err
	}
	return nil, notFound(name, env)
}

// tokenizerFiles are the files that hold a tokenizer, the best one first.
var tokenizerFiles = []string{"tokenizer.json", "tekken.json", "tekken_*.json", "tiktoken.model", "*.tiktoken", "tokenizer.model", "tokenizer.model.v*", "spiece.model", "vocab.json"}

// inDirectory reads the tokenizer of a directory.
func inDirectory(dir string) (*Tokenizer, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer: %w", err)
	}
	if path := firstFile(dir, tokenizerFiles); path != "" {
		return loadFile(path)
	}
	return nil, &KindError{Path: dir, Holds: contents(dir)}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// escapeGlob makes a directory's name match only itself.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// contents lists up to 8 files of a directory, those about the tokenizer first.
func contents(dir string) string {
	entries, _ := os.ReadDir(dir)
	var first, rest []string
	for _, e := range entries {
		name := e.Name()
		if strings.Contains(name, "token") || strings.Contains(name, "vocab") || strings.Contains(name, "merges") || strings.HasSuffix(name, ".gguf") {
			first = append(first, name)
		} else {
			rest = append(rest, name)
		}
	}
	all := append(first, rest...)
	switch {
	case len(all) == 0:
		return "nothing"
	case len(all) > 8:
		return fmt.Sprintf("%s and %d more files", strings.Join(all[:8], ", "), len(all)-8)
	}
	return strings.Join(all, ", ")
}

// loadFile reads the file of a tokenizer by its name.
func loadFile(path string) (*Tokenizer, error) {
	dir, base := filepath.Dir(path), filepath.Base(path)
	c, err := loadConfig(dir)
	if err != nil {
		return nil, err
	}
	var t *Tokenizer
	switch {
	case strings.HasPrefix(base, "tekken") && strings.HasSuffix(base, ".json"):
		t, err = loadTekken(path)
	case base == "vocab.json" || base == "merges.txt":
		t, err = loadPairs(dir, c)
	case strings.HasSuffix(base, ".model") || strings.Contains(base, ".model.v") || strings.HasSuffix(base, ".tiktoken"):
		if class := strings.TrimSuffix(c.Class, "Fast"); c.given && !spmClasses[class] {
			return nil, fmt.Errorf("%s is of the tokenizer_class %q, whose ids are not those of the file: %s", path, c.Class, saveHint)
		}
		t, err = readModel(path, c)
	case strings.HasSuffix(base, ".gguf"), strings.HasSuffix(base, ".safetensors"):
		return nil, &KindError{Path: path, Holds: "the weights of a model"}
	default:
		t, err = load(path, c)
	}
	if err != nil {
		return nil, err
	}
	if err := t.tokens.checkTokens(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	t.Name = path
	return t, nil
}

// spmClasses are the classes whose tokenizer.model or tiktoken file is used as it is.
var spmClasses = map[string]bool{
	"": true, "LlamaTokenizer": true, "CodeLlamaTokenizer": true, "GemmaTokenizer": true, "MistralTokenizer": true, "MistralCommonTokenizer": true,
	"TikTokenTokenizer": true, "PreTrainedTokenizer": true, "QWenTokenizer": true, "InternLM2Tokenizer": true, "InternLMTokenizer": true, "BaichuanTokenizer": true,
}

// isMissingPath reports whether a name can only be meant as a path of this machine.
func isMissingPath(name string) bool {
	if !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") && !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "~") {
		return false
	}
	_, err := os.Stat(name)
	return err != nil
}
