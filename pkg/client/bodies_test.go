package client

import (
	"strings"
	"testing"

	"loadgen/pkg/dataset"
)

// TestBodiesOfDataSets: images, messages and further members of a body.
func TestBodiesOfDataSets(t *testing.T) {
	for _, c := range []struct {
		chat    bool
		request dataset.Request
		want    string
	}{
		{true, dataset.Request{Prompt: "p", Images: []string{"u1", "u2"}}, `"messages": [{"role": "user", "content": [{"type": "text", "text": "p"}, {"type": "image_url", "image_url": {"url": "u1"}}, {"type": "image_url", "image_url": {"url": "u2"}}]}]`},
		{true, dataset.Request{Messages: []dataset.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "u"}}}, `"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]`},
		{true, dataset.Request{IDs: []int{1}, Images: []string{"u1"}}, `"messages": []`},
		{false, dataset.Request{Prompt: "p", Fields: []dataset.Field{{Name: "stop", JSON: `["x"]`}}}, `"stop": ["x"]`},
		{false, dataset.Request{Prompt: "p", Fields: []dataset.Field{{Name: "temperature", JSON: "0.7"}}}, `"prompt": "p", "temperature": 0.7, "repetition`},
	} {
		client, err := New(Options{BaseURL: "http://127.0.0.1:1", Endpoint: "/v1/completions", Chat: c.chat})
		if err != nil {
			t.Fatal(err)
		}
		p, err := client.Prepare(c.request)
		if err != nil || !strings.Contains(string(p.Body), c.want) {
			t.Errorf("%v\n%s\nlacks %s", err, p.Body, c.want)
		}
	}
}
