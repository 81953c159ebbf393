package stream

import (
	"strings"
	"testing"
)

// kept reads an answer as a file, in parts of n bytes.
func kept(text string, n int, f File, o Options) (lines, body string, a *Answer) {
	f.Head = func(_ *Answer, head []byte) bool { lines = string(head); return true }
	if f.Body == nil {
		f.Body = func(p []byte) bool { body += string(p); return true }
	}
	o.Raw, o.File = true, &f
	return lines, body, feed(text, n, o)
}

// TestFile: a file comes as the bytes that Answer.Body would have, whatever the framing, the
// coding and the reads.
func TestFile(t *testing.T) {
	for name, text := range frames("data: é\n\ndata: b\n\n") {
		for n := 1; n <= len(text); n++ {
			want := feed(text, n, Options{Raw: true})
			lines, body, a := kept(text, n, File{}, Options{})
			if !strings.HasPrefix(lines, "HTTP/1.") || !strings.HasSuffix(lines, "\n") || !strings.Contains(text, lines) || body != string(want.Body) || body == "" || a.Body != nil || (a.Err == nil) != (want.Err == nil) {
				t.Fatalf("%s by %d: %q %q %v, want %q %v", name, n, lines, body, a.Err, want.Body, want.Err)
			}
		}
	}
}

func TestFileBounds(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"a\"\r\netag: b\r\n\r\n"
	if lines, body, a := kept(head, 1000, File{Bodiless: true}, Options{}); a.Err != nil || !a.Reusable || body != "" || HeaderValue([]byte(lines), "ETag") != `"a"` || HeaderValue([]byte(lines), "X") != "" {
		t.Errorf("HEAD: %q %v", body, a.Err)
	}
	if _, body, a := kept(head+"abcd", 2, File{}, Options{Limits: Limits{Body: 3}}); a.Err == nil || a.Err.Class != TooLong || body != "ab" {
		t.Errorf("%q %v", body, a.Err)
	}
	if _, body, a := kept(head+"ab", 2, File{}, Options{}); a.Err == nil || a.Err.Class != Cut || body != "ab" {
		t.Errorf("%q %v", body, a.Err)
	}
	if _, _, a := kept(head+"abcd", 2, File{Body: func([]byte) bool { return false }}, Options{}); a.Err != nil || a.Reusable {
		t.Errorf("the receiver has enough: %v", a.Err)
	}
	seen := false
	o := Options{Raw: true, File: &File{Head: func(*Answer, []byte) bool { return false }, Body: func([]byte) bool { seen = true; return true }}}
	if a := feed(head+"abcd", 1000, o); a.Err != nil || a.Reusable || seen {
		t.Errorf("the body is not wanted: %v %v", a.Err, seen)
	}
}
