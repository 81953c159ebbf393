package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// packed packs a small file in place of each binary and returns the directory.
func packed(t *testing.T) string {
	t.Helper()
	share, out := t.TempDir(), t.TempDir()
	for _, name := range []string{"LICENSE", "NOTICE", "LICENSES", "README.md", "loadgen.1", "loadgen.bash", "loadgen.fish", "_loadgen"} {
		if err := os.WriteFile(filepath.Join(share, name), []byte("text of "+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var binaries []string
	for _, name := range []string{"loadgen-linux-amd64", "loadgen-darwin-arm64"} {
		binaries = append(binaries, filepath.Join(share, name))
		if err := os.WriteFile(binaries[len(binaries)-1], []byte("the program"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p := pack{version: "v1.2.0-3-gabc", share: share, out: out, time: time.Unix(1700000000, 0)}
	if err := p.run(binaries); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestArchives: names, modes and times, the same bytes the second time.
func TestArchives(t *testing.T) {
	out, again := packed(t), packed(t)
	files, _ := filepath.Glob(filepath.Join(out, "*"))
	if len(files) != 3 {
		t.Fatal(files)
	}
	for _, name := range files {
		a, _ := os.ReadFile(name)
		b, err := os.ReadFile(filepath.Join(again, filepath.Base(name)))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v)", name, err)
		}
	}
	f, err := os.ReadFile(filepath.Join(out, "loadgen-v1.2.0-3-gabc-darwin-arm64.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimPrefix(h.Name, "loadgen-v1.2.0-3-gabc-darwin-arm64/"))
		if h.ModTime.Unix() != 1700000000 || h.Uid != 0 || strings.HasSuffix(h.Name, "/loadgen") != (h.Mode == 0o755 && h.Typeflag == tar.TypeReg) {
			t.Errorf("%+v", h)
		}
	}
	if got := strings.Join(names, " "); got != " loadgen LICENSE NOTICE LICENSES README.md loadgen.1 completions/ completions/loadgen.bash completions/loadgen.fish completions/_loadgen" {
		t.Error(got)
	}
}

// TestDebianPackage reads the package with Debian's own program, where it is installed, else
// its parts.
func TestDebianPackage(t *testing.T) {
	name := filepath.Join(packed(t), "loadgen_1.2.0+3.gabc_amd64.deb")
	text, err := os.ReadFile(name)
	if err != nil || !bytes.HasPrefix(text, []byte("!<arch>\ndebian-binary   1700000000  0     0     100644  4         `\n2.0\ncontrol.tar.gz")) {
		t.Fatalf("%v: %.100q", err, text)
	}
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Skip("dpkg-deb is not installed: the package was not read")
	}
	run := func(args ...string) string {
		out, err := exec.Command(dpkg, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("dpkg-deb %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if info := run("-I", name); !strings.Contains(info, "Version: 1.2.0+3.gabc") || !strings.Contains(info, "Architecture: amd64") {
		t.Error(info)
	}
	list := run("-c", name)
	for _, want := range []string{"drwxr-xr-x root/root", "-rwxr-xr-x root/root", "./usr/bin/loadgen", "./usr/share/doc/loadgen/copyright", "./usr/share/man/man1/loadgen.1.gz", "./usr/share/zsh/vendor-completions/_loadgen"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in\n%s", want, list)
		}
	}
	into := t.TempDir()
	run("-x", name, into)
	if text, err := os.ReadFile(filepath.Join(into, "usr/bin/loadgen")); string(text) != "the program" {
		t.Error(err)
	}
}

func TestDebianVersion(t *testing.T) {
	for in, want := range map[string]string{"v0.1.0": "0.1.0", "v0.1.0-12-gbcfa698-dirty": "0.1.0+12.gbcfa698.dirty", "bcfa698": "0~gitbcfa698", "1234567": "0~git1234567", "devel": "0~gitdevel", "2.0.0-rc.1": "2.0.0~rc.1", "v1.0.0-dirty": "1.0.0+dirty", "bcfa698-dirty": "0~gitbcfa698+dirty"} {
		if got := debianVersion(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestRefuses: a name that does not say for what, no version, a missing file.
func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"loadgen", "loadgen-linux-amd64"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		p := pack{version: "1", share: dir, out: dir}
		if err := p.run([]string{filepath.Join(dir, name)}); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	if err := (&pack{}).run([]string{"x-y-z"}); err == nil || !strings.Contains(err.Error(), "version") {
		t.Error(err)
	}
	if err := (&pack{version: "1"}).run(nil); err == nil {
		t.Error("no binaries are no error")
	}
}
