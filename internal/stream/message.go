package stream

import "errors"

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

// messageReader reads messages into memory of its own, so that reading one
// allocates nothing.
type messageReader struct {
	shape shape
	m     message // the one read last
	s     scanner
	body  string // the choice's member that holds the text: "text", "delta" or "message"
	// strict reads all choices, whichever member their text is in, and texts given as parts.
	strict bool
	// mostChoices is how many choices of a message are read; others are skipped.
	mostChoices int

	at        *part // the choice at hand
	moreStore []part
	odd       []oddCount // of the message read last
	counts    *UsageCounts
	elsewhere bool

	textEnd, reasoningEnd int // where the text and the reasoning of choice 0 end

	piece partText // the content part at hand
}

func newMessageReader(o Options) *messageReader {
	r := &messageReader{body: "text", strict: o.Mode == Strict, mostChoices: o.mostChoices()}
	switch {
	case o.API == Chat && o.Streaming:
		r.body = "delta"
	case o.API == Chat:
		r.body = "message"
	}
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
		err = r.s.object(r.top)
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
			if err = s.array(r.choices); len(r.moreStore) > 0 {
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
			return s.object(r.usage)
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
			return s.object(r.wrapped)
		}
	case "timings":
		if s.peek() == '{' && r.strict {
			return s.object(r.timings)
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

// has reports whether a choice has its text already: in its own member, even if empty.
func (r *messageReader) has(c *part) bool {
	return c.brings() || r.body != "text" && c.choiceErr == nil
}
