package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// PerfMetrics reads the server's records of requests, GET /perf_metrics, which are gone from
// the server afterwards. A server that keeps none answers with an empty list; one that
// writes them to files has no such route, and that is an error here.
func (c *Client) PerfMetrics(ctx context.Context) ([]byte, error) {
	return c.Text(ctx, "/perf_metrics")
}

// Iterations reads the statistics of the engine's steps, GET /metrics, which are gone
// afterwards: how many there were, and the most requests in one.
func (c *Client) Iterations(ctx context.Context) (steps, peakActive int, err error) {
	const path = "/metrics"
	text, err := c.Text(ctx, path)
	if err != nil {
		return 0, 0, err
	}
	var all []struct {
		Active int `json:"numActiveRequests"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return 0, 0, fmt.Errorf("%s: %w: %s", c.url(path), err, excerpt(text))
	}
	for _, s := range all {
		peakActive = max(peakActive, s.Active)
	}
	return len(all), peakActive, nil
}

// Text reads the body of a path under the base URL. An answer other than 200 is an error.
func (c *Client) Text(ctx context.Context, path string) ([]byte, error) {
	r := c.get(ctx, c.ownPath(path), 30*time.Second)
	switch {
	case r.Err != nil:
		return nil, fmt.Errorf("%s: %w", c.url(path), r.Err)
	case r.Status != 200:
		return nil, fmt.Errorf("%s answers %d %s", c.url(path), r.Status, excerpt(r.Body))
	}
	return r.Body, nil
}
