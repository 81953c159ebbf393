package recording

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"time"

	"loadgen/pkg/client"
)

// eventNumbers is how many numbers an event is written as, each of the first three as its
// distance from that of the event before: At, TextEnd, Tokens, Kind, Uncertainty, marks.
const eventNumbers = 6

// The marks of an event.
const (
	markChoices = 1 << iota
	markShared
)

// events goes through a request's events.
func (c *coder) events(r *client.Result) {
	n := uint64(len(r.Events))
	c.unsigned(&n)
	switch {
	case c.writing:
		c.buf = appendEvents(c.buf, r.Events)
	case n > uint64(len(c.buf)): // an event takes bytes
		c.bad, c.buf = true, nil
	default:
		r.Events = slices.Grow(r.Events[:0], int(n))[:n]
		rest, ok := readEvents(c.buf, r.Events)
		c.bad, c.buf = c.bad || !ok, rest
	}
}

func appendEvents(to []byte, events []client.Event) []byte {
	var before client.Event
	for i := range events {
		e := &events[i]
		marks := uint64(0)
		if e.Choices {
			marks |= markChoices
		}
		if e.Shared {
			marks |= markShared
		}
		to = binary.AppendVarint(to, int64(e.At-before.At))
		to = binary.AppendVarint(to, int64(e.TextEnd-before.TextEnd))
		to = binary.AppendVarint(to, int64(e.Tokens)-int64(before.Tokens))
		for _, v := range [...]uint64{uint64(e.Kind), uint64(e.Uncertainty), marks} {
			to = binary.AppendUvarint(to, v)
		}
		before = *e
	}
	return to
}

// readEvents reads as many events as there is room for and returns the bytes after them. A
// run has millions of events, and this is most of what reading them back takes.
func readEvents(buf []byte, events []client.Event) (rest []byte, ok bool) {
	var at int64
	var end, tokens int32
	var v [eventNumbers]uint64
	k := 0
	for i := range events {
		from := 0 // the first number that is not read yet
		if k+16 <= len(buf) {
			n := 0
			v[0], n = shortVarint(binary.LittleEndian.Uint64(buf[k:]))
			if from = 1; n > 8 {
				n, from = 0, 0
			}
			k += n
			// In most events the others are a byte each.
			if rest := binary.LittleEndian.Uint64(buf[k:]); from == 1 && rest&0x8080808080 == 0 {
				v[1], v[2], v[3], v[4], v[5] = rest&0x7f, rest>>8&0x7f, rest>>16&0x7f, rest>>24&0x7f, rest>>32&0x7f
				from, k = eventNumbers, k+eventNumbers-1
			}
		}
		for j := from; j < len(v); j++ {
			if k >= len(buf) {
				return nil, false
			}
			b := buf[k]
			if k++; b < 0x80 { // as most are
				v[j] = uint64(b)
				continue
			}
			x, n := binary.Uvarint(buf[k-1:])
			if n <= 0 {
				return nil, false
			}
			v[j], k = x, k-1+n
		}
		at, end, tokens = at+signed(v[0]), end+int32(signed(v[1])), tokens+int32(signed(v[2]))
		events[i] = client.Event{At: time.Duration(at), TextEnd: end, Tokens: tokens, Kind: client.Kind(v[3]), Uncertainty: uint32(v[4]),
			Choices: v[5]&markChoices != 0, Shared: v[5]&markShared != 0}
		if !plausible(time.Duration(at)) {
			return nil, false
		}
	}
	return buf[k:], true
}

// shortVarint is the varint that eight bytes begin with, and how many of them it has; more than
// eight where it goes on.
func shortVarint(some uint64) (v uint64, n int) {
	n = bits.TrailingZeros64(^some&0x8080808080808080)/8 + 1
	some &= 0x7f7f7f7f7f7f7f7f & (1<<(8*n) - 1)
	some = some&0x007f007f007f007f | some&0x7f007f007f007f00>>1
	some = some&0x00003fff00003fff | some&0x3fff00003fff0000>>2
	return some&0x000000000fffffff | some&0x0fffffff00000000>>4, n
}

// signed is the number that a varint's value stands for (encoding/binary).
func signed(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
