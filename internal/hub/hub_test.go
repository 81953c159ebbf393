package hub

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

var data = Repo{Kind: Dataset, ID: "org/data"}

func TestDownload(t *testing.T) {
	h := newSmallHub(t)
	c := h.client()
	last := int64(0)
	c.Progress = func(file string, done, total int64) {
		if done < last || total != int64(len(h.files[file])) {
			t.Errorf("progress %s: %d after %d, of %d", file, done, last, total)
		}
		last = done
	}
	for _, name := range []string{"data/large.parquet", "data/train 1.jsonl"} {
		last = 0
		got, err := c.File(t.Context(), data, name)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(c.Cache, "datasets--org--data")
		if want := filepath.Join(folder, "snapshots", commit, name); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if to, err := os.Readlink(got); err != nil || to != filepath.Join("..", "..", "..", "blobs", etag(h, name)) {
			t.Errorf("link to %s (%v)", to, err)
		}
		if content, err := os.ReadFile(got); err != nil || !bytes.Equal(content, h.files[name]) {
			t.Errorf("%s: other content (%v)", name, err)
		}
		if ref, err := os.ReadFile(filepath.Join(folder, "refs", "main")); err != nil || string(ref) != commit {
			t.Errorf("refs/main holds %q (%v)", ref, err)
		}
		if _, err := os.Stat(filepath.Join(c.Cache, ".locks", "datasets--org--data", etag(h, name)+".lock")); err != nil {
			t.Error(err)
		}
	}
	for _, token := range h.tokens {
		if token != "" {
			t.Errorf("the token went to another host: %q", token)
		}
	}
	n := len(h.gets)
	if _, err := c.File(t.Context(), data, "data/large.parquet"); err != nil || len(h.gets) != n {
		t.Errorf("a second call downloaded again (%v)", err)
	}
	offline := *c
	offline.Offline = true
	h.hub.Close()
	if _, err := offline.File(t.Context(), data, "data/large.parquet"); err != nil {
		t.Error(err)
	}
	if _, err := offline.File(t.Context(), data, "other"); !errors.Is(err, ErrOffline) {
		t.Errorf("got %v", err)
	}
	if _, err := c.File(t.Context(), data, "data/large.parquet"); err != nil {
		t.Errorf("the hub is away, and the cache has the file: %v", err)
	}
	if names, got, err := c.Files(t.Context(), data); err != nil || got != commit || len(names) != 2 {
		t.Errorf("%v %s %v", names, got, err)
	}
}

func TestResume(t *testing.T) {
	h := newSmallHub(t)
	c := h.client()
	h.fault = cut(3)
	got, err := c.File(t.Context(), data, "data/large.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(got); !bytes.Equal(content, h.files["data/large.parquet"]) {
		t.Error("other content")
	}
	if len(h.gets) < 4 || !strings.HasSuffix(h.gets[1], "-") {
		t.Errorf("not resumed: %q", h.gets)
	}
	// A server without ranges sends all again.
	c = h.client()
	h.fault = nil
	blob := filepath.Join(c.Cache, "datasets--org--data", "blobs", etag(h, "data/large.parquet")+".incomplete")
	os.MkdirAll(filepath.Dir(blob), 0o777)
	os.WriteFile(blob, []byte("garbage"), 0o666)
	h.fault = func(w http.ResponseWriter, r *http.Request, content []byte) bool { w.Write(content); return true }
	if _, err = c.File(t.Context(), data, "data/large.parquet"); err != nil {
		t.Error(err)
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(h *smallHub)
		repo Repo
		file string
		is   error
		text string
		vars []string
	}{
		"damaged": {set: func(h *smallHub) { h.badHash = true }, is: ErrDamaged, text: "the hub says"},
		"always cut": {set: func(h *smallHub) {
			h.fault = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { panic(http.ErrAbortHandler) }
		}, text: "cannot download org/data/data/large.parquet"},
		"too short": {set: func(h *smallHub) {
			h.fault = func(w http.ResponseWriter, _ *http.Request, _ []byte) bool { return true }
		}, text: "ended the file after 0 of 500000 bytes"},
		"store is down":  {set: func(h *smallHub) { h.fault = status(503) }, text: "answered 503"},
		"store forbids":  {set: func(h *smallHub) { h.fault = status(403) }, text: "answered 403"},
		"gated, a token": {set: refuse("GatedRepo", 403), is: ErrGated, text: "accept its terms at"},
		"gated":          {set: refuse("GatedRepo", 401), is: ErrGated, text: "set HF_TOKEN", vars: []string{"HF_TOKEN", ""}},
		"no repository":  {set: refuse("RepoNotFound", 404), is: ErrNotFound, text: "there is no dataset org/data"},
		"no revision":    {set: refuse("RevisionNotFound", 404), is: ErrNotFound, text: "there is no revision v9", repo: Repo{Kind: Dataset, ID: "org/data", Revision: "v9"}},
		"bad token":      {set: refuse("", 401), is: ErrNotFound, text: "not valid"},
		"no file":        {file: "data/x", is: ErrNotFound, text: "there is no file data/x"},
		"not a hub": {set: func(h *smallHub) {
			h.hub.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
		}, is: ErrDamaged, text: "lacks the file's commit"},
		"out of it":    {file: "../../x", text: "is not a path"},
		"bad id":       {repo: Repo{Kind: Dataset, ID: "../x"}, text: "is not the id"},
		"bad revision": {repo: Repo{Kind: Dataset, ID: "org/data", Revision: "../x"}, text: "is not a revision"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSmallHub(t)
			if c.set != nil {
				c.set(h)
			}
			client := h.client(c.vars...)
			repo, file := c.repo, c.file
			if repo.ID == "" {
				repo = data
			}
			if file == "" {
				file = "data/large.parquet"
			}
			_, err := client.File(t.Context(), repo, file)
			if err == nil || !strings.Contains(err.Error(), c.text) || c.is != nil && !errors.Is(err, c.is) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the token is in the message: %v", err)
			}
			if blobs, _ := filepath.Glob(filepath.Join(client.Cache, "*", "snapshots", "*", "*")); len(blobs) > 0 {
				t.Errorf("left behind: %v", blobs)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	h := newSmallHub(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	h.fault = func(w http.ResponseWriter, r *http.Request, content []byte) bool {
		cancel(stopped)
		<-r.Context().Done()
		return true
	}
	if _, err := h.client().File(ctx, data, "data/large.parquet"); !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
}

func TestFiles(t *testing.T) {
	h := newSmallHub(t)
	names, got, err := h.client().Files(t.Context(), data)
	if err != nil || got != commit || len(names) != len(h.files)-1 {
		t.Errorf("%q %s %v", names, got, err)
	}
}

func TestLinkOutOfTheCache(t *testing.T) {
	c := newSmallHub(t).client()
	snapshot := filepath.Join(c.folder(data), "snapshots", commit)
	os.MkdirAll(snapshot, 0o777)
	outside := filepath.Join(t.TempDir(), "x")
	os.WriteFile(outside, nil, 0o666)
	if err := os.Symlink(outside, filepath.Join(snapshot, "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Cached(Repo{Kind: Dataset, ID: "org/data", Revision: commit}, "x"); err == nil || !strings.Contains(err.Error(), "is a link to") {
		t.Errorf("got %v", err)
	}
}

func TestNew(t *testing.T) {
	home := t.TempDir()
	os.WriteFile(filepath.Join(home, "token"), []byte("stored\n"), 0o600)
	for _, c := range []struct {
		env     map[string]string
		cache   string
		token   string
		offline bool
	}{
		{map[string]string{"HOME": "/h"}, "/h/.cache/huggingface/hub", "", false},
		{map[string]string{"HOME": "/h", "XDG_CACHE_HOME": "~/c"}, "/h/c/huggingface/hub", "", false},
		{map[string]string{"HF_HOME": home}, filepath.Join(home, "hub"), "stored", false},
		{map[string]string{"HF_HOME": home, "HF_TOKEN": " t "}, filepath.Join(home, "hub"), "t", false},
		{map[string]string{"HF_HOME": home, "HF_HUB_CACHE": "/c", "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "true"}, "/c", "", true},
		{map[string]string{"HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_OFFLINE": "0"}, "/old", "", false},
	} {
		got := New(func(name string) string { return c.env[name] })
		if got.Cache != c.cache || got.Token != c.token || got.Offline != c.offline || got.Endpoint != "https://huggingface.co" {
			t.Errorf("%v: %+v", c.env, got)
		}
	}
}

func TestProxy(t *testing.T) {
	h := newSmallHub(t)
	var through []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through = append(through, r.URL.String())
		h.serve(w, r)
	}))
	defer proxy.Close()
	c := h.client("HTTP_PROXY", proxy.URL, "NO_PROXY", "", "HF_ENDPOINT", "http://hub.invalid")
	if _, err := c.File(t.Context(), data, "README.md"); err != nil || len(through) != 2 || !strings.HasPrefix(through[0], "http://hub.invalid/") {
		t.Errorf("%q %v", through, err)
	}
}

func TestTwoAtOnce(t *testing.T) {
	h := newSmallHub(t)
	c := h.client()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := c.File(t.Context(), data, "data/large.parquet"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if len(h.gets) != 1 {
		t.Errorf("downloaded %d times", len(h.gets))
	}
}
