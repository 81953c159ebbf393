package stream

import "bytes"

// shape is the last event that was read in full. The events of a stream mostly
// differ in their text alone, or in their reasoning: one that is equal before and
// behind it, which holds nothing but plain characters, means the same with another
// text: the message that the event was read into holds all the rest.
type shape struct {
	line      []byte
	from, to  int // where in line the text of choice 0 lies, without its quotes
	reasoning bool
}

func (s *shape) forget() { s.line = s.line[:0] }

// keep takes an event that has been read.
func (s *shape) keep(line []byte, m *message, r *messageReader) {
	if len(m.finish) > 0 || m.hasError || m.textErr != nil || m.choiceErr != nil || len(m.more) > 0 || len(m.toolText) > 0 || m.parted != nil || m.partedReason != nil || m.metrics != nil {
		return // it has more than its text
	}
	s.reasoning = len(m.reasoning) > 0
	switch {
	case !s.reasoning && m.text != nil:
		s.from, s.to = r.textEnd-len(m.text), r.textEnd
	case s.reasoning && m.reasoningKeys == 1 && len(m.text) == 0:
		s.from, s.to = r.reasoningEnd-len(m.reasoning), r.reasoningEnd
	default:
		return
	}
	s.line = append(s.line, line...)
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
	if m.fresh = false; s.reasoning {
		m.reasoning, m.reasoningEsc = text, false
	} else {
		m.text, m.textEsc = text, false
	}
	return true
}
