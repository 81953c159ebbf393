package bench

import (
	"fmt"
	"strings"

	"loadgen/internal/plain"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// Failure is a request that failed, with what helps to find out why.
type Failure struct {
	Err    *client.Error
	Status int    // of the answer, 0 for none
	Body   string // of the answer, cut
	Base   string // the server's URL, without secrets
	URL    string // where the request was sent, without secrets
	Moved  string // where it was redirected to, without secrets; "" where it was not
	// PromptLen and OutputLen are the tokens that it sent and asked for.
	PromptLen, OutputLen int
}

// failure describes the failure of a request, whose lengths are those that were planned.
func (b *Bench) failure(r *client.Result, planned recording.Planned) Failure {
	return Failure{Err: r.Err, Status: r.Status, Body: plain.Line(strings.TrimSpace(string(r.Body[:min(len(r.Body), 2000)]))),
		Base: client.Redact(b.urls[r.Server]), URL: b.servers.all[r.Server].RequestURL(), Moved: plain.Line(client.Redact(r.Location)),
		PromptLen: planned.PromptLen, OutputLen: planned.OutputLen}
}

// FirstFailure is the first request of a run that failed, nil where none did: where the server
// said nothing, the first of its class of which it said something.
func (b *Bench) FirstFailure(rec *recording.Recording) *Failure {
	var first *Failure
	for i, r := range rec.All() {
		if r.Err == nil || first != nil && r.Err.Class != first.Err.Class {
			continue
		}
		f := b.failure(r, rec.Planned[i])
		if f.Body != "" {
			return &f
		}
		if first == nil {
			first = &f
		}
	}
	return first
}

// TestFailed is the error of a test request that failed.
type TestFailed struct{ Failure }

// Error is the original's message, and what the server says.
func (e *TestFailed) Error() string {
	text := "Initial test run failed - Please make sure benchmark arguments are correctly specified. Error: " + plain.Line(e.Err.Message)
	if e.Body != "" {
		text += fmt.Sprintf("\nthe server says (%d): %s", e.Status, e.Body)
	}
	return text
}
