package compare

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadgen/examples"
)

// minimal is a plan that says no more than it must.
const minimal = "servers: [{name: a, start: serve a}, {name: b, url: 'http://127.0.0.1:8001'}]\n"

func planOf(text string) (*Plan, error) {
	p, err := parse([]byte(text))
	if err == nil {
		err = p.Check(&fakeBench{})
	}
	return p, err
}

func mustPlan(t *testing.T, text string) *Plan {
	t.Helper()
	p, err := planOf(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlansThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "servers: a comparison needs two or more",
		"servers: [{name: a}]": "two or more",
		"sevrers: []":          `line 1: unknown key "sevrers"; did you mean "servers"?`,
		"servers: [{name: a, command: x}, {name: b}]": `line 1: unknown key "command"; did you mean "start"?`,
		"requests: 3":      `line 1: unknown key "requests"; did you mean "prompts_per_concurrency"?`,
		"frobnicate: 3":    `line 1: unknown key "frobnicate"`,
		"concurrency: [1]": `did you mean "concurrencies"?`,
		minimal + "levels: [1]\nconcurrencies: [2]":           `line 3: "levels" and "concurrencies" are the same key`,
		minimal + "flags:\n  seed: 1\n  b: 2\n":               "line 4: flags: no flag b",
		minimal + "flags:\n  num-prompts: x":                  "line 3: flags: num-prompts: not a number",
		minimal + "flags: {impossible: 3}":                    `server "a": flags: impossible`,
		minimal + "flags: {num-prompts: 3, num_prompts: 4}":   "line 2: flags: num-prompts is given already, in line 2",
		minimal + "flags: [a]":                                "line 2: expected flags of the benchmark",
		"servers: [{name: a}, {name: b, flags: {b: 1}}]":      `line 1: server "b": flags: no flag b`,
		minimal + "concurrencies: [16, x]":                    `line 2: "x" where a whole number is expected`,
		minimal + "levels: 16":                                `line 2: "16" where a list of whole numbers is expected`,
		minimal + "levels: [1.5]":                             `line 2: "1.5" where a whole number is expected`,
		minimal + "\nrepeats: 2.5":                            `line 3: "2.5" where a whole number is expected`,
		minimal + "repeats: 999999999":                        "repeats: 999999999 makes more than 100000 runs",
		minimal + "repeats: 9223372036854775807":              "makes more than 100000 runs",
		minimal + "gates: {a: b}":                             "line 2: a table where a list of texts is expected",
		minimal + "---\nlevels: [1]":                          "line 2: a second document",
		"servers: [{name: a, ready: 5m}, {name: b}]":          `line 1: "5m" where a table is expected`,
		"servers: [{name: a, stop: {limits: 5m}}, {name: b}]": `line 1: unknown key "limits"; did you mean "limit"?`,
		"servers: 3":                                                  "where a list of servers is expected",
		minimal + "levels: [0]":                                       "each must be 1 or more",
		minimal + "levels: []":                                        "each must be 1 or more",
		minimal + "levels: [4, 4]":                                    "4 is listed twice",
		minimal + "repeats: 0":                                        "repeats: 0 must be 1 or more",
		minimal + "prompts_per_concurrency: 0":                        "prompts_per_concurrency: 0 must be 1 or more",
		minimal + "warmup: -1":                                        "warmup: -1 must be 0 or more",
		minimal + "order: random":                                     `"random" is unknown; use servers, interleaved or ABBA`,
		minimal + "cool_down: soon":                                   `line 2: "soon" is not a duration`,
		minimal + "cool_down: -3s":                                    "is not a duration",
		minimal + "gates: [nonsense]":                                 "gates: nonsense",
		minimal + "results: ''":                                       "name a directory",
		minimal + "origin_compatible: true\nflags: {seed: 3}":         "origin_compatible uses seed 0",
		"servers: [{name: a}, {name: a}]":                             "another server has its name",
		"servers: [{name: a, dir: b}, {name: b}]":                     "another server has its name or directory",
		"servers: [{name: a, dir: ../b}, {name: b}]":                  "is not the name of a directory",
		"servers: [{name: a/b}, {name: b}]":                           "name: use letters",
		"servers: [{name: a, url: localhost}, {name: b}]":             "expected http://HOST:PORT",
		"servers: [{name: a, exec: docker exec x}, {name: b}]":        "there is no start command",
		"servers: [{name: a, start: 'x \"y'}, {name: b}]":             "line 1: the command ends within a quotation",
		"servers: [{name: a, start: {x: y}}, {name: b}]":              "expected a command",
		"servers: [{name: a, env: {'x=y': 1}}, {name: b}]":            "is not the name of a variable",
		"servers: [{name: a, env: {x: '***'}}, {name: b}]":            "the value of x is masked",
		"servers: [{name: a, url: 'http://u:***@h'}, {name: b}]":      "its password is masked",
		"servers: [{name: a, url: 'http://***@h'}, {name: b}]":        "a key in it is masked",
		"servers: [{name: a, start: 'serve --token ***'}, {name: b}]": "start: a value in \"***\" is masked",
		"servers: [{name: a, flags: {header: 'K: ***'}}, {name: b}]":  "a value of header is masked",
		minimal + "flags: {header: ['K: ***']}":                       "a value of header is masked",
		"servers: [{name: a, url: 'ftp://u:SECRET@h'}, {name: b}]":    `"ftp://u:***@h"`,
		"servers: [{name: a, port: 1}, {name: b}]":                    `unknown key "port"`,
		"servers: [&a {name: a, <<: *a}, {name: b}]":                  "nested too deeply",
		"levels: [1\n": "line ",
	} {
		if _, err := planOf(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "compare.") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestPlansOfEarlierReleases: keys and an order that have other names now are read.
func TestPlansOfEarlierReleases(t *testing.T) {
	former := mustPlan(t, "sides: [{name: a}, {name: b, ready: {limit: 5}}]\nlevels: [3]\norder: sides\nrepeats: 1")
	now := mustPlan(t, "servers: [{name: a}, {name: b, ready: {limit: 5s}}]\nconcurrencies: [3]\norder: servers\nrepeats: 1")
	if diff := cmp.Diff(now, former, cmp.AllowUnexported(Flags{})); diff != "" {
		t.Error(diff)
	}
	if p := mustPlan(t, minimal); p.Repeats != 3 || p.Order != orderInterleaved || time.Duration(p.CoolDown) != 5*time.Second {
		t.Errorf("%+v", p)
	}
}

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		"a  b\tc\n":           {"a", "b", "c"},
		`a 'b c' "d e"f`:      {"a", "b c", "d ef"},
		`a\ b '' "x\"y\z" $X`: {"a b", "", `x"y\z`, "$X"},
		"":                    nil,
		`'a\b'`:               {`a\b`},
	} {
		got, err := splitWords(text)
		if err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
		if again, err := splitWords(shellWords(got)); err != nil || cmp.Diff(got, again) != "" {
			t.Errorf("%q: %q %v", shellWords(got), again, err)
		}
	}
}

// TestOrders: every run is there once, the servers' turns as the order says.
func TestOrders(t *testing.T) {
	for order, want := range map[string]string{
		"servers":     "a1 a2 a1' a2' b1 b2 b1' b2'",
		"sides":       "a1 a2 a1' a2' b1 b2 b1' b2'",
		"interleaved": "a1 a2 b1 b2 a1' a2' b1' b2'",
		"ABBA":        "a1 a2 b1 b2 b1' b2' a1' a2'",
	} {
		p := mustPlan(t, minimal+"concurrencies: [1, 2]\nrepeats: 2\norder: "+order)
		var got []string
		for _, u := range p.units() {
			got = append(got, p.Servers[u.server].Name+fmt.Sprint(p.Concurrencies[u.load])+strings.Repeat("'", u.repeat))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", order, got, want)
		}
	}
}

// TestSeeds: each concurrency and repeat has a seed of its own, and all servers the same.
func TestSeeds(t *testing.T) {
	p := mustPlan(t, minimal+"concurrencies: [1, 2]\nrepeats: 2")
	seeds := map[int]string{}
	for _, u := range p.units() {
		l := p.load(u)
		seeds[*l.Seed] += p.Servers[u.server].Name
		if l.TestInput || l.Warmup != 8 || l.Requests != 5*l.Concurrency || l.File != p.fileName(u) {
			t.Errorf("%+v", l)
		}
	}
	if diff := cmp.Diff(map[int]string{1: "ab", 2: "ab", 3: "ab", 4: "ab"}, seeds); diff != "" {
		t.Error(diff)
	}
	p = mustPlan(t, minimal+"concurrencies: [1, 2]\nrepeats: 1\nflags: {seed: 70}")
	for _, u := range p.units() {
		if l := p.load(u); *l.Seed != 70+u.load {
			t.Errorf("seed %d", *l.Seed)
		}
	}
	p = mustPlan(t, minimal+"origin_compatible: true")
	if l := p.load(unit{}); l.Seed != nil || !l.TestInput {
		t.Errorf("%+v", l)
	}
}

// TestMasked: no secret of a plan is in what is saved or printed.
func TestMasked(t *testing.T) {
	p := mustPlan(t, `
flags: {header: ["x-api-key: SECRET1"]}
servers:
- {name: a, url: "http://user:SECRET2@h:1", env: {HF_TOKEN: SECRET3, EMPTY: ""}, exec: docker exec -e A=SECRET4 --env=B=SECRET5 -eC=SECRET6 box,
   start: "env D=SECRET7 serve --api-key SECRET8 --hf_token=SECRET9 --tokenizer plain1 --max-num-tokens 8192 -H 'Authorization: Bearer SECRET10' --proxy http://u:SECRET11@h sh -c 'E_TOKEN=SECRET12 run' E=plain2"}
- {name: b, start: "F=SECRET13 G=SECRET14 serve x=plain3", flags: {header: "a: SECRET15"}}
`)
	p.Results = t.TempDir()
	p.takeKey()
	if err := p.save(&fakeBench{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.Results, SavedName)
	saved, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := p.Print(&printed, &fakeBench{}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"saved": string(saved), "printed": printed.String()} {
		if strings.Contains(text, "SECRET") {
			t.Errorf("%s:\n%s", name, text)
		}
		for _, plain := range []string{"plain1", "plain2", "plain3", "8192", "Authorization: ***", "A=***", "user:***@"} {
			if !strings.Contains(text, plain) && !(name == "printed" && plain == "user:***@") {
				t.Errorf("%s: no %s in\n%s", name, plain, text)
			}
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	again, err := ReadSaved(p.Results)
	if err != nil || again.ResumeKey != p.ResumeKey || len(again.Servers) != 2 {
		t.Error(err, again)
	}
	if err := again.Check(&fakeBench{}); err == nil || !strings.Contains(err.Error(), "masked") {
		t.Errorf("a saved plan is taken for one with secrets: %v", err)
	}
}

// TestDigests: a server is another where it is started, or asked, in another way, and
// where the key is another.
func TestDigests(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{
		"{name: a, start: x}", "{name: a, start: x, env: {T: 1}}", "{name: a, start: x, env: {T: 2}}", "{name: a, start: y}", "{name: a, start: x, cwd: /}",
		"{name: a, start: x, url: 'http://u:p@h'}", "{name: a, start: x, url: 'http://u:q@h'}",
		"{name: a, start: x, flags: {model: m}}", "{name: a, start: x, flags: {header: 'a: b'}}",
	} {
		p := mustPlan(t, "servers: ["+text+", {name: b}]")
		run, err := (&fakeBench{}).Settle(p.load(unit{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"k", "l"} {
			digest := p.Servers[0].digest(key, run.Identity())
			if before, found := seen[digest]; found {
				t.Errorf("%s and %s %s are the same", before, text, key)
			}
			seen[digest] = text + " " + key
		}
	}
	p := mustPlan(t, "servers: [{name: a, start: x, label: L, ready: {limit: 3}, stop: {limit: 3}, flags: {seed: 2}}, {name: b}]")
	run, _ := (&fakeBench{}).Settle(p.load(unit{}))
	if seen[p.Servers[0].digest("k", run.Identity())] != "{name: a, start: x} k" {
		t.Error("what does not change the server changes its digest")
	}
}

// FuzzPlan: no text makes the reader panic, and what it accepts can be saved and read.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(minimal))
	for _, name := range []string{"engine-vs-pytorch", "speculative-decoding", "trtllm-vllm-sglang"} {
		text, err := examples.Plans.ReadFile(name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("<<: {servers: [{name: a}, &b {name: b}]}\nflags: {x: [1, {y: z}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parse(text)
		if err != nil || p.Check(&fakeBench{}) != nil {
			return
		}
		if len(p.Servers)*len(p.Concurrencies)*p.Repeats > 100 {
			return
		}
		p.Results = t.TempDir()
		if err := p.save(&fakeBench{}); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadSaved(p.Results); err != nil || len(again.Servers) != len(p.Servers) {
			t.Errorf("%v %+v", err, again)
		}
	})
}

// TestMaskWords: what may be a secret on a command line is hidden, and the rest stays.
func TestMaskWords(t *testing.T) {
	for text, want := range map[string]string{
		"serve m --port 8000 --max-tokens 3":           "serve m --port 8000 --max-tokens 3",
		"serve --api-key k --hf-token=k --tokenizer t": "serve --api-key *** --hf-token=*** --tokenizer t",
		"docker run -e A=k -e B --env=C=k image":       "docker run -e A=*** -e B --env=C=*** image",
		"A=k env B=k serve c=d":                        "A=*** env B=*** serve c=d",
		"curl -H X-One:k http://u:k@h/?token=k":        "curl -H X-One:*** http://u:***@h/?token=***",
		"git clone https://k@h/x ssh://git@h/x":        "git clone https://***@h/x ssh://git@h/x",
		`sh -c|curl -H 'Authorization: Bearer k' h`:    `sh -c|curl -H 'Authorization: ***' h`,
		`serve --config|{"api_key": "k", "port": 1}`:   `serve --config|{"api_key": "***", "port": 1}`,
	} {
		words := strings.Fields(text)
		if command, last, found := strings.Cut(text, "|"); found {
			words = append(strings.Fields(command), last)
			want = strings.Replace(want, "|", " ", 1)
		}
		if got := strings.Join(MaskWords(words), " "); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// TestURLWithV1: the path that requests begin with is no part of a server's URL, as in a benchmark's.
func TestURLWithV1(t *testing.T) {
	for url, want := range map[string]string{"http://h:8000/v1": "http://h:8000", "http://h:8000/v1/": "http://h:8000", "http://h/x/v1": "http://h/x", "http://h/v12": "http://h/v12"} {
		p, err := parse([]byte("servers: [{name: a, url: '" + url + "'}, {name: b, url: http://g}]"))
		if err == nil {
			err = p.Servers[0].check()
		}
		if err != nil || p.Servers[0].URL != want {
			t.Errorf("%s: %q, %v", url, p.Servers[0].URL, err)
		}
	}
}
