package stream

import (
	"errors"
	"math"
)

// message is what loadgen reads of one JSON object of an answer. Of duplicate
// keys the last one counts, as in a Python dict.
type message struct {
	isObject          bool
	hasChoices        bool // "choices" is there and true in Python's sense
	textEsc           bool
	hasText           bool // text is there, even if null
	role              bool
	reasoning         bool
	tools             bool
	hasDecodedPerIter bool
	setDecodedPerIter bool
	hasUsage          bool // "usage" is there and true in Python's sense
	hasError          bool // "error" is there and true, or "object" is "error"

	text      []byte // escaped, of choice 0; nil when there is none
	choiceErr error
	textErr   error // the text cannot be added to a string
	finish    []byte
	usageErr  error
	usage     UsageCounts

	decodedPerIter float64
	errText        []byte
	topText        []byte // "message" at the top, where some servers put an error's words
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
	body  string // the choice's member that holds the text: "", "delta" or "message"

	textEnd int // where the text of choice 0 ends

	onTop, onChoice, onDelta, onUsage, onDetails, onError func(key []byte) error
	onChoices                                             func(i int) error
}

func newMessageReader(api API, streaming bool) *messageReader {
	r := &messageReader{}
	switch {
	case api == Chat && streaming:
		r.body = "delta"
	case api == Chat:
		r.body = "message"
	}
	r.onTop, r.onChoice, r.onDelta = r.top, r.choice, r.delta
	r.onUsage, r.onDetails, r.onError, r.onChoices = r.usage, r.details, r.errorObject, r.choices
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
		r.shape.keep(b, &r.m, r.textEnd)
	}
	return err
}

func (r *messageReader) readWhole(b []byte) error {
	r.m, r.s = message{usage: UsageCounts{-1, -1, -1}}, scanner{b: b}
	var err error
	if r.s.peek() == '{' {
		r.m.isObject = true
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
	switch string(key) {
	case "choices":
		*m = message{isObject: true, hasUsage: m.hasUsage, usageErr: m.usageErr, usage: m.usage,
			hasError: m.hasError, errText: m.errText, topText: m.topText}
		switch s.peek() {
		case '[':
			return s.array(r.onChoices)
		default:
			if m.hasChoices, err = s.truth(); m.hasChoices {
				m.choiceErr = errChoices
			}
			return err
		}
	case "usage":
		m.usage, m.hasUsage, m.usageErr = UsageCounts{-1, -1, -1}, false, nil
		if s.peek() == '{' {
			return s.object(r.onUsage)
		}
		if m.hasUsage, err = s.truth(); m.hasUsage {
			m.usageErr = errUsage
		}
		return err
	case "error":
		m.errText = nil
		start := s.i
		s.space()
		switch s.peek() {
		case '{':
			m.hasError = true
			err = s.object(r.onError)
		case '"':
			m.errText, _, err = s.rawString()
			m.hasError = len(m.errText) > 0
		default:
			m.hasError, err = s.truth()
		}
		if err == nil && m.hasError && m.errText == nil {
			m.errText = s.b[start:s.i]
		}
		return err
	case "object", "message":
		if s.peek() != '"' {
			break
		}
		value, _, err := s.rawString()
		if string(key) == "message" {
			m.topText = value
		} else if string(value) == "error" {
			m.hasError = true
		}
		return err
	}
	return s.skip()
}

func (r *messageReader) choices(i int) error {
	s, m := &r.s, &r.m
	m.hasChoices = true
	if i > 0 {
		return s.skip()
	}
	if s.peek() != '{' {
		m.choiceErr = errChoices
		return s.skip()
	}
	switch r.body {
	case "delta":
		m.choiceErr = errDelta
	case "message":
		m.choiceErr = errMessage
	}
	return s.object(r.onChoice)
}

func (r *messageReader) choice(key []byte) (err error) {
	s, m := &r.s, &r.m
	switch string(key) {
	case "text":
		if r.body == "" {
			return r.readText()
		}
	case "delta", "message":
		if string(key) != r.body {
			break
		}
		m.text, m.textErr, m.hasText, m.role, m.reasoning, m.tools = nil, nil, false, false, false, false
		if s.peek() != '{' {
			break
		}
		m.choiceErr = nil
		return s.object(r.onDelta)
	case "finish_reason":
		m.finish = nil
		if s.peek() == '"' {
			m.finish, _, err = s.rawString()
			return err
		}
	case "avg_decoded_tokens_per_iter":
		m.setDecodedPerIter = true
		m.decodedPerIter, m.hasDecodedPerIter, err = s.number()
		return err
	}
	return s.skip()
}

func (r *messageReader) readText() (err error) {
	s, m := &r.s, &r.m
	m.hasText, m.text, m.textErr = true, nil, nil
	if s.peek() == '"' {
		m.text, m.textEsc, err = s.rawString()
		r.textEnd = s.i - 1
		return err
	}
	notEmpty, err := s.truth()
	if notEmpty {
		m.textErr = errText
	}
	return err
}

func (r *messageReader) delta(key []byte) (err error) {
	s, m := &r.s, &r.m
	switch string(key) {
	case "content":
		return r.readText()
	case "role":
		m.role, err = s.truth()
		return err
	case "reasoning_content", "reasoning":
		found, err := s.truth()
		m.reasoning = m.reasoning || found
		return err
	case "tool_calls":
		m.tools, err = s.truth()
		return err
	}
	return s.skip()
}

func (r *messageReader) usage(key []byte) error {
	s, m := &r.s, &r.m
	m.hasUsage = true
	switch string(key) {
	case "prompt_tokens":
		return r.count(&m.usage.Prompt)
	case "completion_tokens":
		return r.count(&m.usage.Completion)
	case "prompt_tokens_details":
		if s.peek() == '{' {
			return s.object(r.onDetails)
		}
	}
	return s.skip()
}

func (r *messageReader) details(key []byte) error {
	if string(key) == "cached_tokens" {
		return r.count(&r.m.usage.Cached)
	}
	return r.s.skip()
}

// count reads a count into n: -1 when it is none.
func (r *messageReader) count(n *int) error {
	f, ok, err := r.s.number()
	switch {
	case err != nil:
		return err
	case !ok || math.IsNaN(f):
		*n = -1
	case f >= math.MaxInt:
		*n = math.MaxInt
	default:
		*n = int(f)
	}
	return nil
}

func (r *messageReader) errorObject(key []byte) (err error) {
	if string(key) == "message" && r.s.peek() == '"' {
		r.m.errText, _, err = r.s.rawString()
		return err
	}
	return r.s.skip()
}
