package main

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"fmt"
	"path"
	"slices"
	"strings"
)

// debianVersion is a version as Debian writes it: it begins with a digit and has no hyphen.
func debianVersion(version string) string {
	v := strings.TrimPrefix(version, "v")
	if v == "" || v[0] < '0' || v[0] > '9' || !strings.Contains(v, ".") {
		v = "0~git" + v // of a commit without a tag before it
	}
	base, rest, found := strings.Cut(v, "-")
	if !found {
		return v
	}
	mark := "+" // commits after a tag are newer than it; a release candidate is older
	if rest != "" && (rest[0] < '0' || rest[0] > '9') && !strings.HasPrefix(rest, "dirty") && !strings.HasPrefix(base, "0~git") {
		mark = "~"
	}
	return base + mark + strings.ReplaceAll(rest, "-", ".")
}

// deb is a Debian package: an ar archive of two tar archives.
func (p *pack) deb(arch string, binary []byte) ([]byte, error) {
	data, err := p.installed(binary)
	if err != nil {
		return nil, err
	}
	size := 0
	var sums strings.Builder
	for _, f := range data {
		size += (len(f.text) + 1023) / 1024
		if f.text != nil {
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(f.text), strings.TrimPrefix(f.name, "./"))
		}
	}
	control := fmt.Sprintf(`Package: loadgen
Version: %s
Architecture: %s
Maintainer: The loadgen authors <loadgen@localhost>
Installed-Size: %d
Section: utils
Priority: optional
Description: load generator for LLM servers with an OpenAI-style API
 Measures TTFT, TPOT, ITL and E2EL with the kernel's receive timestamps, bounds
 its own measurement error in every run, and judges comparisons of servers.
 Takes the place of TensorRT-LLM's benchmark_serving: the same command line,
 prompts, console text and result file. One static binary without dependencies.
`, debianVersion(p.version), arch, size)
	head, err := p.tarball([]file{{name: "./", mode: 0o755}, {"./control", []byte(control), 0o644}, {"./md5sums", []byte(sums.String()), 0o644}})
	if err != nil {
		return nil, err
	}
	body, err := p.tarball(data)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("!<arch>\n")
	for _, f := range []file{{name: "debian-binary", text: []byte("2.0\n")}, {name: "control.tar.gz", text: head}, {name: "data.tar.gz", text: body}} {
		fmt.Fprintf(&out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", f.name, p.time.Unix(), 0, 0, "100644", len(f.text))
		out.Write(f.text)
		if len(f.text)%2 == 1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes(), nil
}

// installed are the files of the package, with the directories above them.
func (p *pack) installed(binary []byte) ([]file, error) {
	files := []file{{"./usr/bin/loadgen", binary, 0o755}}
	for _, place := range [][2]string{
		{"LICENSES", "./usr/share/doc/loadgen/copyright"},
		{"README.md", "./usr/share/doc/loadgen/README.md"},
		{"loadgen.1", "./usr/share/man/man1/loadgen.1.gz"},
		{"loadgen.bash", "./usr/share/bash-completion/completions/loadgen"},
		{"loadgen.fish", "./usr/share/fish/vendor_completions.d/loadgen.fish"},
		{"_loadgen", "./usr/share/zsh/vendor-completions/_loadgen"},
	} {
		text, err := p.shared(place[0])
		if err != nil {
			return nil, err
		}
		if path.Ext(place[1]) == ".gz" {
			var out bytes.Buffer
			z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
			if err != nil {
				return nil, err
			}
			z.Write(text) // to memory
			z.Close()
			text = out.Bytes()
		}
		files = append(files, file{place[1], text, 0o644})
	}
	above := map[string]bool{"./": true}
	for _, f := range files {
		for dir := path.Dir(f.name[2:]); dir != "."; dir = path.Dir(dir) {
			above["./"+dir+"/"] = true
		}
	}
	for dir := range above {
		files = append(files, file{name: dir, mode: 0o755})
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}
