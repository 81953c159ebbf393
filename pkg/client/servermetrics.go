package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ServerMetrics are the server's own records of requests and steps.
type ServerMetrics struct {
	Requests               []ServerTimes // in the order of their arrival
	Iterations, PeakActive int           // engine steps, and the most requests in one
}

// ServerTimes are instants of one request in seconds on the server's clock, and
// the blocks of the KV cache that its prompt found there or not.
type ServerTimes struct {
	Arrival, Scheduled, FirstToken, LastToken float64
	Reused, Missed                            int
}

// ServerMetrics reads /perf_metrics and /metrics, which are empty afterwards, and
// keeps the newest n requests: a server may note one before them late. A server
// that keeps no records answers with an empty list.
func (c *Client) ServerMetrics(ctx context.Context, n int) (*ServerMetrics, error) {
	var perf []struct {
		Metrics struct {
			Timing struct {
				Arrival    float64 `json:"arrival_time"`
				Scheduled  float64 `json:"first_scheduled_time"`
				FirstToken float64 `json:"first_token_time"`
				LastToken  float64 `json:"last_token_time"`
			} `json:"timing_metrics"`
			Cache struct {
				Reused int `json:"num_reused_blocks"`
				Missed int `json:"num_missed_blocks"`
			} `json:"kv_cache_metrics"`
		} `json:"perf_metrics"`
	}
	var steps []struct {
		Active int `json:"numActiveRequests"`
	}
	errPerf, errSteps := c.list(ctx, "/perf_metrics", &perf), c.list(ctx, "/metrics", &steps)
	if errPerf != nil && errSteps != nil {
		return nil, errors.Join(errPerf, errSteps)
	}
	out := &ServerMetrics{Iterations: len(steps)}
	for _, p := range perf {
		t := p.Metrics.Timing
		out.Requests = append(out.Requests, ServerTimes{t.Arrival, t.Scheduled, t.FirstToken, t.LastToken, p.Metrics.Cache.Reused, p.Metrics.Cache.Missed})
	}
	slices.SortStableFunc(out.Requests, func(a, b ServerTimes) int { return cmp.Compare(a.Arrival, b.Arrival) })
	out.Requests = out.Requests[max(len(out.Requests)-n, 0):]
	for _, s := range steps {
		out.PeakActive = max(out.PeakActive, s.Active)
	}
	return out, nil
}

// list reads a JSON array.
func (c *Client) list(ctx context.Context, path string, into any) error {
	r := c.get(ctx, c.ownPath(path), 30*time.Second)
	switch {
	case r.Err != nil:
		return fmt.Errorf("%s: %w", c.url(path), r.Err)
	case r.Status != 200:
		return fmt.Errorf("%s answers %d %s", c.url(path), r.Status, excerpt(r.Body))
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		return fmt.Errorf("%s: %w: %s", c.url(path), err, excerpt(r.Body))
	}
	return nil
}
