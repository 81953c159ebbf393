package main

import (
	"bufio"
	"bytes"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"
)

// TestStreamsThroughBothTransports sends the answers of the reference data over
// sockets, through the reactor and through the blocking transport: the result
// files must say the same but for times.
func TestStreamsThroughBothTransports(t *testing.T) {
	eachAnswer(t, func(t *testing.T, _ string, c *streamsCase, argv []string) {
		t.Parallel()
		url := c.serve(t)
		dir := t.TempDir()
		for _, rule := range []string{"original", "strict"} {
			var got []resultFile
			for _, transport := range []string{"auto", "blocking"} {
				runPlan(t, append(argv[:len(argv):len(argv)], "--base-url", url, "--failures", rule, "--transport", transport, "--result-dir", dir), nil, nil)
				var r resultFile
				readResultFile(t, filepath.Join(dir, "r.json"), &r)
				r.Duration = 0
				for i := range r.TTFTs {
					r.TTFTs[i], r.E2ELs[i] = 0, 0
					r.ITLs[i] = make([]float64, len(r.ITLs[i]))
					r.Errors[i], _, _ = strings.Cut(r.Errors[i], ":")
				}
				got = append(got, r)
			}
			if !reflect.DeepEqual(got[0], got[1]) {
				t.Errorf("%s rules: reactor %+v\nblocking %+v", rule, got[0], got[1])
			}
		}
	})
}

// serve answers on a socket, until the test is over, and returns where.
func (c *streamsCase) serve(t *testing.T) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				var req fasthttp.Request
				if req.Read(bufio.NewReader(conn)) != nil {
					return
				}
				x := &exchange{conn: conn, method: string(req.Header.Method()), body: bytes.Clone(req.Body())}
				if x.method == "GET" {
					x.reply("404 Not Found", "text/plain", "")
					return
				}
				c.answer(x)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}
