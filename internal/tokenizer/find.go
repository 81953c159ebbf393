package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
}

const saveHint = "save a tokenizer.json with transformers: AutoTokenizer.from_pretrained(...).save_pretrained(DIR)"

// Error says what is there and what to do.
func (e *KindError) Error() string {
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
	own := name == "llama3" || IsLlama3(name) && !isMissingPath(name)
	dir, err := cached(name, env)
	switch {
	case err == nil && dir != "":
		t, err := inDirectory(dir)
		var kind *KindError
		if !own || !errors.As(err, &kind) && !errors.Is(err, os.ErrPermission) {
			return t, err
		}
	case err != nil && !own:
		return nil, err
	}
	if own {
		return Llama3(), nil
	}
	return nil, fmt.Errorf("no tokenizer for %q: %w, neither as a path nor in the Hugging Face cache %s (nothing is downloaded)",
		name, ErrNotFound, cacheDir(env))
}

// tokenizerFiles are the files that hold a tokenizer, the best one first.
var tokenizerFiles = []string{"tokenizer.json", "tekken.json", "tekken_*.json", "tiktoken.model", "*.tiktoken", "tokenizer.model", "tokenizer.model.v*", "spiece.model", "vocab.json"}

// inDirectory reads the tokenizer of a directory.
func inDirectory(dir string) (*Tokenizer, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer: %w", err)
	}
	for _, name := range tokenizerFiles {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(dir), name))
		for _, path := range found {
			if filepath.Base(path) == "vocab.json" && !exists(filepath.Join(dir, "merges.txt")) {
				continue
			}
			return loadFile(path)
		}
	}
	return nil, &KindError{dir, contents(dir)}
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
		return nil, &KindError{path, "the weights of a model"}
	default:
		t, err = load(path, c)
	}
	if err != nil {
		return nil, err
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

// cacheDir is where huggingface_hub keeps models.
func cacheDir(env func(string) string) string {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if dir := env(name); dir != "" {
			return dir
		}
	}
	if home := env("HF_HOME"); home != "" {
		return filepath.Join(home, "hub")
	}
	base := env("XDG_CACHE_HOME")
	if base == "" {
		base = filepath.Join(env("HOME"), ".cache")
	}
	return filepath.Join(base, "huggingface", "hub")
}

// repoID is the form of a model's name on the hub.
var repoID = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?$`)

// cached returns the directory of a model in the cache, "" if it is not there or
// has no tokenizer. The revision is the one that refs/main names.
func cached(name string, env func(string) string) (string, error) {
	if !repoID.MatchString(name) || strings.Contains(name, "..") {
		return "", nil
	}
	repo := filepath.Join(cacheDir(env), "models--"+strings.ReplaceAll(name, "/", "--"))
	ref, err := os.ReadFile(filepath.Join(repo, "refs", "main"))
	if errors.Is(err, os.ErrNotExist) {
		return newestSnapshot(repo), nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	dir := filepath.Join(repo, "snapshots", strings.TrimSpace(string(ref)))
	if _, err := os.ReadDir(dir); errors.Is(err, os.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	if !holdsTokenizer(dir) {
		return "", nil
	}
	return dir, nil
}

func holdsTokenizer(dir string) bool {
	for _, name := range tokenizerFiles {
		if found, _ := filepath.Glob(filepath.Join(escapeGlob(dir), name)); len(found) > 0 {
			return true
		}
	}
	return false
}

// newestSnapshot stands in for refs/main where only a pinned revision was loaded.
func newestSnapshot(repo string) string {
	dirs, _ := filepath.Glob(filepath.Join(escapeGlob(repo), "snapshots", "*"))
	newest, at := "", int64(-1)
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err == nil && info.ModTime().UnixNano() > at && holdsTokenizer(dir) {
			newest, at = dir, info.ModTime().UnixNano()
		}
	}
	return newest
}

// PythonError is the error for a custom tokenizer that is Python code.
type PythonError struct {
	// Path is the dotted path of its class.
	Path string
}

// Error says what to give instead.
func (e *PythonError) Error() string {
	return fmt.Sprintf("the custom tokenizer %q is Python, which cannot be loaded here: give the directory of its tokenizer.json, tekken.json or tiktoken.model as the tokenizer, or one of %s",
		e.Path, strings.Join(customNames, ", "))
}

// customNames are the aliases of custom tokenizers.
var customNames = []string{"mistral_common", "deepseek_v32", "deepseek_v4", "kimi", "llama3"}

// Custom returns the tokenizer of a model by an alias of its kind, such as
// mistral_common or deepseek_v32, or a *PythonError for a dotted path. name and
// env are those of Find.
func Custom(alias, name string, env func(string) string) (*Tokenizer, error) {
	var files []string
	switch strings.ToLower(alias) {
	case "mistral_common", "mistral":
		files = []string{"tekken.json", "tekken_*.json", "tokenizer.model.v*", "tokenizer.model"}
	case "deepseek_v32", "deepseek_v4":
		files = []string{"tokenizer.json"}
	case "kimi", "kimi_k2", "kimi_k25", "kimi_k3":
		files = []string{"tiktoken.model"}
	case "llama3":
		return Llama3(), nil
	default:
		if strings.Contains(alias, ".") {
			return nil, &PythonError{alias}
		}
		return nil, fmt.Errorf("unknown custom tokenizer %q: there are %s", alias, strings.Join(customNames, ", "))
	}
	dir := name
	if info, err := os.Stat(name); err != nil {
		if dir, err = cached(name, env); err != nil {
			return nil, err
		}
		if dir == "" {
			return nil, fmt.Errorf("no tokenizer for %q: %w, neither as a path nor in the Hugging Face cache %s (nothing is downloaded)", name, ErrNotFound, cacheDir(env))
		}
	} else if !info.IsDir() {
		return loadFile(name)
	}
	for _, file := range files {
		if found, _ := filepath.Glob(filepath.Join(escapeGlob(dir), file)); len(found) > 0 {
			return loadFile(found[len(found)-1])
		}
	}
	return nil, fmt.Errorf("%s holds %s, and no %s, which the custom tokenizer %s reads", dir, contents(dir), files[0], alias)
}

// VocabSize returns the size of a model's vocabulary without reading its
// tokenizer: the vocab_size of its config.json, in a directory or in the local
// Hugging Face cache.
func VocabSize(name string, env func(string) string) (int, error) {
	dir := name
	if !exists(name) {
		dir = ""
		if repoID.MatchString(name) && !strings.Contains(name, "..") {
			repo := filepath.Join(cacheDir(env), "models--"+strings.ReplaceAll(name, "/", "--"))
			found, _ := filepath.Glob(filepath.Join(escapeGlob(repo), "snapshots", "*", "config.json"))
			if ref, err := os.ReadFile(filepath.Join(repo, "refs", "main")); err == nil {
				found = append(found, filepath.Join(repo, "snapshots", strings.TrimSpace(string(ref)), "config.json"))
			}
			if len(found) > 0 {
				dir = filepath.Dir(found[len(found)-1])
			}
		}
	}
	if dir == "" {
		return 0, fmt.Errorf("no config.json for %q: %w", name, ErrNotFound)
	}
	path := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("cannot read the model's settings: %w", err)
	}
	type sized struct {
		Size int `json:"vocab_size"`
	}
	var c struct {
		sized
		Text     sized `json:"text_config"`
		Language sized `json:"language_config"`
		LLM      sized `json:"llm_config"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return 0, fmt.Errorf("%s is not a config.json: %s", path, jsonProblem(data, err))
	}
	for _, s := range []sized{c.sized, c.Text, c.Language, c.LLM} {
		if s.Size > 0 {
			return s.Size, nil
		}
	}
	return 0, fmt.Errorf("%s has no vocab_size", path)
}
