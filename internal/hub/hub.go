// Package hub reads files of models and data sets from the Hugging Face hub and
// from the cache that huggingface_hub keeps of it, and fills that cache in the
// same form: what either program downloads the other finds. It takes the name of
// a repository and of a file in it and gives a path on this machine. It uploads
// nothing, and never shows a token.
package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"loadgen/internal/fetch"
	"loadgen/internal/lazy"
)

// The reasons that a caller may tell apart, wrapped by errors.
var (
	// ErrNotFound: there is no such repository, revision or file, or it is private.
	ErrNotFound = errors.New("not found")
	// ErrGated: the repository's owner has to grant access.
	ErrGated = errors.New("gated")
	// ErrOffline: the file is not in the cache and the hub may not be asked.
	ErrOffline = errors.New("offline")
	// ErrDamaged: what was downloaded is not what the hub said it would be.
	ErrDamaged = errors.New("damaged")
)

// Kind is what a repository holds.
type Kind string

// The kinds of repository.
const (
	Model   Kind = "model"
	Dataset Kind = "dataset"
)

// Repo names a repository.
type Repo struct {
	Kind Kind
	// ID is NAME or OWNER/NAME.
	ID string
	// Revision is a branch, a tag or a commit; "" is main.
	Revision string
}

// Client knows the hub and its cache. Its fields may be changed before it is used.
type Client struct {
	// Endpoint is the hub's URL, without a slash at its end.
	Endpoint string
	// Token is sent to the hub, and to no other host; "" is none.
	Token string
	// Cache is the directory of the cache.
	Cache string
	// Offline forbids all requests.
	Offline bool
	// Progress, if not nil, is called as a download goes on: the file, and how
	// many of its bytes are here.
	Progress func(file string, done, total int64)

	http  *fetch.Client
	pause time.Duration // before a second attempt; longer before further ones
}

// silence is how long a server may send nothing before a transfer is given up, or tried again.
const silence = 30 * time.Second

// transfers says how files are got.
func transfers(env func(string) string) fetch.Options { return fetch.Options{Env: env, Idle: silence} }

// New returns a client set up by the environment as huggingface_hub is:
// HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HOME, HF_HUB_CACHE, XDG_CACHE_HOME,
// HF_HUB_OFFLINE, and the usual variables of proxies.
func New(env func(name string) string) *Client {
	home := expand(env("HF_HOME"), env)
	if home == "" {
		base := expand(env("XDG_CACHE_HOME"), env)
		if base == "" {
			base = filepath.Join(env("HOME"), ".cache")
		}
		home = filepath.Join(base, "huggingface")
	}
	c := &Client{
		Endpoint: strings.TrimRight(env("HF_ENDPOINT"), "/"),
		Cache:    filepath.Join(home, "hub"),
		Offline:  isTrue(env("HF_HUB_OFFLINE")) || isTrue(env("TRANSFORMERS_OFFLINE")),
		Token:    token(env, home),
		pause:    time.Second,
	}
	if c.Endpoint == "" {
		c.Endpoint = "https://huggingface.co"
	}
	for _, name := range []string{"HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"} {
		if dir := expand(env(name), env); dir != "" {
			c.Cache = dir
		}
	}
	c.http = fetch.New(transfers(env))
	return c
}

func isTrue(text string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(text))
}

// expand puts the home directory in place of ~.
func expand(dir string, env func(string) string) string {
	if dir == "~" || strings.HasPrefix(dir, "~/") {
		return filepath.Join(env("HOME"), dir[1:])
	}
	return dir
}

// token is the user's token: the environment's, else the one that logging in left.
func token(env func(string) string, home string) string {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if text := strings.TrimSpace(env(name)); text != "" {
			return text
		}
	}
	if isTrue(env("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return ""
	}
	file := expand(env("HF_TOKEN_PATH"), env)
	if file == "" {
		file = filepath.Join(home, "token")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

var (
	idForm     = lazy.Regexp(`^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?$`)
	commitForm = lazy.Regexp(`^[0-9a-f]{40}$`)
)

// IsID reports whether a name has the form of a repository's id.
func IsID(name string) bool { return idForm.Get().MatchString(name) && !strings.Contains(name, "..") }

func (r Repo) revision() string {
	if r.Revision == "" {
		return "main"
	}
	return r.Revision
}

// folder is the repository's directory in the cache.
func (c *Client) folder(r Repo) string { return filepath.Join(c.Cache, r.folderName()) }

func (r Repo) folderName() string {
	return string(r.Kind) + "s--" + strings.ReplaceAll(r.ID, "/", "--")
}

func (r Repo) check(file string) error {
	switch {
	case !IsID(r.ID):
		return fmt.Errorf("%q is not the id of a repository on the hub (OWNER/NAME)", r.ID)
	case !filepath.IsLocal(filepath.FromSlash(r.revision())):
		return fmt.Errorf("%q is not a revision", r.Revision)
	case file != "" && (!filepath.IsLocal(filepath.FromSlash(file)) || strings.ContainsAny(file, "\\\x00")):
		return fmt.Errorf("%q is not a path in a repository", file)
	}
	return nil
}

// commit returns the commit that the cache has for a revision, "" if none.
func (c *Client) commit(r Repo) (string, error) {
	if commitForm.Get().MatchString(r.revision()) {
		return r.revision(), nil
	}
	text, err := os.ReadFile(filepath.Join(c.folder(r), "refs", filepath.FromSlash(r.revision())))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	commit := strings.TrimSpace(string(text))
	if !filepath.IsLocal(commit) || strings.ContainsAny(commit, `/\`) {
		return "", fmt.Errorf("the Hugging Face cache is damaged: %s names no commit", filepath.Join(c.folder(r), "refs", r.revision()))
	}
	return commit, nil
}

// Cached returns the path of a file that is in the cache, "" if it is not.
func (c *Client) Cached(r Repo, file string) (string, error) {
	if err := r.check(file); err != nil {
		return "", err
	}
	commit, err := c.commit(r)
	if err != nil || commit == "" {
		return "", err
	}
	return c.inSnapshot(r, commit, file)
}

// inSnapshot returns the path of a file of a commit, "" if it is not there.
func (c *Client) inSnapshot(r Repo, commit, file string) (string, error) {
	name := filepath.Join(c.folder(r), "snapshots", commit, filepath.FromSlash(file))
	real, err := filepath.EvalSymlinks(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	root, err := filepath.EvalSymlinks(c.folder(r))
	if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	if below, err := filepath.Rel(root, real); err != nil || !filepath.IsLocal(below) {
		return "", fmt.Errorf("the Hugging Face cache is damaged: %s is a link to %s, outside of %s; delete it to have it downloaded again", name, real, root)
	}
	return name, nil
}

// Files returns the names of a repository's files and the commit that they are
// of. Offline, and when the hub cannot be reached, they are those in the cache.
func (c *Client) Files(ctx context.Context, r Repo) (names []string, commit string, err error) {
	if err := r.check(""); err != nil {
		return nil, "", err
	}
	if !c.Offline {
		names, commit, err = c.list(ctx, r)
		if err == nil {
			return names, commit, c.keepNames(r, commit, names)
		} else if ctx.Err() != nil || final(err) || errors.Is(err, ErrDamaged) {
			return nil, "", err
		}
	}
	commit, cacheErr := c.commit(r)
	if cacheErr != nil {
		return nil, "", cacheErr
	}
	if names = c.keptNames(r, commit); len(names) > 0 {
		return names, commit, nil
	}
	if err != nil {
		return nil, "", err
	}
	return nil, "", c.offline(r, "")
}

// keepNames notes the names of all files of a commit, which the cache's snapshot
// does not show, and the commit under the revision's name.
func (c *Client) keepNames(r Repo, commit string, names []string) error {
	text, err := json.Marshal(names)
	if err == nil {
		err = writeFile(c.namesFile(r, commit), string(text))
	}
	if err == nil && r.revision() != commit {
		err = writeFile(filepath.Join(c.folder(r), "refs", filepath.FromSlash(r.revision())), commit)
	}
	if err != nil {
		return fmt.Errorf("cannot write to the Hugging Face cache: %w", err)
	}
	return nil
}

func (c *Client) namesFile(r Repo, commit string) string {
	return filepath.Join(c.folder(r), ".loadgen", commit+".json")
}

// keptNames returns the names of a commit's files: the ones noted, else those
// that are in the snapshot.
func (c *Client) keptNames(r Repo, commit string) (names []string) {
	if commit == "" {
		return nil
	}
	if text, err := os.ReadFile(c.namesFile(r, commit)); err == nil && json.Unmarshal(text, &names) == nil {
		return names
	}
	root := filepath.Join(c.folder(r), "snapshots", commit)
	filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if below, relErr := filepath.Rel(root, name); err == nil && relErr == nil && !entry.IsDir() {
			names = append(names, filepath.ToSlash(below))
		}
		return nil
	})
	return names
}

func (c *Client) offline(r Repo, file string) error {
	return fmt.Errorf("%s is not in the Hugging Face cache %s, and HF_HUB_OFFLINE forbids to download it: %w", path.Join(r.ID, file), c.Cache, ErrOffline)
}
