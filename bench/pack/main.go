// Pack makes of binaries what is given away: for each an archive with licences, manual page and
// completions, for Linux a Debian package, too. The same input gives the same bytes.
//
//	go run ./bench/pack -version VERSION -time SECONDS -share DIR -out DIR NAME-OS-ARCH...
//
// The directory of -share has LICENSE, NOTICE, LICENSES, README.md, loadgen.1, loadgen.bash,
// loadgen.fish and _loadgen.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	var p pack
	flag.StringVar(&p.version, "version", "", "of the program")
	seconds := flag.Int64("time", 0, "of all files, in seconds since 1970")
	flag.StringVar(&p.share, "share", "", "directory of the other files")
	flag.StringVar(&p.out, "out", ".", "directory to write to")
	flag.Parse()
	p.time = time.Unix(*seconds, 0).UTC()
	if err := p.run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

type pack struct {
	version, share, out string
	time                time.Time
}

// file is one entry of an archive; without text it is a directory.
type file struct {
	name string
	text []byte
	mode int64
}

func (p *pack) run(binaries []string) error {
	if len(binaries) == 0 {
		return errors.New("no binaries given: pack NAME-OS-ARCH...")
	}
	if p.version == "" {
		return errors.New("no version given: -version VERSION")
	}
	for _, name := range binaries {
		parts := strings.Split(filepath.Base(name), "-")
		if len(parts) != 3 {
			return fmt.Errorf("%s is not called NAME-OS-ARCH", name)
		}
		binary, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		title := fmt.Sprintf("%s-%s-%s-%s", parts[0], p.version, parts[1], parts[2])
		archive, err := p.archive(title, binary)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.out, title+".tar.gz"), archive, 0o644); err != nil {
			return err
		}
		if parts[1] != "linux" {
			continue
		}
		deb, err := p.deb(parts[2], binary)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.out, fmt.Sprintf("%s_%s_%s.deb", parts[0], debianVersion(p.version), parts[2])), deb, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// archive is a tar.gz of one directory.
func (p *pack) archive(title string, binary []byte) ([]byte, error) {
	files := []file{{name: title + "/", mode: 0o755}, {title + "/loadgen", binary, 0o755}}
	for _, name := range []string{"LICENSE", "NOTICE", "LICENSES", "README.md", "loadgen.1"} {
		text, err := p.shared(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{title + "/" + name, text, 0o644})
	}
	files = append(files, file{name: title + "/completions/", mode: 0o755})
	for _, name := range []string{"loadgen.bash", "loadgen.fish", "_loadgen"} {
		text, err := p.shared(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{title + "/completions/" + name, text, 0o644})
	}
	return p.tarball(files)
}

func (p *pack) shared(name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(p.share, name))
	if err == nil && len(text) == 0 {
		err = fmt.Errorf("%s is empty", name)
	}
	return text, err
}

// tarball is a compressed tar of these files: all of root, all of one time.
func (p *pack) tarball(files []file) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	t := tar.NewWriter(z)
	for _, f := range files {
		h := tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.text)), ModTime: p.time, Uname: "root", Gname: "root", Format: tar.FormatUSTAR}
		if strings.HasSuffix(f.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.text); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
