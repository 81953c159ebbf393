package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
	"loadgen/pkg/metrics"
)

// A program of its own that sends ten requests, three at a time, and prints what the
// server did. Its latencies are views of each Result's timeline.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(completions))
	defer server.Close()

	model := "example"
	c, err := client.New(client.Options{BaseURL: server.URL, Model: &model, UserAgent: "example/1", Timeout: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	// Bodies are rendered before the clock starts.
	requests := make([]*client.Prepared, 10)
	for i := range requests {
		if requests[i], err = c.Prepare(dataset.Request{Prompt: fmt.Sprintf("Count to %d.", i), PromptLen: 5, OutputLen: 4}); err != nil {
			fmt.Println(err)
			return
		}
	}

	// Three workers take the next request each; a result has a place of its own.
	results := make([]client.Result, len(requests))
	next := make(chan int)
	var workers sync.WaitGroup
	for range 3 {
		workers.Go(func() {
			for i := range next {
				c.Do(context.Background(), requests[i], &results[i])
			}
		})
	}
	for i := range requests {
		next <- i
	}
	close(next)
	workers.Wait()

	tokens, inOrder := 0, true
	for i := range results {
		r := &results[i]
		if r.Err != nil {
			fmt.Printf("request %d failed (%s): %v\n", i, r.Err.Class, r.Err)
			continue
		}
		tokens += r.SeenUsage.Completion
		first, last := time.Duration(0), time.Duration(0)
		for span := range (metrics.Rule{}).Of(r).Spans {
			switch span.Metric {
			case metrics.TTFT:
				first = span.Length()
			case metrics.E2EL:
				last = span.Length()
			}
		}
		inOrder = inOrder && 0 < first && first <= last
	}
	fmt.Println(len(results), "requests,", tokens, "tokens; TTFT before E2EL:", inOrder)
	fmt.Printf("the last said %q, finished by %s, and its model is %s\n", results[9].Text, results[9].FinishReason, results[9].Model)
	// Output:
	// 10 requests, 40 tokens; TTFT before E2EL: true
	// the last said "1 2 3 4 ", finished by length, and its model is example
}

// completions answers as servers do: an event for each token, then the usage.
func completions(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 4 {
		reason := "null"
		if i == 3 {
			reason = `"length"`
		}
		fmt.Fprintf(w, "data: {\"id\":\"cmpl-1\",\"model\":\"example\",\"choices\":[{\"index\":0,\"text\":\"%d \",\"finish_reason\":%s}]}\n\n", i+1, reason)
		w.(http.Flusher).Flush()
	}
	fmt.Fprint(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n")
}
