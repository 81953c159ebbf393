package stream

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestUnescape: escapes are as encoding/json reads them, and a lone surrogate is
// kept until its other half follows, as Python's strings keep it.
func TestUnescape(t *testing.T) {
	for _, raw := range []string{`plain`, `\"\\\/\b\f\n\r\t`, `\u00e9\u00E9\u20AC\uABCD\uefFF`, `\ud83d\ude00 \uD83D\uDE00x`, `\ud7ff\ue000`} {
		var want string
		if err := json.Unmarshal([]byte(`"`+raw+`"`), &want); err != nil {
			t.Fatal(err)
		}
		if got := string(appendUnescaped(nil, []byte(raw))); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	for parts, want := range map[string]string{
		`\ud83d`:               "\xed\xa0\xbd",
		`\ude00`:               "\xed\xb8\x80",
		`\ud83dx`:              "\xed\xa0\xbdx",
		`\ud83d\u0041`:         "\xed\xa0\xbdA",
		`\ud83d\ud83d\ude00`:   "\xed\xa0\xbd😀",
		`\ude00\ud83d`:         "\xed\xb8\x80\xed\xa0\xbd",
		`\ud83d|\ude00`:        "😀", // over two events
		`\udbff|\udfff`:        "\U0010ffff",
		`x\ud800|\udc00y`:      "x𐀀y",
		`\ud83d|\ud83d|\ude00`: "\xed\xa0\xbd😀",
		`\ude00|\ude00`:        "\xed\xb8\x80\xed\xb8\x80",
	} {
		var got []byte
		for part := range strings.SplitSeq(parts, "|") {
			got = appendUnescaped(got, []byte(part))
		}
		if string(got) != want {
			t.Errorf("%s: %q, want %q", parts, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0": true, "10": true, "-2.5e+3": true, "1E9": true, "1e-400": true, "NaN": true, "-Infinity": true,
		"01": false, "-": false, "1.": false, ".5": false, "1e": false, "1e+": false, "+1": false, "0x1": false, "1_0": false, "Inf": false, "nan": false,
	} {
		r := newMessageReader(Options{Streaming: true})
		if err := r.read([]byte(`{"choices": [{"text": "x"}], "n": ` + text + `}`)); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
