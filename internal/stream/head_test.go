package stream

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"strings"
	"testing"
)

// TestHeads holds heads against what Python's client makes of them: want is the
// class of the failure, "" for none, of the original's rules and of the strict ones.
func TestHeads(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	chunks := "5\r\ndata:\r\n0\r\n\r\n"
	body := "data: " + event("a") + "\n\n" + done
	for _, c := range []struct {
		name, text       string
		original, strict Class
	}{
		{"a blank in a name", ok + "x y: 1\r\n\r\n" + body, BadHTTP, ""},
		{"a blank after a name", ok + "x : 1\r\n\r\n" + body, BadHTTP, ""},
		{"the longest value", ok + "x: " + strings.Repeat("v", 8190) + "\r\n\r\n" + body, "", ""},
		{"too long a value", ok + "x: " + strings.Repeat("v", 8191) + "\r\n\r\n" + body, BadHTTP, ""},
		{"too long a name", ok + strings.Repeat("x", 8191) + ": v\r\n\r\n" + body, BadHTTP, ""},
		{"a folded line", ok + "x: a\r\n b: c\r\n\r\n" + body, "", ""},
		{"a folded length", ok + "Content-Length: 5\r\n 6\r\n\r\n" + body, BadHTTP, BadHTTP},
		{"a length that only Unicode trims", ok + "Content-Length: 5\v\r\n\r\n" + body, BadHTTP, BadHTTP},
		{"a signed length", ok + "Content-Length: -2\r\n\r\n" + body, BadHTTP, BadHTTP},
		{"a line that is nearly blank", ok + "\r\r\nContent-Length: 5\r\n\r\n" + body, BadHTTP, BadHTTP},
		{"no name", ok + ": v\r\n\r\n" + body, BadHTTP, BadHTTP},
		{"length and coding", ok + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, BadHTTP, NoTokens},
		{"an unknown coding of the content", ok + "Content-Encoding: compress\r\n\r\n" + body, "", ""},
		{"brotli", ok + "Content-Encoding: br\r\n\r\n" + body, BadEncoding, BadEncoding},
	} {
		for mode, want := range map[Mode]Class{Original: c.original, Strict: c.strict} {
			got := Class("")
			if a := feed(c.text, 1<<20, completions(mode)); a.Err != nil {
				got = a.Err.Class
			}
			if got != want {
				t.Errorf("%s, mode %d: %q, want %q", c.name, mode, got, want)
			}
		}
	}
}

func TestReasonIsKeptAsItIs(t *testing.T) {
	for line, want := range map[string]string{"500 Internal  Error ": "Internal  Error ", "500 \t tab": "\t tab", "404": "", "404 ": "", "503  two": " two"} {
		if a := feed("HTTP/1.1 "+line+"\r\nContent-Length: 0\r\n\r\n", 1<<20, completions(Original)); a.Reason != want {
			t.Errorf("%q: %q", line, a.Reason)
		}
	}
}

// TestEndsOfCompressedBodies: Python's client lets a gzip body end anywhere, a
// deflate body not, and neither be followed by anything else.
func TestEndsOfCompressedBodies(t *testing.T) {
	body := []byte(`data: {"choices":[{"index":0,"text":"a","finish_reason":"stop"}]}` + "\n\n")
	pack := func(flushed bool, encoding string) string {
		var out bytes.Buffer
		if encoding == "deflate" {
			w := zlib.NewWriter(&out)
			w.Write(body)
			if w.Flush(); !flushed {
				w.Close()
			}
		} else {
			w := gzip.NewWriter(&out)
			w.Write(body)
			if w.Flush(); !flushed {
				w.Close()
			}
		}
		return "HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + "\r\n\r\n" + out.String()
	}
	for _, c := range []struct {
		name, text       string
		original, strict Class
	}{
		{"gzip", pack(false, "gzip"), "", ""},
		{"x-gzip", pack(false, "x-gzip"), BadUTF8, ""},
		{"gzip without an end", pack(true, "gzip"), "", Cut},
		{"deflate without an end", pack(true, "deflate"), Cut, Cut},
		{"gzip and more", pack(false, "gzip") + "and some more of it", BadEncoding, BadEncoding},
		{"deflate and more", pack(false, "deflate") + "and some more of it", BadEncoding, BadEncoding},
	} {
		for mode, want := range map[Mode]Class{Original: c.original, Strict: c.strict} {
			for _, n := range []int{1, 1 << 20} {
				got := Class("")
				if a := feed(c.text, n, completions(mode)); a.Err != nil {
					got = a.Err.Class
				}
				if got != want {
					t.Errorf("%s, mode %d, in pieces of %d: %q, want %q", c.name, mode, n, got, want)
				}
			}
		}
	}
}

// An unended last line has no LF to count.
func TestLongestUnendedLine(t *testing.T) {
	for extra, want := range map[int]bool{0: true, 1: false} {
		line := "data: " + event("a")
		line = strings.Repeat(" ", maxLineOriginal-len(line)+extra) + line
		if a := feed(sseHead+line, 1<<20, completions(Original)); (a.Err == nil) != want {
			t.Errorf("%d bytes: %v", len(line), a.Err)
		}
		if a := feed(sseHead+line[1:]+"\n", 1<<20, completions(Original)); (a.Err == nil) != want {
			t.Errorf("%d bytes and LF: %v", len(line)-1, a.Err)
		}
	}
}
