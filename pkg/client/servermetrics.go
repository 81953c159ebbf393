package client

import (
	"context"
	"fmt"
	"time"
)

// PerfMetrics reads the server's records of requests, GET /perf_metrics, which are gone from
// the server afterwards. A server that keeps none answers with an empty list; one that
// writes them to files has no such route, and that is an error here.
func (c *Client) PerfMetrics(ctx context.Context) ([]byte, error) {
	return c.Text(ctx, "/perf_metrics")
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
