package wire

import (
	"time"

	"loadgen/internal/stream"
)

// hold notes that a peer may have had to hold its bytes back: TCP lets it send no more than
// the receiver has room for. What it held back arrives, and is stamped, when the receiver
// reads, which no stamp shows. Of that, all that is known is that it was sent after what
// arrived before, so that it is as much older than its stamp at most.
type hold struct {
	since time.Duration // the stamp of what arrived before, 0 while nothing is held back
	got   int           // bytes since the socket was last found empty
	full  bool          // the window may have been full since then
}

// heldLeast is how many bytes fill no window: systems begin with 64 KiB.
const heldLeast = 8 << 10

// windowPart is the part of the receive window, in bytes of payload, from which on it may be
// full: small segments take several times their payload.
const windowPart = 8

// read notes n bytes whose newest stamp is at, and returns by how much they may be late for
// being held back. window is how many bytes the peer may send unread, 0 for unknown; it is
// asked for only when many have come.
func (h *hold) read(n int, at time.Duration, window func() int) (late time.Duration) {
	if h.since > 0 {
		late = max(at-h.since, 0)
	}
	if h.got += n; h.got >= heldLeast && (h.full || windowPart*h.got >= window()) {
		if h.full = true; h.since == 0 {
			h.since = at
		}
	}
	return late
}

// emptied notes that the socket was empty after the last read.
func (h *hold) emptied() {
	if !h.full {
		h.since = 0
	}
	h.got, h.full = 0, false
}

// reportUncertainty tells a sink by how much the events of what a goroutine has read and fed to it
// may be late; asked is how much was asked for.
func (h *hold) reportUncertainty(sink Sink, a arrival, window func() int, asked int) {
	switch late := h.read(a.n, a.at, window); {
	case a.exact:
		certain(sink, late)
	case late > 0:
		sink.Uncertain(late, true)
	case !a.kernel || sink.Mixed():
		sink.Uncertain(stream.UnknownUncertainty, !a.kernel)
	}
	if a.n < asked && !a.more {
		h.emptied()
	}
}
