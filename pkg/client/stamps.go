package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"loadgen/internal/wire"
)

// PacketCounts is what came of stamping arrivals by packets.
type PacketCounts struct {
	// Captured are the packets whose headers were captured, Lost those that there was no room for.
	Captured, Lost uint64
	// Connections are those that were followed; Unfollowed of them are those whose first packet
	// was not seen.
	Connections, Unfollowed uint64
	// Stamped are the bytes with a packet's stamp, Unstamped those without.
	Stamped, Unstamped uint64
	// Compared are the reads that have a packet's stamp and the socket's; in Differing of them
	// these differ, by Largest at most.
	Compared, Differing uint64
	Largest             time.Duration
}

// Stamping is how a client came to the stamps that it has.
type Stamping struct {
	// Captured reports whether packets are captured, and Packets what came of that.
	Captured bool
	Packets  PacketCounts
	// Measured reports whether the client measured, with AutoStamps, how long a thread that is
	// woken waits for a processor, WakeDelay: packets are captured where that is long, and later
	// where reads come late. Refused is why they are not all the same.
	Measured  bool
	WakeDelay time.Duration
	Refused   error
}

// stamping is what a client knows of where its stamps come from.
type stamping struct {
	packets *wire.Packets
	streams int           // that may be under way at once
	late    func()        // reads come late; nil where nobody asks
	settled chan struct{} // closed once delay is known
	delay   time.Duration
	active  atomic.Int64 // requests under way, to any server
	ended   atomic.Int64
	all     sync.WaitGroup

	mu      sync.Mutex
	tried   bool
	refused error
}

// capture begins to capture packets, once.
func (s *stamping) capture() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.tried {
		s.tried, s.refused = true, wire.CapturePackets(s.packets, s.streams)
	}
	return s.refused
}

// begin counts a request as under way until end is called.
func (c *Client) begin() (end func()) {
	c.streams.Add(1)
	c.stamps.active.Add(1)
	return func() {
		c.streams.Add(-1)
		c.stamps.active.Add(-1)
		c.stamps.ended.Add(1)
	}
}

// captureLater begins to capture with the first connection that a request opens after one that
// is under way now has ended. Where all are sent at once none does, and capturing would be in
// vain; what asks the server something else, after the run, does not count.
func (c *Client) captureLater() {
	s := c.stamps
	before := s.ended.Load()
	s.packets.StartAtNext(func() bool {
		if s.ended.Load() == before || s.active.Load() == 0 {
			return false
		}
		s.all.Go(func() { _ = s.capture() })
		return true
	})
}

// Stamping waits until the source of stamps is settled, a few milliseconds after New and more on
// a machine that is crowded, or ctx ends. A run whose connections are all to have the best
// stamps calls it first.
func (c *Client) Stamping(ctx context.Context) (s Stamping) {
	if c.stamps.packets == nil {
		return s
	}
	select {
	case <-c.stamps.settled:
		s.Measured, s.WakeDelay = c.o.Stamps == AutoStamps, c.stamps.delay
	case <-ctx.Done():
	}
	n, captured := c.stamps.packets.Counts()
	s.Captured = captured
	s.Packets = PacketCounts{n.Frames, n.Lost, n.Connections, n.Unfollowed, n.Stamped, n.Unstamped, n.Compared, n.Differing, time.Duration(n.Largest)}
	c.stamps.mu.Lock()
	defer c.stamps.mu.Unlock()
	s.Refused = c.stamps.refused
	return s
}

// CheckStamps returns why a server at such a URL can have no stamps of the kind that was asked
// for, wherever loadgen runs.
func CheckStamps(baseURL string, stamps Stamps) error {
	at, _ := parseBase(baseURL)
	return at.checkStamps(stamps)
}

func (a address) checkStamps(stamps Stamps) error {
	kernel := stamps == KernelStamps
	switch {
	case a.to.Unix != "" && (kernel || stamps == PacketStamps):
		return noStamps(errors.New("the kernel stamps nothing that a Unix socket brings"))
	case a.to.TLS && kernel:
		return noStamps(errors.New("the kernel cannot stamp what TLS brings"))
	}
	return nil
}

func noStamps(err error) error {
	return &Problem{Code: "timestamps", Err: fmt.Errorf("no kernel timestamps: %w", err)}
}

// checkStamps returns why the stamps that were asked for cannot be had here.
func (c *Client) checkStamps() error {
	err := c.address.checkStamps(c.o.Stamps)
	if err == nil && c.o.Stamps == KernelStamps {
		if err = wire.CheckKernelStamps(); err != nil {
			err = noStamps(err)
		}
	}
	return err
}

// openPackets begins to capture packets where their stamps were asked for, or finds out whether
// they would be better than those of sockets: on a machine so crowded that the program comes
// late to read.
func (c *Client) openPackets() error {
	s := c.stamps
	switch {
	case c.o.Stamps == PacketStamps:
		s.packets, s.settled = wire.NewPackets(), make(chan struct{})
		close(s.settled)
		if err := s.capture(); err != nil {
			return &Problem{Code: "timestamps", Err: fmt.Errorf("no packet timestamps: capturing packets needs Linux and CAP_NET_RAW: %w", err)}
		}
	case c.o.Stamps == AutoStamps && c.o.Dial == nil && c.to.Unix == "":
		s.packets, s.settled = wire.NewPackets(), make(chan struct{})
		s.late = c.captureLater
		s.all.Go(func() {
			defer close(s.settled)
			if s.delay = wire.WakeDelay(); s.delay >= wire.SlowWake {
				_ = s.capture()
			}
		})
	}
	return nil
}

// closePackets ends the capture.
func (c *Client) closePackets() {
	if s := c.stamps; s.packets != nil {
		s.all.Wait()
		_ = s.packets.Close()
	}
}
