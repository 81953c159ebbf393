package stream

func (r *messageReader) tools(int) error {
	if r.s.peek() != '{' {
		return r.s.skip()
	}
	return r.s.object(r.tool)
}

func (r *messageReader) tool(key []byte) error {
	if string(key) == "function" && r.s.peek() == '{' {
		return r.s.object(r.function)
	}
	return r.s.skip()
}

func (r *messageReader) function(key []byte) error {
	switch string(key) {
	case "name", "arguments":
		if r.s.peek() != '"' {
			break
		}
		raw, _, err := r.s.rawString()
		if err == nil {
			r.at.toolText = appendUnescaped(r.at.toolText, raw)
		}
		return err
	}
	return r.s.skip()
}

// partText is one part of a content that is a list.
type partText struct {
	text     []byte
	thinking bool
}

// parts reads one part of a content: an object with "text", or "thinking" for
// reasoning, itself a string or a list of parts; or a bare string.
func (r *messageReader) parts(int) (err error) {
	s := &r.s
	outer := r.piece
	r.piece = partText{thinking: outer.thinking}
	switch s.peek() {
	case '{':
		err = s.object(r.part)
	case '"':
		r.piece.text, _, err = s.rawString()
	default:
		err = s.skip()
	}
	if err == nil {
		if r.piece.thinking {
			r.at.partedReason = appendUnescaped(r.at.partedReason, r.piece.text)
		} else {
			r.at.parted = appendUnescaped(r.at.parted, r.piece.text)
		}
	}
	r.piece = outer
	return err
}

func (r *messageReader) part(key []byte) error {
	s := &r.s
	switch string(key) {
	case "text":
		return r.readString(&r.piece.text)
	case "thinking", "reasoning":
		r.piece.thinking = true
		if s.peek() == '[' {
			return s.array(r.parts)
		}
		return r.readString(&r.piece.text)
	}
	return s.skip()
}
