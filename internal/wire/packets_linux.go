package wire

import (
	"math"
	"net/netip"
	"time"

	"loadgen/internal/packets"
)

// How the reactor stamps what it reads by the packets that brought it: however late it comes,
// each segment has the stamp of its own arrival, where sockets have that of the last one.

// expect has the packets of a server followed, before the first connection to it is opened.
func (r *Reactor) expect(server netip.AddrPort) {
	if r.o.Packets != nil {
		r.o.Packets.Watch(server)
	}
}

// follow is what is known of a connection's packets, nil where they are not followed.
func (r *Reactor) follow(fd int, server netip.AddrPort) *packets.Conn {
	if r.o.Packets == nil {
		return nil
	}
	if local := r.sys.local(fd); local.IsValid() {
		return r.o.Packets.Claim(server, local)
	}
	return nil
}

// bring feeds the n bytes of a read to a flow's sink, those of each packet with its stamp; part
// tells that the read did not ask for all that waits. It returns true when the answer is over.
func (r *Reactor) bring(f *flow, q *queue, n int, read time.Duration, stamp int64, part bool) (done bool) {
	if c := f.link.packets; c != nil {
		r.pieces = c.Take(r.pieces[:0], n, stamp, !part && n < len(r.buffer))
	} else {
		r.pieces = append(r.pieces[:0], packets.Piece{Len: n, Stamp: stamp})
	}
	rest := r.buffer[:n]
	for i, piece := range r.pieces {
		p := rest[:piece.Len]
		rest = rest[piece.Len:]
		merged := r.stampPiece(f, q, piece, i == len(r.pieces)-1, read, part)
		f.link.cut = f.link.cut || merged || n == len(r.buffer)
		if !f.fed && r.outOfTurn(f, p, read, piece.Stamp != 0) {
			if f.over {
				return false
			}
			continue
		}
		if !f.fed {
			r.awaiting--
		}
		if f.fed, f.active = true, read; piece.Exact {
			f.sink.Settle(false) // what is in doubt stays so
			f.unsettled = false
		}
		done = f.sink.Feed(p, f.last)
		if r.sizes.Chunk == 0 {
			r.sizes = f.sink.Sizes()
		}
		held := r.held(f, len(p))
		if piece.Exact {
			certain(f.sink, held)
		} else {
			r.reportUncertainty(f, read, piece.Stamp, held, merged, q.asked > 0)
		}
		if done {
			f.surplus = len(rest) > 0
			break
		}
	}
	if stamp != 0 {
		r.delays = append(r.delays, read-f.last)
	}
	return done
}

// look finds out, before much is read at once, whether the peer had room for more all the while:
// then it held nothing back. Reading makes room, so that afterwards this cannot be known. What
// the peer was told last counts from what had come by then, which is read or among what waits.
func (r *Reactor) look(f *flow) {
	f.roomy = false
	if c := f.link.packets; c != nil {
		if waiting := c.Waiting(); f.hold.got+waiting >= heldLeast {
			f.roomy = r.sys.info(f.link.fd).advertised >= waiting+heldLeast
		}
	}
}

// window is how many bytes the peer of a flow may send unread, about.
func (r *Reactor) window(f *flow) int {
	if f.roomy {
		return math.MaxInt
	}
	return r.sys.info(f.link.fd).window
}

// stampPiece sets when a part of a read arrived. Of bytes whose packet was not seen, with
// others behind them, it is known that they came before these.
func (r *Reactor) stampPiece(f *flow, q *queue, p packets.Piece, last bool, read time.Duration, part bool) (merged bool) {
	if !p.Exact && last {
		return r.stamp(f, q, read, p.Stamp, part)
	}
	f.stamp, f.last = p.Stamp, max(f.last, r.wall.instant(p.Stamp, read))
	return !p.Exact
}
