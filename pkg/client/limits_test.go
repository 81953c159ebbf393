package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"loadgen/pkg/dataset"
)

// TestContradictions: a count that what came cannot be true of is a failure, one that
// is merely high is not.
func TestContradictions(t *testing.T) {
	for _, c := range []struct {
		name      string
		count     int
		text      string
		reasoning int
		want      Class
	}{
		{"as asked", 8, "abcdefgh", 0, ""},
		{"a million", 1_000_000, "abcdefgh", 0, ImpossibleCount},
		{"2^31", 1 << 31, "abcdefgh", 0, ImpossibleCount},
		{"7 too many", 15, "abcdefgh", 0, ""},
		{"1,024 delivered", 1024, strings.Repeat("abc", 1024), 0, ""},
		{"hidden reasoning", 2008, "abcdefgh", 2000, ""},
		{"hidden reasoning of 100,000", 100_008, "abcdefgh", 100_000, ""},
		{"hidden reasoning beyond all budgets", 1 << 31, "abcdefgh", 1<<31 - 8, ImpossibleCount},
		{"hidden reasoning below zero", 8, "abcdefgh", -1 << 40, ""},
		{"unknown", -1, "abcdefgh", 0, ""},
		{"none", 0, "abcdefgh", 0, ""},
	} {
		for _, original := range []bool{false, true} {
			s := &server{answer: func(int, *http.Request) string {
				return fmt.Sprintf("HTTP/1.1 200 OK\r\n\r\ndata: {\"choices\":[{\"text\":%q,\"finish_reason\":\"length\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"completion_tokens\":%d,\"completion_tokens_details\":{\"reasoning_tokens\":%d}}}\n\ndata: [DONE]\n\n", c.text, c.count, c.reasoning)
			}}
			client := s.client(t, Options{OriginalRules: original})
			p, _ := client.Prepare(dataset.Request{Prompt: "x", OutputLen: 8})
			var r Result
			client.Do(context.Background(), p, &r)
			got, want := Class(""), c.want
			if r.Err != nil {
				got = r.Err.Class
			}
			if original {
				want = ""
			}
			if got != want || (r.ContradictsCount(8) != "") != (c.want != "") {
				t.Errorf("%s, original %v: %v", c.name, original, r.Err)
			}
		}
	}
}

// TestCandidates: a server may count all choices of which it sends the best.
func TestCandidates(t *testing.T) {
	for patch, want := range map[string]Class{`{}`: ImpossibleCount, `{"best_of":20}`: "", `{"n":20}`: "", `{"best_of":20,"n":2}`: "", `{"best_of":1}`: ImpossibleCount, `{"best_of":null}`: ImpossibleCount} {
		s := &server{answer: func(int, *http.Request) string {
			body := `{"choices":[{"index":0,"text":"abcdefgh","finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":160}}`
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}}
		client := s.client(t, Options{NonStreaming: true, BodyPatch: patch})
		p, err := client.Prepare(dataset.Request{Prompt: "x", OutputLen: 8})
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		client.Do(context.Background(), p, &r)
		got := Class("")
		if r.Err != nil {
			got = r.Err.Class
		}
		if got != want {
			t.Errorf("%s: %v", patch, r.Err)
		}
	}
}
