package stream

import "math"

// part is what loadgen reads of one choice. Slices refer to the text that was read.
type part struct {
	text    []byte // escaped; nil when there is none
	textEsc bool
	hasText bool // text is there, even if null
	textErr error

	reasoning     []byte // escaped
	reasoningEsc  bool
	reasoningKeys int8 // how often a reasoning text was found
	reasons       bool // a reasoning of another form is there
	tools         bool
	role          bool
	toolText      []byte // unescaped
	parted        []byte // unescaped: content given as a list of parts; text is nil
	partedReason  []byte

	finish    []byte
	index     int
	choiceErr error // what the original stumbles over
	unusable  bool  // choiceErr is a failure under the strict rule, too
}

func (p *part) brings() bool {
	return len(p.text) > 0 || len(p.parted) > 0
}

func (p *part) reasoned() bool {
	return len(p.reasoning) > 0 || len(p.partedReason) > 0 || p.reasons
}

func (r *messageReader) choices(i int) error {
	s, m := &r.s, &r.m
	m.hasChoices = true
	if i == 0 {
		r.at = &m.part
	} else if r.strict && i < r.mostChoices {
		r.moreStore = append(r.moreStore, part{index: i})
		r.at = &r.moreStore[i-1]
	} else {
		return s.skip()
	}
	if s.peek() != '{' {
		m.notList = true
		return s.skip()
	}
	switch r.body {
	case "delta":
		r.at.choiceErr = errDelta
	case "message":
		r.at.choiceErr = errMessage
	}
	return s.object(r.choice)
}

func (r *messageReader) choice(key []byte) (err error) {
	s, c := &r.s, r.at
	switch string(key) {
	case "index":
		f, ok, err := s.number()
		if ok && f >= 0 && f < 1<<31 {
			c.index = int(f)
		}
		return err
	case "text":
		if r.body == "text" || r.strict && !r.has(c) {
			r.m.dialect |= bitText
			return r.readText()
		}
	case "delta", "message":
		usual := string(key) == r.body
		if !usual && (!r.strict || r.has(c)) { // some send the text twice, or all of it so far
			break
		}
		if key[0] == 'd' {
			r.m.dialect |= bitDelta
		} else {
			r.m.dialect |= bitMessage
		}
		if usual && (s.peek() == '{' || !r.strict) {
			*c = part{finish: c.finish, index: c.index, choiceErr: c.choiceErr}
		}
		if s.peek() != '{' {
			wrong, err := s.truth()
			c.unusable = usual && wrong
			return err
		}
		if usual {
			c.choiceErr = nil
		}
		return s.object(r.delta)
	case "finish_reason":
		c.finish = nil
		return r.readString(&c.finish)
	case "error":
		if r.strict {
			return r.readError(&r.m.errRaw)
		}
	case "usage":
		if s.peek() == '{' && r.strict {
			return r.usageElsewhere()
		}
	case "avg_decoded_tokens_per_iter":
		if c == &r.m.part {
			return r.perIteration()
		}
	case "disaggregated_params":
		if s.peek() == '{' && c == &r.m.part {
			return s.object(r.disaggregated)
		}
	}
	return s.skip()
}

// perIteration reads the mean number of tokens that an iteration decoded. The original
// takes any number, of which the mean may be infinite.
func (r *messageReader) perIteration() (err error) {
	s, m := &r.s, &r.m
	s.space()
	start := s.i
	m.setDecodedPerIter = true
	m.decodedPerIter, m.hasDecodedPerIter, err = s.number()
	if f := m.decodedPerIter; r.strict && m.hasDecodedPerIter && !(0 <= f && f <= largestCount) {
		m.decodedPerIter, m.hasDecodedPerIter = 0, false
		what := "too large"
		if f < 0 {
			what = "negative"
		} else if math.IsNaN(f) {
			what = "not a number"
		}
		r.noteOdd("avg_decoded_tokens_per_iter", s.b[start:s.i], what)
	}
	return err
}

func (r *messageReader) disaggregated(key []byte) error {
	s := &r.s
	s.space()
	start := s.i
	err := s.skip()
	if string(key) == "ctx_request_id" && err == nil {
		if r.m.ctx = s.b[start:s.i]; string(r.m.ctx) == "null" {
			r.m.ctx = nil
		}
	}
	return err
}

func (r *messageReader) readText() (err error) {
	s, c := &r.s, r.at
	if r.strict && c.brings() && s.peek() == '"' && s.i+1 < len(s.b) && s.b[s.i+1] == '"' {
		return s.skip() // the text was in another member
	}
	c.hasText, c.text, c.textErr = true, nil, nil
	switch next := s.peek(); {
	case next == '"':
		c.text, c.textEsc, err = s.rawString()
		if c == &r.m.part {
			r.textEnd = s.i - 1
		}
		return err
	case next == '[' && r.strict:
		r.m.dialect |= bitParts
		c.textErr = nil
		before := s.i
		if err = s.array(r.parts); err == nil && s.i-before > 2 {
			c.choiceErr = errText // the original cannot add it to a string
		}
		return err
	}
	notEmpty, err := s.truth()
	if notEmpty {
		c.textErr = errText
	}
	return err
}

func (r *messageReader) delta(key []byte) (err error) {
	s, c := &r.s, r.at
	switch string(key) {
	case "content":
		return r.readText()
	case "role":
		c.role, err = s.truth()
		return err
	case "reasoning_content", "reasoning":
		return r.readReasoning(key)
	case "tool_calls":
		if s.peek() == '[' && r.strict {
			start := len(c.toolText)
			before := s.i
			err = s.array(r.tools)
			c.tools = c.tools || s.i-before > 2 || len(c.toolText) > start
			return err
		}
		c.tools, err = s.truth()
		return err
	case "function_call":
		if s.peek() == '{' && r.strict {
			c.tools = true
			return s.object(r.function)
		}
	case "error":
		if r.strict {
			return r.readError(&r.m.errRaw)
		}
	}
	return s.skip()
}

func (r *messageReader) readReasoning(key []byte) (err error) {
	s, c := &r.s, r.at
	if s.peek() != '"' {
		found, err := s.truth()
		c.reasons = c.reasons || found
		return err
	}
	raw, escaped, err := s.rawString()
	c.reasoningKeys++
	if len(raw) > 0 || c.reasoning == nil { // both keys may be there: the text counts once
		c.reasoning, c.reasoningEsc = raw, escaped
		if c == &r.m.part {
			r.reasoningEnd = s.i - 1
		}
	}
	if len(raw) > 0 {
		if len(key) == len("reasoning") {
			r.m.dialect |= bitReasoning
		} else {
			r.m.dialect |= bitReasoningContent
		}
	}
	return err
}

func (p *part) kind() Kind {
	switch {
	case p.brings():
		return Text
	case p.reasoned():
		return Reasoning
	case p.tools:
		return ToolCall
	case p.role && len(p.finish) == 0:
		return Role
	case !p.hasText && len(p.finish) > 0:
		return Finish
	default:
		return Token
	}
}
