package client

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"loadgen/internal/pyjson"
)

// TestSuccessesRepeatKeys: what a server says of itself in a good answer, and in one of ours
// that is no JSON, shows no key either.
func TestSuccessesRepeatKeys(t *testing.T) {
	key := `sk-"geheim\`
	for _, text := range []string{"sk-%22geheim%5C", `sk-\"geheim\\`} {
		answer := fmt.Sprintf("data: {\"id\":\"%[1]s\",\"model\":\"%[1]s\",\"metrics\":{\"k\":\"%[1]s\"},\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":\"stop\"}]}\n\n"+
			"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":\"%[1]s\"}}\n\ndata: [DONE]\n\n", text)
		s := &server{answer: func(int, *http.Request) string { return body("200 OK", "text/event-stream", answer) }}
		c := s.client(t, Options{BaseURL: "http://127.0.0.1:8000", APIKey: &key})
		r := do(t, c)
		if r.Err != nil || r.Details == nil || len(r.Details.OddCounts) != 1 {
			t.Fatalf("%v %+v", r.Err, r.Details)
		}
		_, err := c.Model(t.Context())
		if shown := fmt.Sprint(r.Model, r.ID, string(r.Details.Metrics), r.Details.OddCounts, err); strings.Contains(shown, "geheim") {
			t.Errorf("%s", shown)
		}
	}
}

// TestKeysAreMasked: whole, in a part of a header, and where a message was cut within one.
func TestKeysAreMasked(t *testing.T) {
	a, bad := parseBase("http://user:pass%20wort@h?token=abc%2Fdefgh")
	if bad != nil {
		t.Fatal(bad)
	}
	s := a.secretsOf(&Options{Header: [][2]string{{"Cookie", `session=0123456789; theme="abcdefghij"`}, {"X-Two", "first-part second-part"}, {"User-Agent", "no secret here"}}})
	for text, want := range map[string]string{
		"pass wort, pass+wort, pass%20wort":         "***, ***, ***",
		"abc%2Fdefgh and abc/defgh":                 "*** and ***",
		"the key 01234567...":                       "the key ***...",
		`cut "01234..." and 0123456789 and pass wo`: `cut "***..." and *** and ***`,
		"abcdefghij first-part; second-part":        "*** ***; ***",
		"012 is no key, session is none":            "012 is no key, session is none",
		"no secret here":                            "no secret here",
		"":                                          "",
	} {
		if got := s.mask(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got := string(s.maskBytes([]byte(strings.ReplaceAll(text, "...", "")))); strings.HasSuffix(text, "pass wo") && !strings.HasSuffix(got, " ***") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestHideURL: another server than the one under load may repeat the secrets of its URL, too.
func TestHideURL(t *testing.T) {
	const at = "http://bob:hunter22@h/metrics?token=abcdefgh&x=1"
	got := HideURL(at+" answers 404 GET /metrics?token=abcdefgh Basic Ym9iOmh1bnRlcjIy, hunter22", at)
	if want := "http://bob:***@h/metrics?token=***&x=1 answers 404 GET /metrics?token=*** Basic ***, ***"; got != want {
		t.Errorf("%s", got)
	}
	if got := HideURL("no URL: ://x", "://x"); got != "no URL: ://x" {
		t.Errorf("%s", got)
	}
}

// FuzzSecrets: no text holds a key when it is masked, as it is or as JSON has it, and none ends
// with most of it.
func FuzzSecrets(f *testing.F) {
	f.Add("sk-0123456789", "key ", " is bad", 9)
	f.Add(`a"b\c é\n`, "", "...", 4)
	f.Add("aabaab", "aab", "aab", 3)
	f.Fuzz(func(t *testing.T, key, before, after string, cut int) {
		if len(key) < leastSecret || strings.ContainsAny(key, "*.") {
			return
		}
		s := address{base: &url.URL{}}.secretsOf(&Options{APIKey: &key})
		inJSON := string(pyjson.AppendString(nil, key))
		inJSON = inJSON[1 : len(inJSON)-1]
		text := before + key + after + inJSON
		if got := s.mask(text); strings.Contains(got, key) || strings.Contains(got, inJSON) {
			t.Errorf("%q of %q", got, key)
		}
		if got := string(s.maskBytes([]byte(text))); strings.Contains(got, key) || strings.Contains(got, inJSON) {
			t.Errorf("%q of %q", got, key)
		}
		if piece := key[:max(leastPiece, min(max(cut, 0), len(key)-1))]; strings.HasSuffix(s.mask(before+piece), piece) {
			t.Errorf("%q ends with the beginning of %q", s.mask(before+piece), key)
		}
	})
}
