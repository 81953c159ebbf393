package packets

import "slices"

// Stream maps the bytes that a connection brings to the stamps of its segments.
//
// A byte has the stamp of the segment with which it and all bytes before it were there: from
// then on the socket could deliver it. So a segment that came out of order has the stamp of
// the one that filled the gap before it, and of one that came several times the first counts.
//
// Bytes that the socket delivered and no segment was seen of have no stamp, nor have segments
// that lay behind them already: they were complete when the unseen one came. The zero value
// awaits Begin.
type Stream struct {
	begun  bool
	first  uint32 // sequence number of the first byte
	seen   uint64 // bytes that are there, from the first on
	taken  uint64 // bytes that were read
	marks  []mark // of seen bytes that were not read yet
	read   int    // of marks that were taken
	behind []span // segments that came out of order, by their begin
}

// mark is where bytes end that were complete with one stamp, 0 for one that is not known.
type mark struct {
	end   uint64
	stamp int64
}

// span are bytes of a segment that lies behind a gap.
type span struct{ begin, end uint64 }

// Piece are bytes with one stamp; Exact is false for those of which no segment was seen: their
// stamp is one before which they came.
type Piece struct {
	Len   int
	Stamp int64
	Exact bool
}

// Bounds of what a stream keeps.
const (
	mostBehind = 256
	mostUnread = 1 << 16
)

// Begin tells the sequence number of the first byte. What is known by then was of another
// connection, unless bytes were read: then it comes too late.
func (s *Stream) Begin(first uint32) {
	if s.taken == 0 && (!s.begun || s.first != first) {
		*s = Stream{begun: true, first: first, marks: s.marks[:0]}
	}
}

// Add tells of a segment. It returns false where it could not be kept, or there is nothing to
// place it by.
func (s *Stream) Add(seq uint32, n int, stamp int64) bool {
	if !s.begun {
		return false
	}
	// Sequence numbers wrap around after 4 GiB: this one is within 2 GiB of what is expected.
	ahead := int64(int32(seq - s.first - uint32(s.seen)))
	if ahead < 0 && uint64(-ahead) > s.seen {
		return false // before the first byte
	}
	begin := uint64(int64(s.seen) + ahead)
	end := begin + uint64(n)
	switch {
	case end <= s.seen: // it came before
	case begin > s.seen:
		if len(s.behind) >= mostBehind {
			return false
		}
		i, _ := slices.BinarySearchFunc(s.behind, begin, func(x span, at uint64) int { return compare(x.begin, at) })
		s.behind = slices.Insert(s.behind, i, span{begin, end})
	default:
		return s.complete(s.fill(end), stamp)
	}
	return true
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// fill is where the bytes end that are complete once all are there before end.
func (s *Stream) fill(end uint64) uint64 {
	n := 0
	for ; n < len(s.behind) && s.behind[n].begin <= end; n++ {
		end = max(end, s.behind[n].end)
	}
	s.behind = slices.Delete(s.behind, 0, n)
	return end
}

// complete notes that all bytes before end are there.
func (s *Stream) complete(end uint64, stamp int64) bool {
	s.seen = end
	if n := len(s.marks); n > s.read && s.marks[n-1].stamp == stamp {
		s.marks[n-1].end = end
		return true
	}
	if s.read > 0 && (s.read == len(s.marks) || s.read >= 64) {
		s.marks, s.read = s.marks[:copy(s.marks, s.marks[s.read:])], 0
	}
	if len(s.marks) >= mostUnread {
		s.marks[len(s.marks)-1] = mark{end: end} // nobody reads it
		return false
	}
	s.marks = append(s.marks, mark{end, stamp})
	return true
}

// Covers reports whether the next n bytes have been seen.
func (s *Stream) Covers(n int) bool { return s.begun && s.seen >= s.taken+uint64(n) }

// Waiting is how many bytes are there and were not taken.
func (s *Stream) Waiting() int {
	if !s.begun {
		return 0
	}
	return int(s.seen - s.taken)
}

// ends reports whether all bytes before a sequence number were taken, and none behind it.
func (s *Stream) ends(seq uint32) bool { return s.begun && s.first+uint32(s.taken) == seq }

// Take appends how the next n bytes arrived, which were read with the socket's stamp, 0 for
// none. Of bytes without a stamp of their own, those in front of others are stamped with what
// follows them, the last ones with the socket's.
func (s *Stream) Take(dst []Piece, n int, socket int64) []Piece {
	from, end := len(dst), s.taken+uint64(n)
	for s.taken < end {
		to, stamp := end, int64(0)
		if s.read < len(s.marks) {
			m := s.marks[s.read]
			to, stamp = min(m.end, end), m.stamp
			if m.end <= end {
				s.read++
			}
		}
		p := Piece{int(to - s.taken), stamp, stamp != 0}
		if k := len(dst) - 1; k >= from && dst[k].Stamp == stamp {
			dst[k].Len += p.Len
		} else {
			dst = append(dst, p)
		}
		s.taken = to
	}
	if s.begun && s.seen < s.taken { // no segment of some was seen: those behind are complete since then
		s.seen = s.taken
		if to := s.fill(s.seen); to > s.seen {
			s.complete(to, 0)
		}
	}
	for i := len(dst) - 1; i >= from; i-- {
		if dst[i].Stamp == 0 {
			if dst[i].Stamp = socket; i+1 < len(dst) {
				dst[i].Stamp = dst[i+1].Stamp
			}
		}
	}
	return dst
}
