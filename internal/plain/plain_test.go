package plain

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestForms(t *testing.T) {
	for _, c := range []struct{ in, text, line, name, file string }{
		{"Qwen/Qwen3 8B", "Qwen/Qwen3 8B", "Qwen/Qwen3 8B", "Qwen/Qwen3 8B", "Qwen_Qwen3 8B"},
		{"日本 é 🙂", "日本 é 🙂", "日本 é 🙂", "日本 é 🙂", "日本 é 🙂"},
		{"a\x1b]0;T\x07\x1b[2Jb", `a\x1b]0;T\x07\x1b[2Jb`, `a\x1b]0;T\x07\x1b[2Jb`, "a ]0;T [2Jb", "a_]0;T__[2Jb"},
		{"a\nloadgen: verdict clean\r\nb\tc", "a\nloadgen: verdict clean\\x0d\nb\tc", "a loadgen: verdict clean b c", "a loadgen: verdict clean b c", "a_loadgen: verdict clean__b_c"},
		{"x\u009b31m\u202eevil\u2066\u2028y\u200f", `x\u009b31m\u202eevil\u2066\u2028y\u200f`, `x\u009b31m\u202eevil\u2066\u2028y\u200f`, "x 31mevil y", "x_31m_evil__y_"},
		{"a\xffb\x00", "a\ufffdb\\x00", "a\ufffdb\\x00", "ab", "a_b_"},
		{"../../etc/passwd", "../../etc/passwd", "../../etc/passwd", "../../etc/passwd", ".._.._etc_passwd"},
	} {
		if got := Text(c.in); got != c.text {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.text)
		}
		if got := Line(c.in); got != c.line {
			t.Errorf("Line(%q) = %q, want %q", c.in, got, c.line)
		}
		if got := Name(c.in, 60); got != c.name {
			t.Errorf("Name(%q) = %q, want %q", c.in, got, c.name)
		}
		if got := FileName(c.in, 60); got != c.file {
			t.Errorf("FileName(%q) = %q, want %q", c.in, got, c.file)
		}
		var b bytes.Buffer
		if n, err := fmt.Fprint(Writer{&b}, c.in); n != len(c.in) || err != nil || b.String() != c.text {
			t.Errorf("written %q: %d %v, %q", c.in, n, err, b.String())
		}
	}
	if got := FileName(strings.Repeat("é", 100), 99); len(got) != 98 {
		t.Errorf("cut to %d bytes", len(got))
	}
}

// FuzzText: whatever comes in, nothing that is obeyed comes out.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"a", "\x1b[2J", "\u009b", "\u202e", "a\r\nb", "\xff\xc2", "\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, got := range []string{Text(text), Line(text), Name(text, 20), FileName(text, 20)} {
			for _, r := range strings.NewReplacer("\n", "", "\t", "").Replace(got) {
				if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
					t.Errorf("%q became %q", text, got)
				}
			}
			if !utf8.ValidString(got) {
				t.Errorf("%q became %q", text, got)
			}
		}
		if strings.Contains(Line(text), "\n") || Text(Text(text)) != Text(text) || len(FileName(text, 20)) > 20 {
			t.Errorf("%q", text)
		}
	})
}

// TestWords: a path that a shell would split or expand is quoted, any other stays as it is.
func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"out/r-1_2.json": "out/r-1_2.json", "résumé/日本.json": "résumé/日本.json", "": "''",
		"my dir/r.json": "'my dir/r.json'", "it's": `'it'\''s'`, "a*b": "'a*b'", "$HOME": "'$HOME'", "~x": "'~x'", "a;b": "'a;b'",
	} {
		if got := Word(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestQuote: a shell reads a quoted text as it was.
func TestQuote(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	for _, text := range []string{"", "plain", "a b", "'", "''", `\`, "$x `y` \"z\"", "a\nb", "!*?~#", "-e", "ä"} {
		out, err := exec.Command("sh", "-c", "printf %s "+Quote(text)).Output()
		if err != nil || strings.TrimPrefix(string(out), "--") != text {
			t.Errorf("%q becomes %q: %v", text, out, err)
		}
	}
}
