package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"loadgen/internal/recording"
	"loadgen/internal/server"
	"loadgen/pkg/client"
)

// servers are the clients of all servers that the requests are spread over; the first is the
// one that the requests were prepared for. It is a load.Doer, and safe for concurrent use.
type servers struct {
	all   []*client.Client
	least bool // the one with the fewest requests under way gets a request; else its result says which

	mu       sync.Mutex
	next     int // of those with as few
	underWay []int
}

// inTurn is the server of a request by its place in the plan, or of a probe by its number. It
// does not depend on when others were sent, nor on who sends which.
func (s *servers) inTurn(place int) int { return place % len(s.all) }

// Now is the clock of all.
func (s *servers) Now() time.Duration { return s.all[0].Now() }

// Do sends a request to its server.
func (s *servers) Do(ctx context.Context, p *client.Prepared, r *client.Result) {
	if s.least {
		r.Server = s.take()
		defer s.free(r.Server)
	}
	k := r.Server
	if k > 0 {
		p = s.all[k].Address(p)
	}
	s.all[k].Do(ctx, p, r)
}

// take is the server with the fewest requests of this process under way. Of those with as few,
// the one whose turn it is gets it.
func (s *servers) take() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.next
	for i := 1; i < len(s.all); i++ {
		if j := (s.next + i) % len(s.all); s.underWay[j] < s.underWay[k] {
			k = j
		}
	}
	s.underWay[k]++
	s.next = (k + 1) % len(s.all)
	return k
}

func (s *servers) free(k int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay[k]--
}

// counts are the requests under way at all servers, and the events that have come from them.
func (s *servers) counts() (requests, chunks int64) {
	for _, c := range s.all {
		r, n := c.UnderWay()
		requests, chunks = requests+r, chunks+n
	}
	return requests, chunks
}

// connectAll makes the clients of all servers, waits until each is ready if asked to, and has
// each name the model that the first does.
func (b *Bench) connectAll(ctx context.Context, model string) error {
	b.servers = &servers{all: []*client.Client{b.client}, least: b.s.Balance == leastInFlight}
	for _, url := range b.urls[1:] {
		c, err := b.client.To(url)
		if err != nil {
			return err
		}
		b.servers.all = append(b.servers.all, c)
		if b.s.DryRun || b.s.Model != nil { // which the user answers for
			continue
		}
		if err := b.waitReady(ctx, c); err != nil {
			return err
		}
		switch other, err := c.Model(ctx); {
		case err != nil:
			return err
		case other != model:
			return wrong("base_url", fmt.Sprintf("%s serves the model %s, and %s serves %s: requests can be spread over servers of one model only", client.Redact(b.urls[0]), model, client.Redact(url), other))
		}
	}
	b.servers.underWay = make([]int, len(b.servers.all))
	b.servers.next = b.o.Ranks.Index % len(b.servers.all) // ranks do not all begin with the same
	return nil
}

// awaitServer waits until the first server is ready, once, if asked to.
func (b *Bench) awaitServer(ctx context.Context) error {
	if b.awaited {
		return nil
	}
	b.awaited = true
	return b.waitReady(ctx, b.client)
}

// awaitServers waits for all servers of a named model, those of another having been asked for it.
func (b *Bench) awaitServers(ctx context.Context) error {
	if b.s.Model == nil {
		return nil
	}
	if err := b.awaitServer(ctx); err != nil {
		return err
	}
	for _, c := range b.servers.all[1:] {
		if err := b.waitReady(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// waitReady waits until a server is ready, if asked to.
func (b *Bench) waitReady(ctx context.Context, c *client.Client) error {
	if b.s.WaitReady <= 0 || b.s.DryRun {
		return nil
	}
	limit := recording.Seconds(b.s.WaitReady)
	defer b.wait("", 0)
	return c.WaitReady(ctx, limit, func(url string, why error) { b.wait(fmt.Sprintf("waiting for %s: %s", url, server.Reason(why)), limit) })
}

// The ways to spread requests over servers.
const (
	roundRobin    = "round-robin"
	leastInFlight = "least-in-flight"
)

// checkServers checks what is asked of several servers.
func checkServers(s *recording.Settings) error {
	urls := client.SplitURLs(recording.Text(s.BaseURL))
	several := s.Sim == nil && len(urls) > 1
	switch {
	case s.Balance != roundRobin && s.Balance != leastInFlight:
		return wrong("balance", fmt.Sprintf("%q is neither %s nor %s", s.Balance, roundRobin, leastInFlight))
	case s.Balance != roundRobin && !several:
		return wrong("balance", "there is one server, so that there is nothing to spread: give several base URLs")
	case !several:
		return nil
	case s.Profile:
		return wrong("profile", "the profiler of one server is switched: give one base URL")
	case s.Wanted().Asked:
		return wrong("base_url", "the records of one server are read (its metrics, its request times): give one base URL, or do not ask for them")
	}
	seen := map[string]bool{}
	for _, url := range urls {
		if plain := strings.TrimRight(url, "/"); seen[plain] {
			return wrong("base_url", fmt.Sprintf("%s is given twice", client.Redact(plain)))
		} else {
			seen[plain] = true
		}
	}
	return nil
}
