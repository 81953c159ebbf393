package recording

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"time"

	"loadgen/internal/outfile"
	"loadgen/pkg/client"
)

// Spool holds the results of a run that has too many for memory: encoded, in a file that has
// no name, so that nothing is left of it when the program ends, whatever ends it. A goroutine
// of its own writes it, and no request waits for a disk: what is not written yet, or cannot
// be, stays in memory. Add is safe for concurrent use; reading begins after Finish.
//
// Its memory does not grow with the run: where each result is, is found out when the first is
// read.
type Spool struct {
	wake, done chan struct{}

	mu     sync.Mutex
	file   *os.File // nil without one
	err    error    // why there is none, or no more is written
	parts  []part
	n      int
	text   int // bytes of texts of the successes
	events int
	ending bool

	unread int
	why    error

	found  sync.Once
	places []place // by request, found when the first is read

	idle    []*spoolReader // that can be used again
	reading sync.Mutex
	one     *spoolReader // of single results
}

// part is some results, one after the other.
type part struct {
	data []byte // nil where they are in the file
	at   int64  // in the file
	size int
	n    int // results
}

// place is where a result is: its part, from 1, and where it begins and ends there.
type place struct{ part, from, to uint32 }

// partSize is how much is written at once.
const partSize = 1 << 20

// NewSpool returns a spool. Nothing is made before the first result comes.
func NewSpool() *Spool { return &Spool{} }

// start begins with the first result. The lock is held.
func (s *Spool) start() {
	s.parts = []part{{}}
	s.wake, s.done = make(chan struct{}, 1), make(chan struct{})
	go s.write()
}

// Add keeps a result, encoded, by its place in the plan.
func (s *Spool) Add(index int, r *client.Result) {
	record := encode(index, r)
	s.mu.Lock()
	if s.parts == nil {
		s.start()
	}
	last := &s.parts[len(s.parts)-1]
	if last.data == nil {
		last.data = make([]byte, 0, partSize+len(record)+binary.MaxVarintLen64)
	}
	last.data = append(binary.AppendUvarint(last.data, uint64(len(record))), record...)
	last.size = len(last.data)
	last.n++
	s.n++
	s.text += textBytes(r)
	s.events += len(r.Events)
	full := last.size >= partSize
	if full {
		s.parts = append(s.parts, part{})
	}
	s.mu.Unlock()
	if full {
		s.awaken()
	}
}

func (s *Spool) awaken() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Len is how many results there are.
func (s *Spool) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// Finish ends the writing, for which it waits ten seconds at most. The error is why results are in memory that should be in the file.
func (s *Spool) Finish() error {
	s.mu.Lock()
	s.ending = true
	begun := s.parts != nil
	s.mu.Unlock()
	if !begun {
		return nil
	}
	s.awaken()
	timer := time.NewTimer(stallLimit)
	defer timer.Stop()
	select {
	case <-s.done:
		return s.err
	case <-timer.C: // a write that hangs is left behind: what it writes is in memory
		return errSlowSpool
	}
}

var errSlowSpool = errors.New("the disk takes nothing")

// write writes the parts that are full, until the end or the first error.
func (s *Spool) write() {
	defer close(s.done)
	file, err := outfile.Temporary()
	at := int64(0)
	for next := 0; err == nil; {
		s.mu.Lock()
		s.file = file
		data, ending := s.parts[next].data, s.ending
		if next == len(s.parts)-1 { // it is not full yet
			data = nil
		}
		s.mu.Unlock()
		switch {
		case ending:
			return
		case data == nil:
			<-s.wake
			continue
		}
		if _, err = file.WriteAt(data, at); err == nil {
			s.mu.Lock()
			s.parts[next] = part{at: at, size: len(data), n: s.parts[next].n}
			s.mu.Unlock()
			at += int64(len(data))
			next++
		}
	}
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
}
