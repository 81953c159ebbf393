package compare

import "time"

// mean is the mean of durations, each with a weight.
type mean struct {
	sum   time.Duration
	count int
}

func (m *mean) add(d time.Duration, count int) { m.sum, m.count = m.sum+d, m.count+count }

// of returns the mean times n.
func (m mean) of(n int) time.Duration {
	if m.count == 0 {
		return 0
	}
	return time.Duration(float64(m.sum) / float64(m.count) * float64(n))
}

// pace is how long the parts of a comparison have taken so far: starts and stops of
// servers, and the requests, apart, since one start may take longer than a thousand
// requests.
type pace struct {
	starts, stops map[int]*mean  // by server
	requests      map[unit]*mean // by server and concurrency, repeat 0
}

func newPace() *pace {
	return &pace{map[int]*mean{}, map[int]*mean{}, map[unit]*mean{}}
}

func addTo[K comparable](m map[K]*mean, key K, d time.Duration, count int) {
	if m[key] == nil {
		m[key] = &mean{}
	}
	m[key].add(d, count)
}

func (p *pace) started(server int, took time.Duration) { addTo(p.starts, server, took, 1) }
func (p *pace) stopped(server int, took time.Duration) { addTo(p.stops, server, took, 1) }

// sent notes a run of so many requests, those that warm up included.
func (p *pace) sent(u unit, took time.Duration, requests int) {
	u.repeat = 0
	addTo(p.requests, u, took, requests)
}

// once is how long a server's start or stop takes: as its own did, else as others'.
func once(of map[int]*mean, server int) time.Duration {
	if m := of[server]; m != nil {
		return m.of(1)
	}
	var all mean
	for _, m := range of {
		all.add(m.sum, m.count)
	}
	return all.of(1)
}

// run is how long a run of so many requests takes: as those of the same server and
// concurrency did, else of that concurrency, else of the nearest.
func (p *pace) run(u unit, requests int) time.Duration {
	u.repeat = 0
	if m := p.requests[u]; m != nil {
		return m.of(requests)
	}
	var near mean
	nearest := -1
	for other, m := range p.requests {
		d := max(other.load-u.load, u.load-other.load)
		switch {
		case nearest < 0 || d < nearest:
			near, nearest = *m, d
		case d == nearest:
			near.add(m.sum, m.count)
		}
	}
	return near.of(requests)
}

// known reports whether anything can be said of the time left.
func (p *pace) known() bool { return len(p.requests) > 0 }
