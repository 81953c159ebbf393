package client

import (
	"context"
	"fmt"
	"time"

	"loadgen/internal/stream"
)

// PerfMetrics reads the server's records of requests, GET /perf_metrics, which are gone from
// the server afterwards. A server that keeps none answers with an empty list; one that
// writes them to files has no such route, and that is an error here, as is an answer of
// more than most bytes.
func (c *Client) PerfMetrics(ctx context.Context, most int) ([]byte, error) {
	return c.text(ctx, "/perf_metrics", 2*time.Minute, stream.Limits{Body: max(most, 1)})
}

// Text reads the body of a path under the base URL. An answer other than 200 is an error.
func (c *Client) Text(ctx context.Context, path string) ([]byte, error) {
	return c.text(ctx, path, 30*time.Second, stream.Limits{})
}

func (c *Client) text(ctx context.Context, path string, limit time.Duration, most stream.Limits) ([]byte, error) {
	r := c.fetch(ctx, c.ownPath(path), limit, most)
	switch {
	case r.Err != nil:
		return nil, fmt.Errorf("%s: %w", c.url(path), r.Err)
	case r.Status != 200:
		return nil, fmt.Errorf("%s answers %d %s", c.url(path), r.Status, excerpt(r.Body))
	}
	return r.Body, nil
}
