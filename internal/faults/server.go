// Package faults is a hostile OpenAI-style server: a catalogue of what servers, proxies and
// networks do wrong, one fault at a time, between good answers whose true times it notes.
// It takes connections on loopback and gives faults by name; it never judges what a client
// makes of them, except by the outcome that the catalogue states.
package faults

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// What a good answer is like.
const (
	TTFT   = 20 * time.Millisecond
	Gap    = 5 * time.Millisecond
	Tokens = 8
)

// Fault is one thing that goes wrong with an answer.
type Fault struct {
	Name string
	// Stream and Whole are the outcomes under the strict rule of answers that are streamed
	// and that come whole.
	Stream, Whole Outcome
	serve         func(x *Exchange) error
}

// Outcome is what a client should make of a fault.
type Outcome uint8

// The outcomes. Either is for faults whose effect depends on the client's timing.
const (
	Fails Outcome = iota
	Succeeds
	Either
)

// Truth is when a good answer was really sent, since its request had been read.
type Truth struct {
	First time.Duration
	Gaps  []time.Duration
}

// Server serves a fault to every N-th request and good answers to the others.
type Server struct {
	mix      []Fault // in turn
	every    int
	listener net.Listener
	all      sync.WaitGroup
	quit     chan struct{}

	mu     sync.Mutex
	posts  int
	faulty int
	// least and most are how many of the faulty ones may succeed: streamed and whole answers.
	least, most [2]int
	truth       []Truth
	conns       map[net.Conn]bool
}

// Start serves the fault to request N-1, 2N-1, ... on a free port of 127.0.0.1.
func Start(fault Fault, every int) (*Server, error) {
	return StartAt("127.0.0.1:0", fault, every)
}

// StartAt is Start at an address of loopback.
func StartAt(address string, fault Fault, every int) (*Server, error) {
	return StartMix(address, []Fault{fault}, every)
}

// StartMix is StartAt with several faults, which come in turn.
func StartMix(address string, mix []Fault, every int) (*Server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{mix: mix, every: every, listener: l, quit: make(chan struct{}), conns: map[net.Conn]bool{}}
	s.all.Go(s.accept)
	return s, nil
}

// URL is the server's.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Count returns how many requests came, and how many of them got the fault.
func (s *Server) Count() (posts, faulty int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts, s.faulty
}

// Bounds returns how many of the requests that got a fault must have succeeded at least, and
// can have at most.
func (s *Server) Bounds(whole bool) (least, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := 0
	if whole {
		k = 1
	}
	return s.least[k], s.most[k]
}

// Truth returns the times of the good answers.
func (s *Server) Truth() []Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Truth(nil), s.truth...)
}

// Close ends the server, whatever it is sending.
func (s *Server) Close() error {
	close(s.quit)
	err := s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
	return err
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.all.Go(func() {
			_ = s.serve(c) // a client that leaves is no news
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
			c.Close()
		})
	}
}

// errGone ends a connection on purpose.
var errGone = errors.New("the fault ended the connection")

func (s *Server) serve(c net.Conn) error {
	in := bufio.NewReaderSize(c, 64<<10)
	for {
		x, err := s.read(c, in)
		if err != nil {
			return err
		}
		if err := x.answer(); err != nil {
			return err
		}
		if x.closes {
			return nil
		}
	}
}

// read reads a request.
func (s *Server) read(c net.Conn, in *bufio.Reader) (*Exchange, error) {
	r, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	x := &Exchange{server: s, conn: c, in: in, method: r.Method, target: r.RequestURI, closes: r.Close, read: time.Now()}
	x.Chat = strings.Contains(x.target, "chat")
	var asked struct{ Stream bool }
	_ = json.Unmarshal(body, &asked) // a body that is none asks for no stream
	x.Stream = asked.Stream
	if x.method == http.MethodPost && !x.again() {
		s.mu.Lock()
		s.posts++
		if x.faulty = s.posts%s.every == 0; x.faulty {
			x.fault = s.mix[s.faulty%len(s.mix)]
			s.faulty++
			s.note(x.fault)
		}
		s.mu.Unlock()
	} else if x.again() {
		x.fault = s.mix[max(slices.IndexFunc(s.mix, func(f Fault) bool { return f.Name == redirectLoop }), 0)]
	}
	return x, nil
}

// note counts what may succeed of a fault. The lock is held.
func (s *Server) note(f Fault) {
	for k, o := range [...]Outcome{f.Stream, f.Whole} {
		if o == Succeeds {
			s.least[k]++
		}
		if o != Fails {
			s.most[k]++
		}
	}
}

// Exchange is one request and the connection to answer it on.
type Exchange struct {
	Chat, Stream bool

	server         *Server
	conn           net.Conn
	in             *bufio.Reader
	method, target string
	closes, faulty bool
	fault          Fault
	read           time.Time
}

// again reports whether a redirect of the fault's led the request here.
func (x *Exchange) again() bool { return strings.HasSuffix(x.target, "?fault") }

func (x *Exchange) answer() error {
	switch {
	case x.faulty || x.again():
		return x.fault.serve(x)
	case x.method == http.MethodPost:
		return x.good()
	case strings.HasPrefix(x.target, "/v1/models"):
		return x.whole("200 OK", "application/json", `{"object":"list","data":[{"id":"m"}]}`)
	}
	return x.whole("404 Not Found", "application/json", `{"detail":"Not Found"}`)
}

// good answers as a server should, and notes when.
func (x *Exchange) good() error {
	x.sleep(time.Until(x.read.Add(TTFT)))
	first := time.Now()
	t := Truth{First: first.Sub(x.read)}
	if !x.Stream {
		if err := x.whole("200 OK", "application/json", x.wholeBody()); err != nil {
			return err
		}
	} else if err := x.goodStream(&t, first); err != nil {
		return err
	}
	x.server.mu.Lock()
	x.server.truth = append(x.server.truth, t)
	x.server.mu.Unlock()
	return nil
}

func (x *Exchange) goodStream(t *Truth, last time.Time) error {
	x.head()
	for i := range Tokens {
		if i > 0 {
			x.sleep(time.Until(last.Add(Gap)))
			now := time.Now()
			t.Gaps = append(t.Gaps, now.Sub(last))
			last = now
		}
		finish := ""
		if i == Tokens-1 {
			finish = "length"
		}
		x.chunk(x.event(" tok", finish))
	}
	x.chunk(usageEvent(goodUsage) + done)
	return x.send("0\r\n\r\n")
}

// sleep waits, unless the server is closed before.
func (x *Exchange) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.server.quit:
	}
}
