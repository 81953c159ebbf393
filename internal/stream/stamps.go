package stream

import "time"

// What the decoder knows of the stamps that it is given, for the transports.

// Sizes are those of what an answer begins with, in bytes: its head, and the first chunk of
// its body with its framing. Both are 0 where either is not known.
type Sizes struct{ Head, Chunk int }

// Sizes returns those of this answer.
func (d *Decoder) Sizes() Sizes {
	if d.chunks.first == 0 {
		return Sizes{}
	}
	return Sizes{d.headSize, d.chunks.first}
}

// Piece is how many of the bytes to come are, as far as can be known, of one event: of
// the one at hand, or of the next. Servers send each in an HTTP chunk of its own. It is
// 0 where nothing tells; like has the sizes of another answer of the server, if any.
func (d *Decoder) Piece(like Sizes) int {
	switch {
	case d.phase == inHead && like.Head > 0:
		return max(like.Head-len(d.buf), sizeLine)
	case d.phase == inBody && d.head.framing == chunked:
		return d.chunks.piece()
	}
	return 0
}

// Mixed reports whether the bytes of the last stamp completed an event and held more
// than it.
func (d *Decoder) Mixed() bool {
	n := len(d.a.Events) - d.fresh
	return n > 1 || n == 1 && d.followed()
}

// followed reports whether the bytes of this stamp hold more after their last event.
func (d *Decoder) followed() bool { return d.after || len(d.buf) > 0 || d.chunks.begun() }

// Uncertain says by how much the stamp of the bytes fed last may be late, for all events
// that they complete, or for all that more bytes followed; UnknownUncertainty where nothing is known.
func (d *Decoder) Uncertain(late time.Duration, all bool) {
	uncertainty := uint32(UnknownUncertainty)
	if late != UnknownUncertainty {
		uncertainty = uint32(min(max(late, 0), MaxUncertainty))
	}
	fresh := d.a.Events[d.fresh:]
	if n := len(fresh); n > 0 && !all && !d.followed() {
		fresh = fresh[:n-1]
	}
	for i := range fresh {
		fresh[i].Uncertainty = uncertainty
	}
}

// Settle ends the doubts of all stamps so far. Exact says that each of those since the last
// call is that of the very segment that brought its bytes: none of them is late, and events
// that share one came together.
func (d *Decoder) Settle(exact bool) {
	if exact {
		for i := range d.a.Events[d.settled:] {
			e := &d.a.Events[d.settled+i]
			e.Shared, e.Uncertainty = false, 0
		}
	}
	d.settled = len(d.a.Events)
}
