package tokenizer

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// AliasError is the error for a custom tokenizer that is not an alias of one that
// can be read.
type AliasError struct {
	// Alias is what was given.
	Alias string
	// Python is set where it is the dotted path of Python code.
	Python bool
	// Known are the aliases that there are.
	Known []string
}

// Error says what there is.
func (e *AliasError) Error() string {
	if e.Python {
		return fmt.Sprintf("%q is a Python class, and no Python code is loaded; the aliases are %s", e.Alias, strings.Join(e.Known, ", "))
	}
	return fmt.Sprintf("there is no custom tokenizer %q; the aliases are %s", e.Alias, strings.Join(e.Known, ", "))
}

// aliases are the files that a custom tokenizer reads, the best one first.
var aliases = map[string][]string{
	"mistral_common": {"tekken.json", "tekken_*.json", "tokenizer.model.v*", "tokenizer.model"},
	"deepseek_v32":   {"tokenizer.json"},
	"deepseek_v4":    {"tokenizer.json"},
	"kimi":           {"tiktoken.model"},
	"llama3":         nil, // built in
}

// otherAliases are further spellings.
var otherAliases = map[string]string{
	"mistral": "mistral_common", "kimi_k2": "kimi", "kimi_k25": "kimi", "kimi_k3": "kimi", "deepseek_v3_2": "deepseek_v32",
}

// Alias returns the custom tokenizer that an alias means, or an *AliasError.
func Alias(alias string) (string, error) {
	name := strings.ReplaceAll(strings.ToLower(alias), "-", "_")
	if other, ok := otherAliases[name]; ok {
		name = other
	}
	if _, ok := aliases[name]; ok {
		return name, nil
	}
	return "", &AliasError{Alias: alias, Python: strings.Contains(alias, "."), Known: Aliases()}
}

// Aliases returns the custom tokenizers that there are.
func Aliases() []string { return slices.Sorted(maps.Keys(aliases)) }

// Custom returns the tokenizer of a model by an alias of its kind, such as
// mistral_common or deepseek_v32, whatever other files are beside it. name and env are
// those of Find.
func Custom(alias, name string, env func(string) string) (*Tokenizer, error) {
	alias, err := Alias(alias)
	if err != nil {
		return nil, err
	}
	if alias == "llama3" || name == "llama3" && !exists(name) {
		return Llama3(), nil
	}
	dir, err := modelDirectory(name, env)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return loadFile(dir)
	}
	if path := firstFile(dir, aliases[alias]); path != "" {
		return loadFile(path)
	}
	return nil, &KindError{Path: dir, Holds: contents(dir), Wanted: aliases[alias][0]}
}

// Slow returns a model's tokenizer as transformers' slow tokenizers have it: of
// tokenizer.model, or of vocab.json and merges.txt, where they are beside a
// tokenizer.json. Without them it is Find.
func Slow(name string, env func(string) string) (*Tokenizer, error) {
	if dir, err := modelDirectory(name, env); err == nil {
		if path := firstFile(dir, []string{"tokenizer.model", "spiece.model", "vocab.json"}); path != "" {
			return loadFile(path)
		}
	}
	return Find(name, env)
}

// firstFile returns the file of a directory that the first of some patterns matches,
// its last name where several do; "" if there is none.
func firstFile(dir string, patterns []string) string {
	for _, pattern := range patterns {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		for k := len(found) - 1; k >= 0; k-- {
			if filepath.Base(found[k]) == "vocab.json" && !exists(filepath.Join(dir, "merges.txt")) {
				continue
			}
			return found[k]
		}
	}
	return ""
}
