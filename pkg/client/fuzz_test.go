package client

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"loadgen/internal/wire"
)

// FuzzRedirect: wherever an answer leads, the head is one of lines that end as they should,
// and another host gets none of the headers that may hold a key.
func FuzzRedirect(f *testing.F) {
	for _, location := range []string{"/other", "http://other/x?a=b c", "//other", "https://h/x", "http://h:80/", "http://h\r\nX: y", "http://a@h/\x00", "?q=\r\nX: y", "http://[::1]:9/%0d%0a", "ü"} {
		f.Add(location, uint16(307))
		f.Add(location, uint16(302))
	}
	from, _ := url.Parse("http://h/v1/completions")
	f.Fuzz(func(t *testing.T, location string, status uint16) {
		to, err := destination(from, location)
		if err != nil {
			return
		}
		p := &Prepared{Method: "POST", Target: "/v1/completions", Body: []byte("{}")}
		lines := [][2]string{{"Host", "h"}, {"Content-Type", "application/json"}, {"Authorization", "Bearer hunter2"}, {"X-Api-Key", "hunter2"}, {"K", "hunter2"}, {"Empty", ""}, {"Colon", "a: b"}, {"Content-Length", "2"}}
		p.head = wire.AppendRequestHead(nil, p.Method, p.Target, lines)
		q := follow(p, int(status), from, to)
		head := string(q.head)
		if to.Host != from.Host && strings.Contains(head, "hunter2") {
			t.Errorf("%q gets the key: %q", to, head)
		}
		sent := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
		if len(sent) != 1+len(q.Header()) || strings.ContainsAny(strings.Join(sent, ""), "\r\n\x00") {
			t.Errorf("%q becomes %q", location, head)
		}
		if !slices.Equal(p.Header(), lines) {
			t.Error("the first request was changed")
		}
	})
}

// FuzzRedact: of a URL and of a body, whatever they hold besides, no key is left.
func FuzzRedact(f *testing.F) {
	f.Add("user", "pass", "key", "/x")
	f.Add("", "", "", "")
	f.Add("a:b", "p@ss/#?", `k"&=\`, "//h/../?x=#")
	f.Fuzz(func(t *testing.T, user, password, key, path string) {
		u := url.URL{Scheme: "http", User: url.UserPassword(user, password), Host: "h", Path: "/" + path, RawQuery: url.Values{"api_key": {key}, "q": {path}}.Encode(), Fragment: key}
		text := Redact(u.String())
		shown, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if p, _ := shown.User.Password(); p != masked || shown.Query().Get("api_key") != masked || shown.Host != "h" || key != "" && shown.Fragment != masked {
			t.Errorf("%q becomes %q", &u, shown)
		}
		if again := Redact(text); again != text {
			t.Errorf("%q becomes %q the second time", text, again)
		}
		body, err := json.Marshal(map[string]any{"api_key": key, "in": map[string]any{"token": []any{password}}, "prompt": path})
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			Key    string `json:"api_key"`
			In     struct{ Token []string }
			Prompt string
		}
		if err := json.Unmarshal([]byte(RedactJSON(string(body))), &out); err != nil || out.Key != masked || out.In.Token[0] != masked {
			t.Errorf("%s: %+v, %v", body, out, err)
		}
	})
}
