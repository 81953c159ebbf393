package recording

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

// Write writes a run that is over as a file's bytes. Others may read the run meanwhile.
func (r *Recording) Write(w io.Writer) error {
	text, err := opening(r)
	if err != nil {
		return err
	}
	put := func(record []byte) error {
		text = frame(text, record)
		_, err := w.Write(text)
		text = text[:0]
		return err
	}
	for i, q := range r.Results {
		if q != nil {
			if err := put(encode(i, q)); err != nil {
				return err
			}
		}
	}
	if r.Spool != nil {
		if err := r.Spool.records(put); err != nil {
			return err
		}
	}
	for number, q := range r.Probes {
		if err := put(encodeAs(kindProbe, number, q)); err != nil {
			return err
		}
	}
	if r.ProbeSpool != nil {
		asProbe := func(record []byte) error { return put(append([]byte{kindProbe}, record[1:]...)) }
		if err := r.ProbeSpool.records(asProbe); err != nil {
			return err
		}
	}
	last, err := ending(r)
	return cmp.Or(err, put(last))
}

// records calls put with each result as it is kept, in the order in which they came, until an
// error. It leaves alone what reading changes.
func (s *Spool) records(put func(record []byte) error) error {
	s.mu.Lock()
	parts, file := slices.Clone(s.parts), s.file
	s.mu.Unlock()
	var room []byte
	for _, p := range parts {
		data := p.data
		if data == nil {
			room = slices.Grow(room[:0], p.size)[:p.size]
			if _, err := file.ReadAt(room, p.at); err != nil && p.size > 0 {
				return err
			}
			data = room
		}
		for len(data) > 0 {
			size, n := binary.Uvarint(data)
			end := n + int(size)
			if err := put(data[n:end]); err != nil {
				return err
			}
			data = data[end:]
		}
	}
	return nil
}
