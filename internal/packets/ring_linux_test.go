package packets

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// open opens a ring, or skips the test where that is not permitted.
func open(t *testing.T, connections int) *Ring {
	t.Helper()
	r, err := Open(connections)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Skipf("no right to capture packets (CAP_NET_RAW): %v", err)
	}
	if err != nil {
		t.Skipf("no packet ring here: %v", err)
	}
	return r
}

// TestRing sends over loopback, both families: the reader comes late, and each segment has its
// stamp all the same.
func TestRing(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s: %v", address, err)
			continue
		}
		defer l.Close()
		table := started(open(t, 0))
		defer table.Close()
		server := l.Addr().(*net.TCPAddr).AddrPort()
		table.Watch(server)
		conn, err := net.Dial("tcp", server.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		peer, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c := table.Claim(server, conn.LocalAddr().(*net.TCPAddr).AddrPort())
		const n = 20
		began := time.Now()
		for range n {
			peer.Write(make([]byte, 100))
			time.Sleep(time.Millisecond)
		}
		peer.Close()
		ended := time.Now()
		b, err := io.ReadAll(conn)
		if err != nil || len(b) != 100*n {
			t.Fatal(len(b), err)
		}
		pieces := c.Take(nil, len(b), 0, true)
		if len(pieces) != n {
			t.Fatalf("%d stamps: %+v; %+v", len(pieces), pieces, c)
		}
		before := began.UnixNano()
		for i, p := range pieces {
			if !p.Exact || p.Len != 100 || p.Stamp < before || p.Stamp > ended.UnixNano() {
				t.Errorf("%s, segment %d: %+v, want after %d", address, i, p, before)
			}
			before = p.Stamp + int64(time.Millisecond)/2
		}
		if got, _ := table.Counts(); got.Lost > 0 || got.Unfollowed > 0 || got.Frames < n+1 {
			t.Errorf("%+v", got)
		}
	}
}

// followed is a connection over loopback whose packets are followed, and its peer.
func followed(t testing.TB, table *Table) (conn, peer net.Conn, c *Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	server := l.Addr().(*net.TCPAddr).AddrPort()
	table.Watch(server)
	if conn, err = net.Dial("tcp", server.String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if peer, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	return conn, peer, table.Claim(server, conn.LocalAddr().(*net.TCPAddr).AddrPort())
}

// TestRoom: the more connections there may be at once, the more frames a ring has, up to 10 MiB.
func TestRoom(t *testing.T) {
	for connections, blocks := range map[int]int{1: 4, 150: 4, 500: 10, 1000: 20, 2000: 40, 1 << 40: 40, 0: 40} {
		r := open(t, connections)
		if r.frames != blocks*framesPerBlock {
			t.Errorf("%d frames for %d connections, want those of %d blocks", r.frames, connections, blocks)
		}
		_ = r.Close()
	}
}

// TestRingOverflows: frames that there was no room for are counted, and their bytes have no stamp.
func TestRingOverflows(t *testing.T) {
	r := open(t, 1)
	defer func() { _ = r.Close() }()
	table := started(r)
	conn, peer, c := followed(t, table)
	b := make([]byte, 64<<10)
	read := 0
	for range r.frames + 1000 { // each write is a segment of its own, and is read: the window stays open
		peer.Write(b[:1])
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		read += n
	}
	pieces := c.Take(nil, read, 1, true)
	got, _ := table.Counts()
	if got.Lost == 0 || got.Unstamped == 0 || got.Stamped+got.Unstamped != uint64(read) || pieces[len(pieces)-1].Exact {
		t.Errorf("%+v", got)
	}
}

// BenchmarkSegment is what a segment over loopback costs, write and read included, without a
// ring and with one, the kernel's part on the way included.
func BenchmarkSegment(b *testing.B) {
	for _, captured := range []bool{false, true} {
		b.Run(map[bool]string{false: "alone", true: "captured"}[captured], func(b *testing.B) {
			table := NewTable()
			if captured {
				ring, err := Open(1)
				if err != nil {
					b.Skip(err)
				}
				table.Start(ring)
				defer table.Close()
			}
			conn, peer, c := followed(b, table)
			data := make([]byte, 250)
			var pieces []Piece
			before := processorTime(b)
			for b.Loop() {
				peer.Write(data)
				n, err := conn.Read(data)
				if err != nil {
					b.Fatal(err)
				}
				if c != nil {
					pieces = c.Take(pieces[:0], n, 0, true)
				}
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime is what the process has used.
func processorTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
