package pyjson

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestAppend(t *testing.T) {
	one := 1
	for _, c := range []struct {
		value any
		want  string
	}{
		{Object{{"a", 1}, {"b", nil}, {"c", Object{}}}, `{"a": 1, "b": null, "c": {}}`},
		{[]any{true, "x", 1.5, []int{}, []int{1, 2}}, `[true, "x", 1.5, [], [1, 2]]`},
		{[][]float64{{}, {1e-7}}, `[[], [1e-07]]`},
		{&one, "1"}, {(*int)(nil), "null"}, {Raw("12"), "12"},
		{"é☂😀\x7f\x00\"\\/<&>\n\t\r\b\f\u2028", `"\u00e9\u2602\ud83d\ude00\u007f\u0000\"\\/<&>\n\t\r\b\f\u2028"`},
		{"a\xffb\xe2\x82", `"a\udcffb\udce2\udc82"`}, {"\xed\xa0\xbdx", `"\ud83dx"`},
		{0.0, "0.0"}, {math.Copysign(0, -1), "-0.0"}, {100.0, "100.0"}, {1e15, "1000000000000000.0"}, {1e16, "1e+16"},
		{1e22, "1e+22"}, {0.0001, "0.0001"}, {0.00001, "1e-05"}, {1.5e-7, "1.5e-07"}, {5e-324, "5e-324"},
		{1.7976931348623157e308, "1.7976931348623157e+308"}, {math.Inf(1), "Infinity"}, {math.Inf(-1), "-Infinity"}, {math.NaN(), "NaN"},
	} {
		if got := string(Append(nil, c.value)); got != c.want {
			t.Errorf("%v: got %s, want %s", c.value, got, c.want)
		}
	}
	for f, want := range map[float64]string{200: "200.0", math.Inf(1): "inf", math.Inf(-1): "-inf", 0.25: "0.25"} {
		if got := FormatFloat(f); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("é\xff\u2028😀", 1e-5)
	f.Add("\xed\xa7\x89\xa2", 1.0)
	f.Fuzz(func(t *testing.T, s string, x float64) {
		var back string
		if err := json.Unmarshal(Append(nil, s), &back); err != nil || back != lossy(s) {
			t.Errorf("%q came back as %q: %v", s, back, err)
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return
		}
		if y, err := strconv.ParseFloat(string(AppendFloat(nil, x)), 64); err != nil || y != x {
			t.Errorf("%v came back as %v: %v", x, y, err)
		}
	})
}

// lossy is what encoding/json makes of a string with bytes that are not UTF-8,
// which are written as surrogates: two that make a pair are one code point.
func lossy(s string) string {
	var units []uint16
	for len(s) > 0 {
		r, n := decodeRune(s)
		if r == utf8.RuneError && n == 1 {
			r = 0xdc00 + rune(s[0])
		}
		units, s = utf16.AppendRune(units, r), s[n:]
		if utf16.IsSurrogate(r) { // which AppendRune takes for an error
			units[len(units)-1] = uint16(r)
		}
	}
	return string(utf16.Decode(units))
}
