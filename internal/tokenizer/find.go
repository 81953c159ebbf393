package tokenizer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrNotFound is wrapped by the error for a name that leads to no tokenizer.
var ErrNotFound = errors.New("not found")

// Find returns the tokenizer of a name: a directory that holds a tokenizer.json,
// such a file itself, a model in the local Hugging Face cache, or the built-in
// vocabulary for "llama3" and the names of that family. Nothing is downloaded.
// env looks up environment variables.
func Find(name string, env func(string) string) (*Tokenizer, error) {
	const hint = "--tokenizer PATH names a directory with a tokenizer.json, --tokenizer llama3 the built-in Llama-3 vocabulary"
	switch info, err := os.Stat(name); {
	case name == "":
		return nil, fmt.Errorf("no tokenizer is named: %w: %s", ErrNotFound, hint)
	case err == nil && !info.IsDir():
		return load(name)
	case err == nil:
		path := filepath.Join(name, "tokenizer.json")
		if _, err := os.Stat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
			return load(path)
		}
		if _, err := os.Stat(filepath.Join(name, "tokenizer.model")); err == nil {
			return nil, fmt.Errorf("%s holds a SentencePiece tokenizer.model and no tokenizer.json: %s", name, hint)
		}
	}
	path, err := cached(name, env)
	switch {
	case err != nil:
		return nil, err
	case path != "":
		return load(path)
	case name == "llama3" || IsLlama3(name) && !isMissingPath(name):
		return Llama3(), nil
	}
	return nil, fmt.Errorf("no tokenizer for %q: %w, neither as a path nor in the Hugging Face cache %s (nothing is downloaded): %s",
		name, ErrNotFound, cacheDir(env), hint)
}

// isMissingPath tells whether a name can only be meant as a path of this machine.
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

// cached returns the path of a model's tokenizer.json in the cache, "" if it is
// not there. The revision is the one that refs/main names.
func cached(name string, env func(string) string) (string, error) {
	if !repoID.MatchString(name) || strings.Contains(name, "..") {
		return "", nil
	}
	repo := filepath.Join(cacheDir(env), "models--"+strings.ReplaceAll(name, "/", "--"))
	ref, err := os.ReadFile(filepath.Join(repo, "refs", "main"))
	if errors.Is(err, os.ErrNotExist) {
		return newestSnapshot(repo)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	path := filepath.Join(repo, "snapshots", strings.TrimSpace(string(ref)), "tokenizer.json")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	return path, nil
}

// newestSnapshot stands in for refs/main where only a pinned revision was loaded.
func newestSnapshot(repo string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(repo, "snapshots", "*", "tokenizer.json"))
	if err != nil || len(paths) == 0 {
		return "", nil
	}
	newest, at := "", int64(-1)
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil && info.ModTime().UnixNano() > at {
			newest, at = p, info.ModTime().UnixNano()
		}
	}
	return newest, nil
}
