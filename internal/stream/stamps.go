package stream

import "time"

// What the decoder knows of the stamps that it is given, for the transports.

// Piece is how many of the bytes to come are, as far as can be known, of one event: of
// the one at hand, or of the next. Servers send each in an HTTP chunk of its own. It is
// 0 where nothing tells.
func (d *Decoder) Piece() int {
	if d.phase != inBody || d.head.framing != chunked {
		return 0
	}
	return d.chunks.piece()
}

// Mixed reports whether the bytes of the last stamp completed an event and held more
// than it.
func (d *Decoder) Mixed() bool {
	n := len(d.a.Events) - d.fresh
	return n > 1 || n == 1 && d.followed()
}

// followed reports whether the bytes of this stamp hold more after their last event.
func (d *Decoder) followed() bool { return d.after || len(d.buf) > 0 || d.chunks.begun() }

// Doubt says by how much the stamp of the bytes fed last may be late, for all events
// that they complete, or for all that more bytes followed.
func (d *Decoder) Doubt(late time.Duration, all bool) {
	slack := uint32(min(max(late, 0), UnknownSlack))
	fresh := d.a.Events[d.fresh:]
	if n := len(fresh); n > 0 && !all && !d.followed() {
		fresh = fresh[:n-1]
	}
	for i := range fresh {
		fresh[i].Slack = slack
	}
}
