package recording

import (
	"encoding/binary"
	"io"

	"loadgen/pkg/client"
	"loadgen/pkg/client/answer"
)

// partsRead is how many parts are held while they are read: results are in the order in
// which they ended, and are read in that of the plan.
const partsRead = 16

// spoolReader reads results back. Several may read a spool at the same time.
type spoolReader struct {
	s    *Spool
	read [partsRead]struct { // the parts that were read last, by their number
		part int
		data []byte // of which as much is valid as could be read
		err  error
	}
	names map[string]string // texts that many results have
	last  [sharedTexts]string
}

// reader returns one that nobody else uses until it is given back.
func (s *Spool) reader() *spoolReader {
	s.found.Do(func() {
		x := &spoolReader{s: s, names: map[string]string{}}
		x.find()
		s.giveBack(x)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		x := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return x
	}
	return &spoolReader{s: s, names: map[string]string{}}
}

// giveBack ends the use of a reader, which has memory for many parts.
func (s *Spool) giveBack(x *spoolReader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, x)
}

// Unread is how many times a result could not be read back, and why at first.
func (s *Spool) Unread() (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unread, s.why
}

func (s *Spool) lost(n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unread += n; s.why == nil {
		s.why = err
	}
}

// result is a result by its place in the plan, nil where there is none.
func (s *Spool) result(i int) *client.Result {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.one == nil {
		s.one = s.reader()
	}
	return s.one.result(i, new(client.Result))
}

// find finds out where the results are. Those of a part that cannot be read are unread.
func (x *spoolReader) find() {
	s := x.s
	for number := range s.parts {
		data, err := x.data(number)
		if err != nil {
			s.lost(s.parts[number].n, err)
			continue
		}
		for at := 0; at < len(data); {
			size, n := binary.Uvarint(data[at:])
			from := at + n
			at = from + int(size)
			c, i := &coder{buf: data[from+1 : at]}, 0 // after its kind
			c.integer(&i)
			if more := i + 1 - len(s.places); more > 0 {
				s.places = append(s.places, make([]place, more)...)
			}
			s.places[i] = place{uint32(number + 1), uint32(from), uint32(at)}
		}
	}
}

// result decodes a result into r, whose memory it uses, and returns it; nil where there is
// none, or where the file does not give it back.
func (x *spoolReader) result(i int, r *client.Result) *client.Result {
	if i >= len(x.s.places) || x.s.places[i].part == 0 {
		return nil
	}
	p := x.s.places[i]
	data, err := x.data(int(p.part - 1))
	if err != nil {
		x.s.lost(1, err)
		return nil
	}
	c := &coder{buf: data[p.from+1 : p.to], names: x.names, last: &x.last}
	*r = client.Result{Answer: answer.Answer{Events: r.Events[:0], Text: r.Text[:0], Body: r.Body[:0]}}
	c.fields(&i, r)
	return r
}

// data is a part's.
func (x *spoolReader) data(number int) ([]byte, error) {
	s := x.s
	s.mu.Lock()
	p := s.parts[number]
	s.mu.Unlock()
	if p.data != nil {
		return p.data, nil
	}
	slot := &x.read[number%partsRead]
	if slot.data == nil || slot.part != number {
		if cap(slot.data) < p.size {
			slot.data = make([]byte, p.size)
		}
		slot.part, slot.data = number, slot.data[:p.size]
		if _, slot.err = s.file.ReadAt(slot.data, p.at); slot.err == io.EOF {
			slot.err = io.ErrUnexpectedEOF
		}
	}
	return slot.data, slot.err
}
