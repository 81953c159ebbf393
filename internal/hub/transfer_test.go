package hub

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/fetch"
)

// compressing is a proxy that compresses whatever passes.
func compressing(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		inner.ServeHTTP(answer, r)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write(answer.Body.Bytes())
		z.Close()
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", fmt.Sprint(packed.Len()))
		w.WriteHeader(answer.Code)
		if r.Method == http.MethodGet {
			w.Write(packed.Bytes())
		}
	})
}

// TestCompressedTransfer: a proxy that compresses what it passes on changes neither the size nor
// the hash, and what it makes of the rest of a file is not appended.
func TestCompressedTransfer(t *testing.T) {
	h := newSmallHub(t)
	h.hub.Config.Handler, h.store.Config.Handler = compressing(h.hub.Config.Handler), compressing(h.store.Config.Handler)
	c := h.client()
	blob := filepath.Join(c.folder(data), "blobs", etag(h, "data/large.parquet")+".incomplete")
	os.MkdirAll(filepath.Dir(blob), 0o777)
	os.WriteFile(blob, h.files["data/large.parquet"][:7], 0o666)
	for _, name := range []string{"README.md", "data/large.parquet"} {
		got, err := c.File(t.Context(), data, name)
		if err != nil {
			t.Fatal(err)
		}
		if content, _ := os.ReadFile(got); !bytes.Equal(content, h.files[name]) {
			t.Errorf("%s: other content", name)
		}
	}
	if got := strings.Join(h.gets, ", "); got != "/datasets/org/data/resolve/main/README.md , /blob bytes=7-, /blob " {
		t.Error(got)
	}
	if _, _, err := c.Files(t.Context(), data); err != nil {
		t.Error(err)
	}
}

// TestMoreThanTheHubSays: a store that goes on and on does not fill the disk.
func TestMoreThanTheHubSays(t *testing.T) {
	h := newSmallHub(t)
	h.fault = func(w http.ResponseWriter, r *http.Request, content []byte) bool {
		for range 20 {
			w.Write(content)
		}
		return true
	}
	to := filepath.Join(t.TempDir(), "file")
	err := h.client().Download(t.Context(), data, "data/large.parquet", to)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "more than 500000 bytes") || len(h.gets) != 1 {
		t.Errorf("%v after %d", err, len(h.gets))
	}
	if left, _ := filepath.Glob(to + "*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestLessThanTheHubSays: a store that has less of a file, and nothing beyond that, is not asked
// for ever.
func TestLessThanTheHubSays(t *testing.T) {
	h := newSmallHub(t)
	h.fault = func(w http.ResponseWriter, r *http.Request, content []byte) bool {
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		} else if len(h.gets) < 100 {
			w.Write(content[:1000])
		}
		return true
	}
	_, err := h.client().File(t.Context(), data, "data/large.parquet")
	if err == nil || !strings.Contains(err.Error(), "ended the file after 1000 of 500000 bytes") || len(h.gets) != attempts {
		t.Errorf("%v after %d", err, len(h.gets))
	}
}

// TestReset: a connection that is reset in the middle costs what was on its way, and no more.
func TestReset(t *testing.T) {
	h := newSmallHub(t)
	var resets atomic.Int64
	h.fault = func(w http.ResponseWriter, r *http.Request, content []byte) bool {
		if resets.Add(1) > 2 {
			return false
		}
		conn, _, _ := w.(http.Hijacker).Hijack()
		var from int
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		status := "200 OK"
		if from > 0 {
			status = fmt.Sprintf("206 Partial Content\r\nContent-Range: bytes %d-%d/%d", from, len(content)-1, len(content))
		}
		fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(content)-from, content[from:from+1000])
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
		return true
	}
	got, err := h.client().File(t.Context(), data, "data/large.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if content, _ := os.ReadFile(got); !bytes.Equal(content, h.files["data/large.parquet"]) {
		t.Error("other content")
	}
}

// TestLoopbackNeedsNoProxy: a mirror on this machine is reached directly, whatever the environment says.
func TestLoopbackNeedsNoProxy(t *testing.T) {
	h := newSmallHub(t)
	if _, err := h.client("HTTP_PROXY", "http://127.0.0.1:1", "NO_PROXY", "").File(t.Context(), data, "README.md"); err != nil {
		t.Error(err)
	}
}

// TestSilentHub: a hub that takes connections and says nothing is not waited for without end, and
// what the cache has is taken.
func TestSilentHub(t *testing.T) {
	env := func(name string) string { return map[string]string{"HF_HOME": t.TempDir()}[name] }
	synctest.Test(t, func(t *testing.T) {
		c := New(env)
		o := transfers(env)
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go io.Copy(io.Discard, server)
			return client, nil
		}
		c.Endpoint, c.http = "http://hub.test", fetch.New(o)
		began := time.Now()
		_, err := c.File(t.Context(), data, "README.md")
		if took := time.Since(began); err == nil || err.Error() != "cannot reach hub.test: no progress for 30s while waiting for the answer" || took != silence {
			t.Errorf("%v after %v", err, took)
		}
		if err := writeFile(filepath.Join(c.folder(data), "refs", "main"), commit); err != nil {
			t.Fatal(err)
		}
		if err := writeFile(filepath.Join(c.folder(data), "snapshots", commit, "README.md"), "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.File(t.Context(), data, "README.md"); err != nil {
			t.Error(err)
		}
	})
}
