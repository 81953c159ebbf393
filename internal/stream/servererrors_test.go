package stream

import (
	"fmt"
	"strings"
	"testing"
)

// TestServerErrors goes through the forms of a server's own error, wherever it stands.
func TestServerErrors(t *testing.T) {
	const boom = "worker lost"
	objects := map[string]string{
		"error object":       `{"error":{"message":"worker lost","type":"server_error","code":500}}`,
		"error string":       `{"error":"worker lost"}`,
		"object error":       `{"object":"error","message":"worker lost","code":400}`,
		"detail":             `{"detail":"worker lost"}`,
		"detail list":        `{"detail":[{"loc":["body"],"msg":"worker lost"}]}`,
		"message and code":   `{"message":"worker lost","code":500}`,
		"status":             `{"status":"failed","reason":"worker lost"}`,
		"nested":             `{"error":{"error":{"message":"worker lost"}}}`,
		"type error":         `{"type":"error","error":{"message":"worker lost"}}`,
		"error without text": `{"error":{"code":"worker lost"}}`,
	}
	for name, object := range objects {
		for _, k := range apis {
			bodies := map[string]string{"alone": k.wrap(object)}
			if k.streaming {
				first := fmt.Sprintf("data: {\"choices\":[%s]}\n\n", k.choice(0, "a", "", ""))
				bodies = map[string]string{
					"first":             k.wrap("data: " + object + "\n\n" + done),
					"after text":        k.wrap(first + "data: " + object + "\n\n" + done),
					"at the end":        k.wrap(first + "data: " + object + "\n\n"),
					"without data:":     k.wrap(first + object + "\n\n"),
					"as the whole body": k.wrap(object),
					"named":             k.wrap(first + "event: error\ndata: " + object + "\n\n" + done),
					"named afterwards":  k.wrap(first + "data: " + object + "\nevent: error\n\n" + done),
				}
			}
			for where, text := range bodies {
				for _, n := range []int{1, 1 << 20} {
					a := feed(text, n, k.options())
					if class(a) != ErrorEvent || !strings.Contains(a.Err.Message, boom) || !strings.Contains(string(a.Body), boom) {
						t.Errorf("%s, %s, %s: %v, kept %q", name, k.name, where, a.Err, a.Body)
					}
					if strings.Contains(text, `"a"`) && string(a.Text) != "a" {
						t.Errorf("%s, %s, %s: the timeline before is lost", name, k.name, where)
					}
				}
			}
		}
	}
	// Beside choices, and within one.
	for _, value := range []string{`"worker lost"`, `{"message":"worker lost"}`} {
		for _, k := range apis {
			for where, text := range map[string]string{"beside": k.answer("stop", `,"error":`+value, ""), "within": k.answer("error", "", `,"error":`+value)} {
				a := feed(text, 1<<20, k.options())
				if class(a) != ErrorEvent || a.Err.Message != "error_event: the server says: "+boom || string(a.Text) != "ab" {
					t.Errorf("%s, %s choices: %v %q", k.name, where, a.Err, a.Text)
				}
			}
			for _, no := range []string{"null", "false", `""`, "{}", "[]"} {
				if a := feed(k.answer("stop", `,"error":`+no, `,"error":`+no), 1<<20, k.options()); a.Err != nil {
					t.Errorf("%s, error %s: %v", k.name, no, a.Err)
				}
			}
		}
	}
}

// TestErrorLines: SSE has several ways to say that something failed without JSON.
func TestErrorLines(t *testing.T) {
	first := "data: " + event("a") + "\n\n"
	for name, lines := range map[string]string{
		"comment":            "event: error\n: worker lost\n\n",
		"comment before":     ": worker lost\nevent: error\n\n",
		"text":               "event: error\ndata: worker lost\n\n",
		"text before":        "data: worker lost\nevent: error\n\n",
		"two lines":          "event: error\ndata: worker\ndata: worker lost\n\n",
		"field":              "error: worker lost\n\n",
		"field with JSON":    "error: {\"message\":\"worker lost\"}\n\n",
		"capitals":           "event: Error\ndata: worker lost\n\n",
		"no blanks":          "event:error\ndata:worker lost\n\n",
		"without blank line": "event: error\ndata: worker lost\n",
	} {
		for _, end := range []string{done, ""} {
			for _, n := range []int{1, 5, 1 << 20} {
				a := feed(sseHead+first+lines+end, n, completions(Strict))
				if class(a) != ErrorEvent || !strings.Contains(a.Err.Message, "worker lost") || string(a.Text) != "a" || len(a.Events) != 1 {
					t.Errorf("%s, then %q: %v, %d events", name, end, a.Err, len(a.Events))
				}
			}
		}
	}
	for name, text := range map[string]string{
		"no end, other lines": first + "Internal Server Error\n",
		"not JSON":            first + "data: Internal Server Error\n\n",
	} {
		a := feed(sseHead+text, 1<<20, completions(Strict))
		if a.Err == nil || !strings.Contains(a.Err.Message, "Internal Server Error") {
			t.Errorf("%s: %v", name, a.Err)
		}
	}
	for name, lines := range map[string]string{"keep-alive": "data: {}\n\n", "ping": `data: {"type":"ping"}` + "\n\n", "a named event": "event: metrics\ndata: {\"queue\":3}\n\n", "no choices": `data: {"choices":[],"prompt_filter_results":[]}` + "\n\n"} {
		if a := feed(sseHead+lines+first+lines+done, 1<<20, completions(Strict)); a.Err != nil {
			t.Errorf("%s: %v", name, a.Err)
		}
	}
}
