package hub

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"loadgen/internal/fetch"
	"loadgen/internal/wire"
)

// answers is a hub, and every other host, that answers what it was told to.
type answers struct {
	list, commit, etag, location, content string
	tokens                                []string // what hosts other than the hub got
}

func (*answers) Close() {}

func (a *answers) Do(_ context.Context, x *wire.Exchange) {
	var head fasthttp.RequestHeader
	if err := head.Read(bufio.NewReaderSize(bytes.NewReader(x.Head), len(x.Head)+64)); err != nil {
		panic(err)
	}
	atHub := x.To == (wire.Endpoint{Host: "hub:80"})
	if !atHub {
		a.tokens = append(a.tokens, string(head.Peek("Authorization")))
	}
	status, location, body := "200 OK", "", a.content
	switch {
	case strings.HasPrefix(string(head.RequestURI()), "/api/"):
		body = a.list
	case a.location != "" && atHub:
		status, location = "302 Found", "Location: "+a.location+"\r\n"
	}
	answer := fmt.Sprintf("HTTP/1.1 %s\r\nX-Repo-Commit: %s\r\nETag: %s\r\n%sContent-Length: %d\r\n\r\n", status, a.commit, a.etag, location, len(body))
	if !head.IsHead() {
		answer += body
	}
	if !x.Sink.Feed([]byte(answer), 1) {
		x.Sink.End(1, nil)
	}
}

// FuzzHub: whatever a hub answers, nothing is written outside the cache, and no other host
// gets the token.
func FuzzHub(f *testing.F) {
	const sum = "2ef7bde608ce5404e97d5f042f95f89f1c232871" // of git's blob "Hello World!"
	f.Add(`{"sha":"`+commit+`","siblings":[{"rfilename":"a/b.json"},{"rfilename":"../../x"}]}`, commit, `"`+sum+`"`, "", "hello")
	f.Add(`{"sha":"../../../..","siblings":[{"rfilename":"/etc/x"}]}`, "../../..", `"../../../x"`, "http://other/x", "hello")
	f.Add(`[`, commit, `W/"`+sum+`"`, "//other/../x", "")
	f.Add(`{"sha":"`+commit+`","siblings":[{"rfilename":"a\\b"},{"rfilename":"."},{"rfilename":""},{"rfilename":"a\u0000b"}]}`, commit, `a`, "http://hub@other/", "x")
	f.Fuzz(func(t *testing.T, list, commit, etag, location, content string) {
		root := t.TempDir()
		c := New(func(name string) string {
			return map[string]string{"HF_ENDPOINT": "http://hub", "HF_HOME": filepath.Join(root, "home"), "HF_TOKEN": "secret"}[name]
		})
		c.pause = 0
		a := &answers{list: list, commit: commit, etag: etag, location: location, content: content}
		c.http = fetch.New(fetch.Options{Transport: a})
		names, _, _ := c.Files(t.Context(), data)
		if len(names) > 3 {
			names = names[:3]
		}
		for _, name := range append(names, "README.md") {
			if path, err := c.File(t.Context(), data, name); err == nil {
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(content)) {
					t.Errorf("%q: %q, %v", name, got, err)
				}
			}
		}
		for _, token := range a.tokens {
			if token != "" {
				t.Errorf("another host got %q", token)
			}
		}
		filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && !strings.HasPrefix(path, c.Cache+string(filepath.Separator)) {
				t.Errorf("%s is outside the cache", path)
			}
			return err
		})
	})
}
