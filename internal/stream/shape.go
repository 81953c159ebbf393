package stream

import "bytes"

// shape is the last event that was read in full. The events of a stream mostly
// differ in their text alone: one that is equal before and behind the text, which
// holds nothing but plain characters, means the same with another text: the message
// that the event was read into holds all the rest.
type shape struct {
	line     []byte
	from, to int // where in line the text of choice 0 lies, without its quotes
}

func (s *shape) forget() { s.line = s.line[:0] }

// keep takes an event that has been read, whose text ends at to.
func (s *shape) keep(line []byte, m *message, to int) {
	if m.text == nil || len(m.finish) > 0 || m.hasError || m.topText != nil || m.textErr != nil {
		return // it has more words than its text
	}
	s.line = append(s.line, line...)
	s.from, s.to = to-len(m.text), to
}

// fill fills m, which holds the event before, if the line has this shape.
func (s *shape) fill(line []byte, m *message) bool {
	if len(s.line) == 0 {
		return false
	}
	to := len(line) - (len(s.line) - s.to)
	if to < s.from || !bytes.Equal(line[:s.from], s.line[:s.from]) || !bytes.Equal(line[to:], s.line[s.to:]) {
		return false
	}
	text := line[s.from:to]
	for _, c := range text {
		if c < 0x20 || c == '"' || c == '\\' {
			return false
		}
	}
	m.text, m.textEsc = text, false
	return true
}
