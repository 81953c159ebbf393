package standin

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/molecule-man/go-brrr"
)

// prose has words of Brotli's dictionary and letters that are not ASCII.
const prose = `<p>The first token of an answer takes longer than the others: the server reads the whole prompt before it. <a href="/naïve">Déjà vu</a>?
Что измеряет клиент, когда сервер занят? 服务器说完之前,没有人知道答案的长度。 In the beginning of this document, however, there is more about the University of Measurement.</p>
`

func brotliContents() map[string][]byte {
	all := contents()
	all["prose"] = []byte(prose)
	all["proses"] = []byte(strings.Repeat(prose+fmt.Sprint(all["noise"][:40]), 9))
	all["apart"] = slices.Concat(all["lines"][:3000], make([]byte, 200_000), all["lines"][:3000])
	r := rand.New(rand.NewPCG(3, 5))
	for i := range 4000 {
		all["samples"] = binary.LittleEndian.AppendUint16(all["samples"], uint16(int16(40*math.Sin(float64(i)/9)+r.NormFloat64())))
	}
	for i := range 90_000 { // of two kinds in turn, for long and for short
		if part := i / 20_000; part < 4 && part%2 == 0 || part == 4 && i/500%2 == 0 {
			all["mixed"] = append(all["mixed"], "aaaaaaaaaaaabbbc"[r.IntN(16)])
		} else {
			all["mixed"] = append(all["mixed"], "xxxxxxxxxxxxxyz\xff"[r.IntN(16)])
		}
	}
	return all
}

// brotliPackers are the arguments of the program brotli, by the name of what it makes: the
// levels have different kinds of meta-blocks, and a small window slides.
func brotliPackers() map[string][]string {
	return map[string][]string{"1": {"-q", "1"}, "5": {"-q", "5", "-w", "10"}, "9": {"-q", "9", "-w", "16"}, "11": {"-q", "11"}, "18": {"-q", "10", "-w", "18"}}
}

// TestBrotliPacked unpacks what the program brotli has packed.
func TestBrotliPacked(t *testing.T) {
	all := brotliContents()
	if *update {
		for name, content := range all {
			for how, arguments := range brotliPackers() {
				if packed := brotliProgram(t, content, arguments...); len(packed) < 20_000 {
					if err := os.WriteFile(filepath.Join("testdata", name+"-"+how+".br"), packed, 0o666); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	files, _ := filepath.Glob("testdata/*-*.br")
	if len(files) < 20 {
		t.Fatalf("%d files in testdata", len(files))
	}
	for _, file := range files {
		packed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(filepath.Base(file), "-")
		checkBrotli(t, file, packed, all[name])
	}
}

// TestBrotliLive packs with the program on this machine.
func TestBrotliLive(t *testing.T) {
	if _, err := exec.LookPath("brotli"); err != nil || testing.Short() {
		t.Skip("brotli is not installed, or -short")
	}
	for name, content := range brotliContents() {
		for how, arguments := range brotliPackers() {
			checkBrotli(t, name+" "+how, brotliProgram(t, content, arguments...), content)
		}
	}
}

func brotliProgram(t *testing.T, in []byte, arguments ...string) []byte {
	t.Helper()
	cmd := exec.Command("brotli", append(arguments, "-c")...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkBrotli(t *testing.T, name string, packed, want []byte) {
	t.Helper()
	behind := strings.NewReader("behind") // of which nothing is taken
	r := brrr.NewReader(io.MultiReader(iotest.HalfReader(bytes.NewReader(packed)), behind))
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) || behind.Len() != 6 {
		t.Errorf("%s: %d bytes of %d, %d of what is behind left, %v", name, len(got), len(want), behind.Len(), err)
	}
	for _, n := range []int{0, 1, 4, len(packed) / 2, len(packed) - 1} {
		if n >= len(packed) {
			continue
		}
		r.Reset(bytes.NewReader(packed[:n]))
		if got, err := io.ReadAll(r); err != io.ErrUnexpectedEOF || !bytes.HasPrefix(want, got) {
			t.Errorf("%s, cut off after %d of %d: %d bytes, %v", name, n, len(packed), len(got), err)
		}
	}
}

// TestBrotliStored: what Writer writes is read here, and by the program where it is installed.
func TestBrotliStored(t *testing.T) {
	for name, content := range brotliContents() {
		var out bytes.Buffer
		w, err := brrr.NewWriter(&out, 4)
		if err != nil {
			t.Fatal(err)
		}
		half := len(content) / 2
		w.Write(content[:half])
		w.Write(content[half:])
		if err := errors.Join(w.Flush(), w.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		checkBrotli(t, name, out.Bytes(), content)
		if _, err := exec.LookPath("brotli"); err == nil {
			if got := brotliProgram(t, out.Bytes(), "-d"); !bytes.Equal(got, content) {
				t.Errorf("%s: brotli -d: %d bytes", name, len(got))
			}
		}
		if _, err := w.Write([]byte("x")); err == nil {
			t.Error("writing after Close is no error")
		}
	}
	if _, err := brrr.NewWriter(nil, 12); err == nil {
		t.Error("there is no level 12")
	}
}

// TestBrotliWords unpacks testdata/words.br, which has a word of each length in each of the 121
// ways that words of the dictionary are changed; behind the words, all distances are too far.
func TestBrotliWords(t *testing.T) {
	packed, err := os.ReadFile("testdata/words.br")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(brrr.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("brotli"); err == nil && !bytes.Equal(got, brotliProgram(t, packed, "-d")) {
		t.Error("the program brotli unpacks something else")
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(got)); sum != "8cdd57cb485444c69ed0e76e45c8068f86da1c912a3a57d570eafe6584e60033" {
		t.Errorf("%d bytes, %s", len(got), sum)
	}
}

// TestBrotliRefuses: what is damaged, and what no program but one writes.
func TestBrotliRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"a large window":             "\x11\x00",
		"a reserved bit":             "\x1c\x00",
		"padding that is not 0":      "\x0e",
		"a length with a needless 0": "\x04\x00\x00\x00",
	} {
		if got, err := io.ReadAll(brrr.NewReader(strings.NewReader(in))); err == nil || err == io.ErrUnexpectedEOF {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzBrotli: no input makes the reader panic, and what ends well ends well again.
func FuzzBrotli(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.br")
	for _, file := range files {
		if packed, err := os.ReadFile(file); err == nil && len(packed) < 8000 {
			f.Add(packed)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := io.ReadAll(io.LimitReader(brrr.NewReader(bytes.NewReader(in)), 1<<20))
		again, err2 := io.ReadAll(io.LimitReader(brrr.NewReader(iotest.OneByteReader(bytes.NewReader(in))), 1<<20))
		if !bytes.Equal(once, again) || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("%d bytes, %v; byte by byte %d, %v", len(once), err, len(again), err2)
		}
	})
}
