package argparse

import (
	"fmt"
	"strings"
	"testing"
)

var testFlags = []Flag{
	{Name: "--help", Short: "-h", Kind: Help},
	{Name: "--model", Kind: String},
	{Name: "--port", Kind: Int},
	{Name: "--rate", Kind: Float},
	{Name: "--random-ids"},
	{Name: "--metadata", Kind: List},
	{Name: "--goodput", Kind: ListSome},
	{Name: "--backend", Kind: String, Choices: []string{"a", "b"}},
	{Name: "--port-of-ours", Kind: String, Exact: true},
	{Name: "--header", Kind: ListSome, Exact: true, Repeats: true},
	{Name: "--url", Kind: String, Exact: true, Repeats: true},
}

func TestExactFlags(t *testing.T) {
	if _, err := Parse(testFlags, strings.Fields("--po 5 --port-of-ours=x --header a:b --header c:d e:f --he")); err != ErrHelp {
		t.Fatal(err)
	}
	v, err := Parse(testFlags, strings.Fields("--po 5 --port-of-ours=x --port-of-ours x --url=a --header a:b --header c:d e:f --url b,c"))
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := v["--port"].(interface{ String() string }); n == nil || n.String() != "5" || v["--port-of-ours"] != "x" || v["--url"] != "a,b,c" {
		t.Error(v)
	}
	if got := strings.Join(v["--header"].([]string), " "); got != "a:b c:d e:f" {
		t.Error(got)
	}
	if _, err := Parse(testFlags, []string{"--port-of", "x"}); err == nil || err.Error() != "unrecognized arguments: --port-of x" {
		t.Error(err)
	}
}

// TestCorners are what argparse makes of odd words, as Python 3.11 was seen to.
func TestCorners(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"-hh", "help"}, {"-h=h", "help"}, {"-hhx", "argument -h/--help: ignored explicit argument 'x'"},
		{"-h=", "argument -h/--help: ignored explicit argument ''"}, {"--help=h", "argument -h/--help: ignored explicit argument 'h'"},
		{"--metadata=--", "map[--metadata:[]]"}, {"--goodput=--", "map[--goodput:[]]"}, {"--model=--", "argument --model: expected one argument"},
		{"--port \x1c5", `argument --port: invalid int value: '\x1c5'`}, {"--rate 5\x1f", `argument --rate: invalid float value: '5\x1f'`},
		{"--port \u0085\u00a05\v", "map[--port:5]"}, {"--rate InFinITY", "map[--rate:+Inf]"},
		{"--rate İnf", "argument --rate: invalid float value: 'İnf'"}, {"--rate=\u2003-.5", "map[--rate:-0.5]"},
	} {
		v, err := Parse(testFlags, strings.Split(c.line, " "))
		got := fmt.Sprint(v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.line, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"--mo x --po 5", "--metadata a b --rate -1", "-h1", "--rate ١.٥_0", "-- x", "--=", "-", "--goodput='a'", "--p\xff=\x00"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		argv := strings.Split(line, " ")
		v, err := Parse(testFlags, argv)
		if err == nil && v == nil {
			t.Error("neither values nor an error")
		}
		if _, ok := ParseFloat(line); !ok {
			if _, ok := ParseInt(line); ok {
				t.Errorf("%q is an int but no float", line)
			}
		}
	})
}
