package tokenizer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"loadgen/internal/lazy"
)

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
var repoID = lazy.Regexp(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?$`)

// cached returns the directory of a model in the cache, "" if it is not there or
// has no tokenizer. The revision is the one that refs/main names.
func cached(name string, env func(string) string) (string, error) {
	if !repoID.Get().MatchString(name) || strings.Contains(name, "..") {
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

func holdsTokenizer(dir string) bool { return firstFile(dir, tokenizerFiles) != "" }

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

// modelDirectory returns the directory of a model: name where it is one, or else the
// model's in the local Hugging Face cache.
func modelDirectory(name string, env func(string) string) (string, error) {
	if exists(name) {
		return name, nil
	}
	dir, err := cached(name, env)
	if err == nil && dir == "" {
		err = notFound(name, env)
	}
	return dir, err
}

func notFound(name string, env func(string) string) error {
	return fmt.Errorf("no tokenizer for %q: %w, neither as a path nor in the Hugging Face cache %s",
		name, ErrNotFound, cacheDir(env))
}
