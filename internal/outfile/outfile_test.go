package outfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestWriteIsWholeOrNot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.json")
	full := errors.New("no space left on device")
	if err := Write(path, func(w io.Writer) error { io.WriteString(w, "half"); return full }); !errors.Is(err, full) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, text := range []string{"one", "two"} {
		if err := Write(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != text {
			t.Errorf("got %q", got)
		}
	}
	if _, err := Prove(filepath.Join(dir, "a", "b", "r.json")); err != nil {
		t.Error(err)
	}
	// A path is taken as it is, though it leads through a directory that is not there yet.
	around := dir + "/x/y/../../around.json"
	if _, err := Prove(around); err != nil {
		t.Error(err)
	}
	if err := Write(around, func(w io.Writer) error { return nil }); err != nil {
		t.Error(err)
	}
	if _, err := Prove(filepath.Join(path, "r.json")); err == nil {
		t.Error("a file passes for a directory")
	}
	if _, err := Prove(dir); err == nil {
		t.Error("a directory passes for a result file")
	}
}

func TestProveFindsBadNames(t *testing.T) {
	dir := t.TempDir()
	for name, wantName := range map[string]bool{
		filepath.Join(dir, strings.Repeat("x", 256)):      true,
		filepath.Join(dir, "a\x00b"):                      true,
		filepath.Join(dir, strings.Repeat("x", 256), "r"): false,
		dir: true,
	} {
		_, err := Prove(name)
		var e *Error
		if !errors.As(err, &e) || e.Name != wantName {
			t.Errorf("%.60q: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteNewReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []string{"r.json", "r-2.json", "r-3.json"} {
		name, err := WriteNew(filepath.Join(dir, "r.json"), func(w io.Writer) error { _, err := fmt.Fprint(w, i); return err })
		if err != nil || filepath.Base(name) != want {
			t.Fatalf("%s %v, want %s", name, err, want)
		}
	}
	for i, name := range []string{"r.json", "r-2.json", "r-3.json"} {
		if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != fmt.Sprint(i) {
			t.Errorf("%s is %q", name, got)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
}

// The console's text may be in the very file that a result is written to.
func TestWriteAppendsToDescriptors(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "console"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.WriteString("table\n")
	path := fmt.Sprintf("/dev/fd/%d", f.Fd())
	if err := Write(path, func(w io.Writer) error { _, err := io.WriteString(w, "result\n"); return err }); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(f.Name()); string(got) != "table\nresult\n" || !Special(path) || Special(f.Name()) {
		t.Errorf("%q", got)
	}
}

// TestSame: two names of one file, there or not.
func TestSame(t *testing.T) {
	t.Chdir(t.TempDir())
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir("d", 0o755), os.Symlink("d", "link"), os.WriteFile("d/there", nil, 0o644), os.Symlink("d/there", "to")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		a, b string
		same bool
	}{{"x", "./x", true}, {"x", filepath.Join(dir, "x"), true}, {"link/new", "d/new", true}, {"to", "link/there", true}, {"x", "y", false}, {"d/x", "x", false}, {"none/x", "none/../none/x", true}} {
		if Same(c.a, c.b) != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.same)
		}
	}
}

// TestProveNamesTheDirectory: what cannot be written to is said by the name that the user gave.
func TestProveNamesTheDirectory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a directory in which nobody can write")
	}
	_, err := Prove("/proc/self/x.json")
	if err == nil || !strings.HasPrefix(err.Error(), "the directory for the result is not writable: /proc/self/: ") || strings.Contains(err.Error(), ".loadgen-") {
		t.Error(err)
	}
}
