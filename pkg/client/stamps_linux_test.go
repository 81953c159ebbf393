package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"loadgen/internal/wire"
	"loadgen/pkg/dataset"
)

// TestPacketStamps: a client that captures packets says what came of that; where the right to is
// missing it says so before anything is sent.
func TestPacketStamps(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"text\":\"a\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	defer server.Close()
	c, err := New(Options{BaseURL: server.URL, Stamps: PacketStamps})
	if err != nil {
		missesPackets(t, err)
		t.Skip(err)
	}
	p, err := c.Prepare(dataset.Request{Prompt: "x", PromptLen: 1, OutputLen: 1})
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	c.Do(context.Background(), p, &r)
	s := c.Stamping(context.Background())
	c.Close()
	if r.Err != nil || !r.KernelStamps || !s.Captured || s.Measured || s.Packets.Stamped == 0 || s.Packets.Unstamped > 0 {
		t.Errorf("%v, stamped %v, %+v", r.Err, r.KernelStamps, s)
	}
}

// missesPackets checks what a client says that must not capture packets.
func missesPackets(t *testing.T, err error) {
	t.Helper()
	var problem *Problem
	if !errors.As(err, &problem) || problem.Code != "timestamps" || !strings.Contains(err.Error(), "CAP_NET_RAW") {
		t.Errorf("%v", err)
	}
}

// TestPacketStampsNeedARight takes the right from this thread.
func TestPacketStampsNeedARight(t *testing.T) {
	done := make(chan error)
	go func() { // the thread ends with it
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var sets [2]unix.CapUserData
		err := unix.Capget(&header, &sets[0])
		if err == nil {
			sets[0].Effective &^= 1 << unix.CAP_NET_RAW
			err = unix.Capset(&header, &sets[0])
		}
		if err == nil {
			_, err = New(Options{BaseURL: "http://127.0.0.1:1", Stamps: PacketStamps})
		}
		done <- err
	}()
	missesPackets(t, <-done)
}

// TestCaptureLater: where reads come late, packets are captured from the first connection on that
// is opened after a request has ended, by which time others may be opened still.
func TestCaptureLater(t *testing.T) {
	c, err := New(Options{BaseURL: "http://127.0.0.1:1", Stamps: KernelStamps})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := c.Prepare(dataset.Request{Prompt: "x", PromptLen: 1, OutputLen: 1})
	if err != nil {
		t.Fatal(err)
	}
	end := func() { c.Do(context.Background(), p, &Result{}) }
	s := c.stamps
	s.packets = wire.NewPackets()
	opened := func() bool {
		s.packets.Claim(netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2"))
		s.all.Wait()
		return s.tried
	}
	end() // a test request, before
	c.captureLater()
	s.active.Add(1)
	for range 2 {
		if opened() {
			t.Error("captured for requests that are all sent at once")
		}
	}
	end()
	s.active.Add(-1)
	if opened() {
		t.Error("captured for what is no request of the run")
	}
	if s.active.Add(1); !opened() {
		t.Error("not captured when another connection was opened")
	}
}

// TestStampsAreChosen: packets are captured where threads are woken late, and where that is
// permitted; a Unix socket has neither packets nor a choice.
func TestStampsAreChosen(t *testing.T) {
	c, err := New(Options{BaseURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	s := c.Stamping(context.Background())
	c.Close()
	if !s.Measured || s.Captured != (s.WakeDelay >= wire.SlowWake && s.Refused == nil) {
		t.Errorf("%+v", s)
	}
	if c, err = New(Options{BaseURL: "unix:/x"}); err != nil {
		t.Fatal(err)
	}
	if s = c.Stamping(context.Background()); s.Measured || s.Captured {
		t.Errorf("%+v", s)
	}
	c.Close()
	for _, stamps := range []Stamps{PacketStamps, KernelStamps} {
		if _, err = New(Options{BaseURL: "unix:/x", Stamps: stamps}); err == nil {
			t.Errorf("a Unix socket with stamps of source %d", stamps)
		}
	}
	if _, err = New(Options{BaseURL: "https://127.0.0.1:1", Stamps: KernelStamps}); err == nil {
		t.Error("TLS with sockets' stamps")
	}
}
