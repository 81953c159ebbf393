package client

import (
	"reflect"
	"testing"

	"loadgen/pkg/dataset"
)

// TestStoredRequests: a request that was stored is the request that was prepared.
func TestStoredRequests(t *testing.T) {
	key := "k"
	for _, o := range []Options{
		{BaseURL: "http://h:1"},
		{BaseURL: "http://h:1", Chat: true, KeepAlive: true, APIKey: &key, Header: [][2]string{{"X-A", "b"}}, BodyPatch: `{"n": 2}`},
		{BaseURL: "https://h/v1", Endpoint: "/v1/completions?x=1", BodyPatch: `{"best_of": 3, "max_tokens": null}`},
	} {
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []dataset.Request{{Prompt: "a ☂", PromptLen: 7, OutputLen: 5}, {PromptLen: -1, LoRA: "l", IDs: []int{1, 2}}} {
			p, err := c.Prepare(r)
			if err != nil {
				t.Fatal(err)
			}
			data, _ := p.AppendBinary([]byte("before"))
			got, err := c.Restore(data[len("before"):])
			if err != nil || !reflect.DeepEqual(got, p) {
				t.Errorf("%v: %+v, want %+v", err, got, p)
			}
		}
	}
	c, _ := New(Options{BaseURL: "http://h:1"})
	if _, err := c.Restore([]byte{1, 2}); err == nil {
		t.Error("a request of two bytes")
	}
}
