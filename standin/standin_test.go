package standin

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

var update = flag.Bool("update", false, "pack testdata anew with the programs zstd and lz4")

// contents are what is packed: what repeats near and far, what does not, little, nothing.
func contents() map[string][]byte {
	r := rand.New(rand.NewPCG(7, 11))
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var text strings.Builder
	for text.Len() < 250_000 {
		fmt.Fprintf(&text, `{"id":%d,"word":"%s","x":%.3f}`+"\n", r.IntN(1000), strings.Repeat("ab", r.IntN(9)), r.NormFloat64())
	}
	lines := []byte(text.String())
	var skewed []byte // of few symbols, some of them rare
	for range 200_000 {
		skewed = append(skewed, "aaaaaaaabbbbccde"[r.IntN(16)])
	}
	var words []byte // of a small vocabulary: several blocks, which share their tables
	for len(words) < 150_000 {
		words = append(words, "tokens\x00second the stream\n"[r.IntN(3)*7:][:7]...)
	}
	return map[string][]byte{
		"words": words, "few": skewed[:9000], "nothing": nil, "one": []byte("x"), "short": []byte("hello hello hello hello"), "zeros": make([]byte, 300_000), "noise": noise, "lines": lines,
		"skewed": skewed, "bytes": bytes.Repeat(noise[:256], 3), "far": append(append(bytes.Clone(noise), lines[:100_000]...), noise...),
	}
}

// packers are the programs that pack, by the name of what they make.
func packers() map[string][]string {
	return map[string][]string{
		"1": {"zstd", "-1", "-c"}, "3": {"zstd", "-3", "-c"}, "19": {"zstd", "-19", "-c"}, "20": {"zstd", "--ultra", "-20", "--long=24", "--no-check", "-c"},
		"fast": {"zstd", "--fast=5", "-c"},
	}
}

// TestZstdPacked unpacks what the program zstd has packed: levels have different tables and
// lengths, from a pipe a frame does not say its size.
func TestZstdPacked(t *testing.T) {
	all := contents()
	if *update {
		for name, content := range all {
			for how, command := range packers() {
				cmd := exec.Command(command[0], command[1:]...)
				cmd.Stdin = bytes.NewReader(content)
				packed, err := cmd.Output()
				if err != nil {
					t.Fatal(err)
				}
				if len(packed) < 20_000 {
					if err := os.WriteFile(filepath.Join("testdata", name+"-"+how+".zst"), packed, 0o666); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	files, _ := filepath.Glob("testdata/*.zst")
	if len(files) < 20 {
		t.Fatalf("%d files in testdata", len(files))
	}
	var joined, want []byte
	for _, file := range files {
		packed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(filepath.Base(file), "-")
		checkZstd(t, file, packed, all[name])
		joined = append(append(joined, packed...), "\x5a\x2a\x4d\x18\x03\x00\x00\x00any"...)
		want = append(want, all[name]...)
	}
	checkZstd(t, "several frames, with others to skip", joined, want)
}

// TestZstdLive packs with the program on this machine: with sizes, and with what changes from run to run.
func TestZstdLive(t *testing.T) {
	if _, err := exec.LookPath("zstd"); err != nil || testing.Short() {
		t.Skip("zstd is not installed, or -short")
	}
	for name, content := range contents() {
		if len(content) < 1000 {
			continue
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, content, 0o666); err != nil {
			t.Fatal(err)
		}
		for how, command := range packers() {
			packed, err := exec.Command(command[0], append(command[1:], file)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			checkZstd(t, name+" "+how, packed, content)
		}
	}
}

func checkZstd(t *testing.T, name string, packed, want []byte) {
	t.Helper()
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.DecodeAll(packed, []byte("before")); err != nil || string(got) != "before"+string(want) {
		t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(want), err)
	}
	if err := d.Reset(iotest.HalfReader(bytes.NewReader(packed))); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s, as a stream: %d bytes of %d, %v", name, len(got), len(want), err)
	}
	if len(packed) > 300_000 {
		return // several frames: it may be cut between two
	}
	for _, n := range []int{1, 4, 5, 8, len(packed) / 2, len(packed) - 1} {
		if n >= len(packed) {
			continue
		}
		if _, err := d.DecodeAll(packed[:n], nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s, cut off after %d of %d: %v", name, n, len(packed), err)
		}
	}
}

// TestZstdRefuses: what is damaged, what needs more memory or a dictionary.
func TestZstdRefuses(t *testing.T) {
	packed, err := os.ReadFile("testdata/short-19.zst")
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(packed)
	changed[len(changed)-1] ^= 1
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"the checksum":  {string(changed), zstd.ErrCRCMismatch},
		"other input":   {"hello world", zstd.ErrMagicMismatch},
		"a large frame": {"\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00", zstd.ErrWindowSizeExceeded},
		"a dictionary":  {"\x28\xb5\x2f\xfd\x01\x00\x07\x01\x00\x00", zstd.ErrUnknownDictionary},
	} {
		d, _ := zstd.NewReader(strings.NewReader(c.in), zstd.WithDecoderMaxMemory(1<<24), zstd.WithDecoderConcurrency(1))
		if _, err := io.ReadAll(d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	d, _ := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(200_000))
	zeros, err := os.ReadFile("testdata/zeros-1.zst")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.DecodeAll(zeros, nil); !errors.Is(err, zstd.ErrDecoderSizeExceeded) && !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("more than allowed: %v", err)
	}
	d.Close()
	if _, err := d.Read(make([]byte, 1)); !errors.Is(err, zstd.ErrDecoderClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestZstdStored: what Encoder writes is read here, and by the program where it is installed.
func TestZstdStored(t *testing.T) {
	for name, content := range contents() {
		var out bytes.Buffer
		e, err := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(e, iotest.HalfReader(bytes.NewReader(content)))
		if err := errors.Join(e.Flush(), e.Close()); err != nil {
			t.Fatal(err)
		}
		checkZstd(t, name, out.Bytes(), content)
		checkZstd(t, name, e.EncodeAll(content, nil), content)
		if path, err := exec.LookPath("zstd"); err == nil {
			cmd := exec.Command(path, "-dc")
			cmd.Stdin = &out
			if got, err := cmd.Output(); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s: zstd -d: %d bytes, %v", name, len(got), err)
			}
		}
	}
	var out bytes.Buffer
	e, _ := zstd.NewWriter(&out)
	if e.Close(); out.Len() != 0 {
		t.Errorf("nothing written, and a frame of %d bytes", out.Len())
	}
	if _, err := e.Write([]byte("x")); err == nil {
		t.Error("writing after Close is no error")
	}
}

// TestZstdHeader: what a head says, without reading on.
func TestZstdHeader(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want zstd.Header
	}{
		"two bytes of size": {"\x28\xb5\x2f\xfd\x64\x10\x00", zstd.Header{HeaderSize: 7, WindowSize: 272, HasFCS: true, FrameContentSize: 272, HasCheckSum: true}},
		"a window":          {"\x28\xb5\x2f\xfd\x00\x59", zstd.Header{HeaderSize: 6, WindowSize: 1<<21 + 1<<18}},
		"to be skipped":     {"\x51\x2a\x4d\x18\x05\x01\x00\x00", zstd.Header{HeaderSize: 8, Skippable: true, SkippableSize: 261}},
	} {
		var h zstd.Header
		if err := h.Decode([]byte(c.in)); err != nil || h != c.want {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
		if err := h.Decode([]byte(c.in[:len(c.in)-1])); err != io.ErrUnexpectedEOF {
			t.Errorf("%s, cut off: %v", name, err)
		}
	}
}

// TestBlocks: Snappy and LZ4 come back as they were, and repetition takes less.
func TestBlocks(t *testing.T) {
	for name, content := range contents() {
		packed := snappy.Encode(nil, content)
		if got, err := snappy.Decode(nil, packed); err != nil || !bytes.Equal(got, content) {
			t.Errorf("snappy, %s: %d bytes of %d, %v", name, len(got), len(content), err)
		}
		if n, err := snappy.DecodedLen(packed); n != len(content) || err != nil || len(packed) > snappy.MaxEncodedLen(n) {
			t.Errorf("snappy, %s: length %d, %v; %d packed", name, n, err, len(packed))
		}
		block := pack(t, content)
		out := make([]byte, len(content)+3)
		if n, err := lz4.UncompressBlock(block, out); err != nil || !bytes.Equal(out[:n], content) {
			t.Errorf("lz4, %s: %d bytes of %d, %v", name, n, len(content), err)
		}
		if len(content) > 0 {
			if n, err := lz4.UncompressBlock(block, out[:len(content)-1]); err == nil {
				t.Errorf("lz4, %s: %d bytes in less room", name, n)
			}
		}
		if name == "lines" && (len(packed) > len(content)*2/3 || len(block) > len(content)*2/3) {
			t.Errorf("%d lines take %d, %d bytes", len(content), len(packed), len(block))
		}
	}
	if got := snappy.MaxEncodedLen(-1); got != -1 {
		t.Error(got)
	}
	if _, err := (&lz4.Compressor{}).CompressBlock(make([]byte, 100), make([]byte, 100)); err == nil {
		t.Error("lz4: too little room is no error")
	}
}

func pack(t testing.TB, content []byte) []byte {
	t.Helper()
	block := make([]byte, lz4.CompressBlockBound(len(content)))
	n, err := (&lz4.CompressorHC{Level: lz4.Fast}).CompressBlock(content, block)
	if err != nil {
		t.Fatal(err)
	}
	return block[:n]
}

// TestForeignBlocks: blocks written by hand, after the descriptions of the formats.
func TestForeignBlocks(t *testing.T) {
	for in, want := range map[string]string{
		"\x05\x10hello":                  "hello",     // literals
		"\x09\x04ab\x0d\x02":             "ababababa", // a copy of what it makes, length 7
		"\x06\x04ab\x0e\x02\x00":         "ababab",    // two bytes of offset
		"\x06\x04ab\x0f\x02\x00\x00\x00": "ababab",    // four
		"\x03\xf0\x02abc":                "abc",       // a length of one byte
		"\x03\xf4\x02\x00abc":            "abc",       // of two
		"\x03\xfc\x02\x00\x00\x00abc":    "abc",       // of four
		"\x00":                           "",
	} {
		got, err := snappy.Decode(nil, []byte(in))
		if string(got) != want || err != nil {
			t.Errorf("snappy %q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "\x05\x10hell", "\x05\x10hello!", "\x09\x04ab\x0d\x03", "\x09\x04ab\x0d\x00", "\x03\x04ab", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\x0f\x00"} {
		if got, err := snappy.Decode(nil, []byte(in)); err == nil {
			t.Errorf("snappy %q: %q is no error", in, got)
		}
	}
	out := make([]byte, 400)
	for in, want := range map[string]string{
		"\x50hello":                 "hello",
		"\x23ab\x02\x00\x10c":       "ababababac",
		"\x1fa\x01\x00\xff\x0e\x00": strings.Repeat("a", 1+4+15+255+14),
		"\xf0\x01aaaaaaaaaaaaaaaa":  strings.Repeat("a", 16),
	} {
		if n, err := lz4.UncompressBlock([]byte(in), out); err != nil || string(out[:n]) != want {
			t.Errorf("lz4 %q: %q, %v; want %q", in, out[:n], err, want)
		}
	}
	for _, in := range []string{"\x50hell", "\x23ab\x03\x00\x00", "\x23ab\x00\x00\x00", "\x23ab\x02", "\x23ab\x02\x00", "\xf0\xff", "\x1fa\x01\x00\xff\xff\xff\x0e\x00"} {
		if n, err := lz4.UncompressBlock([]byte(in), out); err == nil {
			t.Errorf("lz4 %q: %q is no error", in, out[:n])
		}
	}
}

// FuzzDecoders: no input makes a decoder panic, or ask for more memory than it was allowed.
func FuzzDecoders(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.zst")
	for _, file := range files {
		if packed, err := os.ReadFile(file); err == nil && len(packed) < 2000 {
			f.Add(packed)
		}
	}
	f.Add(snappy.Encode(nil, []byte("hello hello hello hello")))
	f.Add(pack(f, bytes.Repeat([]byte("hello "), 20)))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, _ := zstd.NewReader(bytes.NewReader(in), zstd.WithDecoderMaxMemory(1<<20))
		streamed, err := io.ReadAll(io.LimitReader(d, 4<<20))
		if whole, err2 := d.DecodeAll(in, nil); err == nil && err2 == nil && !bytes.Equal(whole, streamed) {
			t.Error("a stream and a whole differ")
		}
		snappy.Decode(nil, in)
		lz4.UncompressBlock(in, make([]byte, 1<<16))
		if got, err := snappy.Decode(nil, snappy.Encode(nil, in)); err != nil || !bytes.Equal(got, in) {
			t.Error("snappy", err)
		}
		out := make([]byte, len(in))
		if n, err := lz4.UncompressBlock(pack(t, in), out); err != nil || !bytes.Equal(out[:n], in) {
			t.Error("lz4", err)
		}
	})
}
