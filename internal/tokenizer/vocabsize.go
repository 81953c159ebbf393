package tokenizer

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// VocabSize returns the size of a model's vocabulary without reading its
// tokenizer: the vocab_size of its config.json, in a directory or in the local
// Hugging Face cache.
func VocabSize(name string, env func(string) string) (int, error) {
	dir := name
	if !exists(name) {
		dir = ""
		if repoID.Get().MatchString(name) && !strings.Contains(name, "..") {
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
