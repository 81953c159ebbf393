package client

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"loadgen/internal/stream"
	"loadgen/internal/wire"
)

// get asks for a path under the base URL.
func (c *Client) get(ctx context.Context, path string, limit time.Duration) *Result {
	return c.fetch(ctx, path, limit, stream.Limits{})
}

// fetch is get with limits on the answer.
func (c *Client) fetch(ctx context.Context, path string, limit time.Duration, most stream.Limits) *Result {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	target := c.root(path)
	if strings.HasPrefix(strings.TrimPrefix(path, "/"), "v1/") {
		target = c.target(path)
	}
	p := &Prepared{Method: "GET", Target: target}
	c.setHeader(p, false)
	var r Result
	c.do(ctx, p, &r, stream.Options{Raw: true, Limits: most})
	// The transport may notice the deadline first, as that of its read.
	if r.Err != nil && (ctx.Err() == context.DeadlineExceeded || c.o.IdleTimeout == 0 && r.Err.Class == wire.IdleTimeout) {
		r.Err = &Error{Class: "timeout", Message: fmt.Sprintf("timeout: no answer within %v", limit), Cause: ctx.Err()}
	}
	return &r
}

// url is the path of a request of our own under the base URL, for messages.
func (c *Client) url(path string) string {
	target := c.root(c.ownPath(path))
	if strings.HasPrefix(path, "/v1/") {
		target = c.target(c.ownPath(path))
	}
	return c.shown(target)
}

// shown is the URL of a request target, without secrets.
func (c *Client) shown(target string) string {
	if c.to.Unix != "" {
		return Redact("unix:" + c.to.Unix + " " + target)
	}
	at := url.URL{Scheme: c.base.Scheme, User: c.base.User, Host: c.base.Host}
	return Redact(at.String() + target)
}

// ownPath keeps a base URL that ends in a slash from doubling it in requests
// that the original does not make.
func (c *Client) ownPath(path string) string {
	if strings.HasSuffix(c.base.Path, "/") {
		return path[1:]
	}
	return path
}

// Model is the first model that the server lists.
func (c *Client) Model(ctx context.Context) (string, error) {
	const path = "/v1/models"
	r := c.get(ctx, c.ownPath(path), 30*time.Second)
	var list struct{ Data []struct{ ID string } }
	switch {
	case r.Err != nil && context.Cause(ctx) != nil:
		return "", context.Cause(ctx)
	case r.Err == c.badURL && r.Err != nil:
		return "", r.Err
	case r.Err != nil:
		return "", &Problem{Code: "no_server", Err: fmt.Errorf("no server at %s: %w", c.url(path), r.Err)}
	case r.Status != 200:
		return "", &Problem{Code: "no_model", Status: r.Status, Err: fmt.Errorf("%s answers %d %s: %s", c.url(path), r.Status, r.Reason, excerpt(r.Body))}
	}
	if err := json.Unmarshal(r.Body, &list); err != nil {
		return "", &Problem{Code: "no_model", Err: fmt.Errorf("%s does not answer as an OpenAI-style server does (%w): %s", c.url(path), err, excerpt(r.Body))}
	}
	for _, m := range list.Data {
		if m.ID != "" {
			return m.ID, nil
		}
	}
	return "", &Problem{Code: "no_model", Err: fmt.Errorf("%s lists no model", c.url(path))}
}

// VocabSize is the number of token ids that the server's list of models has for a model
// (llama.cpp's meta.n_vocab), 0 where it does not say. An empty model is the first.
func (c *Client) VocabSize(ctx context.Context, model string) int {
	r := c.get(ctx, c.ownPath("/v1/models"), 30*time.Second)
	var list struct {
		Data []struct {
			ID   string
			Meta struct {
				Vocab int `json:"n_vocab"`
			}
		}
	}
	if r.Err != nil || r.Status != 200 || json.Unmarshal(r.Body, &list) != nil {
		return 0
	}
	for _, m := range list.Data {
		if n := m.Meta.Vocab; (m.ID == model || model == "") && 0 < n && n <= math.MaxInt32 {
			return n
		}
	}
	return 0
}

// excerpt cuts a body for a message.
func excerpt(body []byte) string {
	const limit = 300
	text := strings.ToValidUTF8(strings.TrimSpace(string(body)), "\uFFFD")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return fmt.Sprintf("%q", text)
}

// WaitReady polls /health, once a second, until it answers 200, for at most limit. Waiting
// is called after each try that failed, with the URL and the reason; nil is not called.
func (c *Client) WaitReady(ctx context.Context, limit time.Duration, waiting func(url string, why error)) error {
	const path = "/health"
	inner, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		began := c.clock.Now()
		r := c.get(inner, c.ownPath(path), min(limit, 10*time.Second))
		cutShort := r.Err != nil && r.Err.Class == wire.Timeout && c.clock.Now()-began < min(limit, 10*time.Second)
		switch {
		case r.Err == nil && r.Status == 200:
			return nil
		case r.Err == c.badURL && r.Err != nil:
			return r.Err
		case r.Err == nil:
			last = fmt.Errorf("it answers %d %s", r.Status, excerpt(r.Body))
		case !cutShort || last == nil:
			last = r.Err
		}
		if waiting != nil {
			waiting(c.url(path), last)
		}
		select {
		case <-inner.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return &Problem{Code: "not_ready", Err: fmt.Errorf("%s is not ready after %v: %w", c.url(path), limit, last)}
		case <-time.After(min(time.Second, limit)):
		}
	}
}

// StartProfile and StopProfile switch the server's profiler; like the
// original, they send the body of the test request. They report whether it worked.
func (c *Client) StartProfile(ctx context.Context, test *Prepared) bool {
	return c.profile(ctx, test, "/start_profile", false)
}

// StopProfile ends what StartProfile began.
func (c *Client) StopProfile(ctx context.Context, test *Prepared) bool {
	return c.profile(ctx, test, "/stop_profile", true)
}

func (c *Client) profile(ctx context.Context, test *Prepared, path string, closes bool) bool {
	p := &Prepared{Method: "POST", Target: c.root(path), Body: test.Body}
	c.setHeader(p, closes && !c.o.KeepAlive)
	var r Result
	o := stream.Options{Streaming: !c.o.NonStreaming, Mode: stream.Original, Limits: c.o.Limits.of(test)}
	if c.o.Chat {
		o.API = stream.Chat
	}
	c.do(ctx, p, &r, o)
	return r.Err == nil
}

// EnergyReading is an answer of /energy_metrics.
type EnergyReading struct {
	TotalJoules float64
	// Whole reports whether the server wrote the joules as a whole number.
	Whole     bool
	QueryTime float64 // seconds
}

// Energy asks for the server's energy meter; nil where there is none. Like the
// original, it takes JSON for JSON by the content type alone.
func (c *Client) Energy(ctx context.Context) *EnergyReading {
	r := c.get(ctx, "/energy_metrics", 30*time.Second)
	if r.Err != nil || r.Status != 200 || !strings.HasPrefix(strings.ToLower(r.ContentType), "application/json") {
		return nil
	}
	var e struct {
		Joules json.Number `json:"total_energy_j"`
		Time   *float64    `json:"query_time"`
	}
	if json.Unmarshal(r.Body, &e) != nil || e.Time == nil {
		return nil
	}
	joules, err := e.Joules.Float64()
	if err != nil {
		return nil
	}
	return &EnergyReading{TotalJoules: joules, Whole: !strings.ContainsAny(e.Joules.String(), ".eE"), QueryTime: *e.Time}
}
