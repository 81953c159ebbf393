package stream

import "errors"

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

// message is what loadgen reads of one JSON object of an answer. Of duplicate keys
// the last one counts, as in a Python dict.
type message struct {
	part       // choice 0: the first of the list
	more       []part
	isObject   bool
	empty      bool // an object without members
	hasChoices bool // "choices" is there and true in Python's sense
	notList    bool // "choices" is no list of objects
	completion bool // it has a key of a completion, true or not
	heartbeat  bool // "type" is that of a keep-alive
	complains  bool // it has a key that errors have
	fresh      bool // it was read in full, not by its shape

	hasDecodedPerIter bool
	setDecodedPerIter bool
	hasUsage          bool // "usage" is there and true in Python's sense
	hasError          bool // "error" is there and true, or "object" is "error"

	usageErr       error
	usage          UsageCounts
	elsewhere      UsageCounts // usage of another place than its own
	reasoningCount int
	hasElsewhere   bool
	dialect        dialectBits
	decodedPerIter float64

	errRaw  []byte // the value of "error"
	model   []byte // escaped
	id      []byte // escaped
	ctx     []byte // the token of ctx_request_id
	metrics []byte
}

var (
	errNotObject = errors.New("the event is not a JSON object")
	errChoices   = errors.New("\"choices\" is not a list of objects")
	errDelta     = errors.New("choice 0 has no \"delta\" object")
	errMessage   = errors.New("choice 0 has no \"message\" object")
	errNoText    = errors.New("choice 0 has no text")
	errText      = errors.New("the text of choice 0 is not a string")
	errUsage     = errors.New("\"usage\" is not an object")
)

// messageReader reads messages; it keeps its closures so that reading one
// allocates nothing.
type messageReader struct {
	shape shape
	m     message // the one read last
	s     scanner
	body  string // the choice's member that holds the text: "text", "delta" or "message"
	// strict reads all choices, whichever member their text is in, and texts given as parts.
	strict bool

	at        *part // the choice at hand
	moreStore []part
	odd       []oddCount // of the message read last
	counts    *UsageCounts
	elsewhere bool

	textEnd, reasoningEnd int // where the text and the reasoning of choice 0 end

	onTop, onChoice, onDelta, onUsage, onDetails, onOutputDetails func(key []byte) error
	onTool, onFunction, onDisaggregated, onWrapped, onTimings     func(key []byte) error
	onPart                                                        func(key []byte) error
	onChoices, onTools, onParts                                   func(i int) error

	piece partText // the content part at hand
}

func newMessageReader(api API, streaming bool, mode Mode) *messageReader {
	r := &messageReader{body: "text", strict: mode == Strict}
	switch {
	case api == Chat && streaming:
		r.body = "delta"
	case api == Chat:
		r.body = "message"
	}
	r.onTop, r.onChoice, r.onDelta, r.onChoices = r.top, r.choice, r.delta, r.choices
	r.onUsage, r.onDetails, r.onOutputDetails, r.onWrapped, r.onTimings = r.usage, r.details, r.outputDetails, r.wrapped, r.timings
	r.onTool, r.onFunction, r.onTools, r.onDisaggregated = r.tool, r.function, r.tools, r.disaggregated
	r.onParts, r.onPart = r.parts, r.part
	return r
}

// read reads the JSON text b, valid UTF-8, into r.m, which then refers to it.
func (r *messageReader) read(b []byte) error {
	if r.shape.fill(b, &r.m) {
		return nil
	}
	r.shape.forget()
	err := r.readWhole(b)
	if err == nil {
		r.shape.keep(b, &r.m, r)
	}
	return err
}

func (r *messageReader) readWhole(b []byte) error {
	r.m, r.s = message{usage: unknown, elsewhere: unknown, fresh: true}, scanner{b: b}
	r.odd, r.counts, r.elsewhere, r.moreStore = r.odd[:0], &r.m.usage, false, r.moreStore[:0]
	var err error
	if r.s.peek() == '{' {
		r.m.isObject, r.m.empty = true, true
		err = r.s.object(r.onTop)
	} else {
		err = r.s.skip()
	}
	if err != nil {
		return err
	}
	return r.s.end()
}

func (r *messageReader) top(key []byte) (err error) {
	s, m := &r.s, &r.m
	m.empty = false
	switch string(key) {
	case "choices":
		m.part, m.more, r.moreStore, m.completion = part{}, nil, r.moreStore[:0], true
		m.hasChoices, m.notList, m.hasDecodedPerIter, m.setDecodedPerIter, m.decodedPerIter = false, false, false, false, 0
		if s.peek() == '[' {
			if err = s.array(r.onChoices); len(r.moreStore) > 0 {
				m.more = r.moreStore
			}
			return err
		}
		m.hasChoices, err = s.truth()
		m.notList = m.hasChoices
		return err
	case "usage":
		m.usage, m.hasUsage, m.usageErr, m.completion = unknown, false, nil, true
		if s.peek() == '{' {
			return s.object(r.onUsage)
		}
		if m.hasUsage, err = s.truth(); m.hasUsage {
			m.usageErr = errUsage
		}
		return err
	case "error":
		return r.readError(&m.errRaw)
	case "object", "type":
		if s.peek() != '"' {
			break
		}
		value, _, err := s.rawString()
		switch string(value) {
		case "error":
			m.hasError = true
		case "chat.completion.chunk", "text_completion", "chat.completion":
			m.completion = true
		case "ping", "keepalive", "keep-alive", "heartbeat":
			m.heartbeat = true
		}
		return err
	case "detail", "message", "errors", "exception":
		m.complains = true
	case "model":
		return r.readString(&m.model)
	case "id":
		return r.readString(&m.id)
	case "metrics":
		if s.peek() == '{' {
			start := s.i
			err = s.skip()
			m.metrics = s.b[start:s.i]
			return err
		}
	case "x_groq":
		if s.peek() == '{' && r.strict {
			return s.object(r.onWrapped)
		}
	case "timings":
		if s.peek() == '{' && r.strict {
			return s.object(r.onTimings)
		}
	}
	return s.skip()
}

// readError reads the value of a key "error": an error unless Python takes it for false.
func (r *messageReader) readError(raw *[]byte) error {
	s := &r.s
	s.space()
	start := s.i
	found, err := s.truth()
	if err == nil && found {
		r.m.hasError, *raw = true, s.b[start:s.i]
	}
	return err
}

// readString reads a string into raw, escaped; any other value is none.
func (r *messageReader) readString(raw *[]byte) (err error) {
	if r.s.peek() != '"' {
		return r.s.skip()
	}
	*raw, _, err = r.s.rawString()
	return err
}

func (r *messageReader) choices(i int) error {
	s, m := &r.s, &r.m
	m.hasChoices = true
	if i == 0 {
		r.at = &m.part
	} else if r.strict {
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
	return s.object(r.onChoice)
}

// has reports whether a choice has its text already: in its own member, even if empty.
func (r *messageReader) has(c *part) bool {
	return c.brings() || r.body != "text" && c.choiceErr == nil
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
		return s.object(r.onDelta)
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
			m := &r.m
			m.setDecodedPerIter = true
			m.decodedPerIter, m.hasDecodedPerIter, err = s.number()
			return err
		}
	case "disaggregated_params":
		if s.peek() == '{' && c == &r.m.part {
			return s.object(r.onDisaggregated)
		}
	}
	return s.skip()
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
		if err = s.array(r.onParts); err == nil && s.i-before > 2 {
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
			err = s.array(r.onTools)
			c.tools = c.tools || s.i-before > 2 || len(c.toolText) > start
			return err
		}
		c.tools, err = s.truth()
		return err
	case "function_call":
		if s.peek() == '{' && r.strict {
			c.tools = true
			return s.object(r.onFunction)
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

func (r *messageReader) tools(int) error {
	if r.s.peek() != '{' {
		return r.s.skip()
	}
	return r.s.object(r.onTool)
}

func (r *messageReader) tool(key []byte) error {
	if string(key) == "function" && r.s.peek() == '{' {
		return r.s.object(r.onFunction)
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
		err = s.object(r.onPart)
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
			return s.array(r.onParts)
		}
		return r.readString(&r.piece.text)
	}
	return s.skip()
}
