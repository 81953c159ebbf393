package wire

import (
	"encoding/binary"
	"net"
	"net/netip"
	"time"

	"loadgen/internal/packets"
)

// Packets follows the packets of connections.
type Packets = packets.Table

// NewPackets returns one that follows nothing before CapturePackets.
func NewPackets() *Packets { return packets.NewTable() }

// CapturePackets begins to follow the packets of connections that are opened from now on, so
// many at once, 0 for any number, or says why that cannot be.
func CapturePackets(t *Packets, connections int) error {
	ring, err := packets.Open(connections)
	if err == nil {
		t.Start(ring)
	}
	return err
}

// certain tells a sink that the events that it was fed last have the stamp of the very packet
// that completed them, unless the peer had to hold it back for so long.
func certain(sink Sink, held time.Duration) {
	if held > 0 {
		sink.Uncertain(held, true)
	}
	sink.Settle(held == 0)
}

// follow is what is known of a connection's packets, nil where they are not followed: what
// comes through a tunnel is not, as its records are not those of the connection.
func (b *Blocking) follow(conn net.Conn, tunnelled bool) *packets.Conn {
	tcp, ok := beneath(conn).(*net.TCPConn)
	if b.o.Packets == nil || !ok || tunnelled {
		return nil
	}
	return b.o.Packets.Claim(addrPort(tcp.RemoteAddr()), addrPort(tcp.LocalAddr()))
}

func addrPort(a net.Addr) netip.AddrPort {
	tcp, _ := a.(*net.TCPAddr)
	return tcp.AddrPort()
}

// expect has the packets of a server followed, before a connection to it is opened.
func expect(t *packets.Table, address string) {
	if server, err := netip.ParseAddrPort(address); t != nil && err == nil {
		t.Watch(server)
	}
}

// packetReader reads from a connection whose packets are followed: one read brings bytes of
// one stamp.
type packetReader struct {
	packets *packets.Conn
	clock   Clock
	wall    wall
	// next reads: n bytes, for which the connection has brought so many, with the socket's
	// stamp, 0 for none.
	next func(p []byte) (n, brought int, stamp int64, err error)
	// records says that what was read came with the last of the bytes that were brought.
	records bool

	pieces []packets.Piece // not returned yet
	rest   []byte          // their bytes
	exact  bool            // of the last piece
	stamp  int64           // of the last piece
	read   time.Duration   // when they were read
	err    error           // that came with them
	last   time.Duration
}

func (r *packetReader) receive(p []byte) arrival {
	if len(r.pieces) > 0 {
		copy(p, r.rest)
		a := r.piece()
		r.rest = r.rest[a.n:]
		return a
	}
	n, brought, stamp, err := r.next(p)
	if r.read = r.wall.sample(r.clock); n == 0 {
		return arrival{at: r.read, err: err}
	}
	r.err = err
	if brought > 0 {
		r.pieces = r.packets.Take(r.pieces, brought, stamp, n < len(p))
	}
	if r.records {
		piece := packets.Piece{Len: n, Stamp: r.stamp, Exact: r.exact} // of the record before, which goes on
		if k := len(r.pieces); k > 0 {
			piece.Stamp, piece.Exact = r.pieces[k-1].Stamp, r.pieces[k-1].Exact
		}
		r.pieces = append(r.pieces[:0], piece)
	}
	if len(r.pieces) > 1 {
		r.rest = append(r.rest[:0:0], p[r.pieces[0].Len:n]...)
	}
	return r.piece()
}

// piece is the next of those that were read.
func (r *packetReader) piece() arrival {
	p := r.pieces[0]
	r.pieces = r.pieces[:copy(r.pieces, r.pieces[1:])]
	r.exact, r.stamp = p.Exact, p.Stamp
	a := arrival{n: p.Len, at: r.read, kernel: p.Stamp != 0, exact: p.Exact, more: len(r.pieces) > 0}
	if a.kernel {
		a.at = r.wall.instant(p.Stamp, a.at)
	}
	r.last = max(r.last, a.at)
	if a.at = r.last; !a.more {
		a.err, r.err = r.err, nil
	}
	return a
}

// records hands out no more than one TLS record at a time, and counts the bytes: what is read
// of the connection above it came in the last record that was handed out.
type records struct {
	net.Conn
	passed uint64 // bytes that were handed out
	buffer []byte
	ahead  []byte // of buffer, read and not handed out
	header [recordHeader]byte
	known  int // bytes of the header
	left   int // bytes of the record at hand
}

const (
	recordHeader = 5
	recordMost   = 16<<10 + 256 + recordHeader // RFC 8446, 5.2
)

// NetConn is the connection beneath.
func (r *records) NetConn() net.Conn { return r.Conn }

// Read reads up to the end of a record's header, or of the record.
func (r *records) Read(p []byte) (int, error) {
	if len(r.ahead) == 0 {
		if r.buffer == nil {
			r.buffer = make([]byte, recordMost)
		}
		n, err := r.Conn.Read(r.buffer)
		if n == 0 {
			return 0, err
		}
		r.ahead = r.buffer[:n]
	}
	var n int
	if r.left > 0 {
		n = copy(p, r.ahead[:min(r.left, len(r.ahead))])
		r.left -= n
	} else {
		n = copy(p, r.ahead[:min(len(r.header)-r.known, len(r.ahead))])
		copy(r.header[r.known:], r.ahead[:n])
		if r.known += n; r.known == len(r.header) {
			r.known, r.left = 0, int(binary.BigEndian.Uint16(r.header[3:]))
		}
	}
	r.ahead = r.ahead[n:]
	r.passed += uint64(n)
	return n, nil
}

// recordReader reads what TLS brings over records; taken of their bytes are accounted for.
func recordReader(conn net.Conn, r *records, taken *uint64) func(p []byte) (int, int, int64, error) {
	return func(p []byte) (int, int, int64, error) {
		n, err := conn.Read(p)
		brought := 0
		if n > 0 {
			brought = int(r.passed - *taken)
			*taken = r.passed
		}
		return n, brought, 0, err
	}
}
