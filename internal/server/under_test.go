//go:build unix

package server

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// TestPathsUnderABase: a path goes before the base's query, and messages show no key.
func TestPathsUnderABase(t *testing.T) {
	for base, want := range map[string][2]string{
		"http://h:1":                {"http://h:1/health?a=1", "http://h:1"},
		"http://h:1/":               {"http://h:1/health?a=1", "http://h:1"},
		"http://h/pre/?key=abc":     {"http://h/pre/health?a=1&key=abc", "http://h/pre"},
		"https://u:p@h/x%2Fy?k=a#f": {"https://u:p@h/x%2Fy/health?a=1&k=a", "https://u:***@h/x%2Fy"},
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{o: Options{BaseURL: base}, base: u}
		if got := [2]string{under(u, "/health?a=1"), s.address()}; got != want {
			t.Errorf("%s: %q, want %q", base, got, want)
		}
	}
	u, _ := url.Parse("http://h/?key=abc")
	if got := under(u, "/health"); got != "http://h/health?key=abc" {
		t.Errorf("%q", got)
	}
}

// TestLogsAreTheirOwners: also one that was there.
func TestLogsAreTheirOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.log")
	if err := os.WriteFile(path, []byte("before"), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := createLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm() != 0o600 || info.Size() > 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
