package hub

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// smallHub speaks the hub's API for one data set, org/data; large files come
// from a second host, as the hub's do.
type smallHub struct {
	t          *testing.T
	hub, store *httptest.Server
	files      map[string][]byte
	large      map[string]bool

	mu      sync.Mutex
	gets    []string // "PATH RANGE" of each download
	tokens  []string // what the second host got as Authorization
	fault   func(w http.ResponseWriter, r *http.Request, content []byte) bool
	refuse  string // an X-Error-Code for everything
	status  int
	badHash bool
}

func newSmallHub(t *testing.T) *smallHub {
	h := &smallHub{t: t, files: map[string][]byte{
		"README.md":           []byte("# data\n"),
		"data/train 1.jsonl":  []byte("{\"a\": 1}\n"),
		"data/large.parquet":  bytes.Repeat([]byte("0123456789"), 50000),
		"data/train-0.jsonl":  []byte("{}\n"),
		"../../../outside.md": []byte("no"),
	}, large: map[string]bool{"data/large.parquet": true}}
	h.hub = httptest.NewServer(http.HandlerFunc(h.serve))
	h.store = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		h.tokens = append(h.tokens, r.Header.Get("Authorization"))
		h.mu.Unlock()
		h.content(w, r, h.files[r.URL.Query().Get("f")])
	}))
	t.Cleanup(h.hub.Close)
	t.Cleanup(h.store.Close)
	return h
}

func etag(h *smallHub, name string) string {
	content := h.files[name]
	if h.large[name] {
		sum := sha256.Sum256(content)
		return hex.EncodeToString(sum[:])
	}
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
	return hex.EncodeToString(sum[:])
}

func (h *smallHub) serve(w http.ResponseWriter, r *http.Request) {
	if h.refuse != "" {
		w.Header().Set("X-Error-Code", h.refuse)
		w.WriteHeader(h.status)
		return
	}
	if r.URL.Path == "/api/datasets/org/data/revision/main" {
		type sibling struct {
			Name string `json:"rfilename"`
		}
		var all []sibling
		for name := range h.files {
			all = append(all, sibling{name})
		}
		json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": all})
		return
	}
	name, found := "", false
	for _, revision := range []string{"main", commit} {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/datasets/org/data/resolve/"+revision+"/"); ok {
			name = rest
			_, found = h.files[name]
		}
	}
	w.Header().Set("X-Repo-Commit", commit)
	if !found {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		w.WriteHeader(http.StatusNotFound)
		return
	}
	tag := etag(h, name)
	if h.badHash {
		tag = strings.Repeat("0", len(tag))
	}
	if h.large[name] {
		w.Header().Set("X-Linked-ETag", `"`+tag+`"`)
		w.Header().Set("X-Linked-Size", fmt.Sprint(len(h.files[name])))
		w.Header().Set("ETag", `"other"`)
		http.Redirect(w, r, h.store.URL+"/blob?f="+url.QueryEscape(name), http.StatusFound)
		return
	}
	w.Header().Set("ETag", `W/"`+tag+`"`)
	h.content(w, r, h.files[name])
}

// content serves bytes, with ranges.
func (h *smallHub) content(w http.ResponseWriter, r *http.Request, content []byte) {
	if r.Method == http.MethodGet {
		h.mu.Lock()
		h.gets = append(h.gets, r.URL.Path+" "+r.Header.Get("Range"))
		h.mu.Unlock()
		if h.fault != nil && h.fault(w, r, content) {
			return
		}
	}
	var from int
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); n == 1 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
	if r.Method == http.MethodGet {
		w.Write(content[from:])
	}
}

// cut sends half of what was asked for and breaks the connection, n times.
func cut(n int) func(w http.ResponseWriter, r *http.Request, content []byte) bool {
	return func(w http.ResponseWriter, r *http.Request, content []byte) bool {
		if n == 0 {
			return false
		}
		n--
		var from int
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(content[from : from+(len(content)-from)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (h *smallHub) client(vars ...string) *Client {
	env := map[string]string{"HF_ENDPOINT": h.hub.URL + "/", "HF_HOME": h.t.TempDir(), "HF_TOKEN": "secret", "NO_PROXY": "*"}
	for i := 0; i+1 < len(vars); i += 2 {
		env[vars[i]] = vars[i+1]
	}
	c := New(func(name string) string { return env[name] })
	c.pause = 0
	return c
}

func refuse(code string, status int) func(h *smallHub) {
	return func(h *smallHub) { h.refuse, h.status = code, status; h.refuseAll() }
}

// refuseAll makes an empty code refuse, too.
func (h *smallHub) refuseAll() {
	h.hub.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Error-Code", h.refuse)
		w.WriteHeader(h.status)
	})
}

func status(code int) func(w http.ResponseWriter, r *http.Request, content []byte) bool {
	return func(w http.ResponseWriter, r *http.Request, content []byte) bool {
		w.WriteHeader(code)
		return true
	}
}
