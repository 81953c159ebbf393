package trtsim

import "time"

// Steps are a profile's engine without a server around it, for simulations that a server would make
// too long: no clock and no goroutine, the caller says what comes and when the next step is.
type Steps struct {
	e  *engine
	at time.Time
}

// NewSteps returns an engine that has nothing to do. Its profile has no costs of a host.
func NewSteps(p Profile, seed uint64) *Steps {
	p.HostCost = 0
	return &Steps{e: newEngine(p, seed)}
}

// Add queues a request of so many prompt and output tokens.
func (s *Steps) Add(id, prompt, output int) {
	s.e.wait = append(s.e.wait, &job{prompt: prompt, output: output, index: id})
}

// Busy reports whether there is a request to work on.
func (s *Steps) Busy() bool { return len(s.e.batch)+len(s.e.wait) > 0 }

// Made are the tokens that a step has made of a request, those of all steps, and whether it is
// complete.
type Made struct {
	ID, Tokens int
	Done       bool
}

// Step makes a step, and returns how long it takes and whose tokens are there at its end.
func (s *Steps) Step() (took time.Duration, made []Made) {
	took = s.e.next()
	s.at = s.at.Add(took)
	for _, h := range s.e.step(s.at) {
		made = append(made, Made{h.job.index, h.d.tokens, h.d.tokens == h.job.output})
	}
	return took, made
}
