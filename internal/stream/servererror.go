package stream

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// serverError is a failure as the server describes it: the text of an error, JSON or
// not. Of an object it is the message, and behind it what else it says.
func serverError(said []byte) *Error {
	return plainError(ErrorEvent, "the server says: %s", clip([]byte(describe(said)), 2000))
}

// describe is what an error's JSON says, in a line.
func describe(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "(nothing)"
	}
	if raw[0] == '"' && utf8.Valid(raw) {
		if s := (scanner{b: raw}); true {
			if text, _, err := s.rawString(); err == nil && s.i == len(raw) {
				return string(appendUnescaped(nil, text))
			}
		}
	}
	message, rest := "", []string(nil)
	s := scanner{b: raw}
	if raw[0] != '{' || !utf8.Valid(raw) {
		return string(raw)
	}
	err := s.object(func(key []byte) error {
		name := string(key)
		s.space()
		start := s.i
		if err := s.skip(); err != nil {
			return err
		}
		value := s.b[start:s.i]
		switch text := plain(value); {
		case value[0] == '"' && message == "" && (name == "message" || name == "detail" || name == "msg" || name == "text" || name == "error"):
			message = text
		case name == "error" && value[0] == '{' && message == "":
			message = describe(value)
		case string(value) == "null" || string(value) == `""` || string(value) == "{}" || name == "object" && text == "error":
		default:
			rest = append(rest, name+" "+text)
		}
		return nil
	})
	switch {
	case err != nil || message == "":
		return string(raw)
	case len(rest) > 0:
		return message + " (" + strings.Join(rest, ", ") + ")"
	}
	return message
}

// plain is the text of a JSON string, any other value as it is.
func plain(value []byte) string {
	if value[0] == '"' {
		return string(appendUnescaped(nil, value[1:len(value)-1]))
	}
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return string(value)
	}
	return compact.String()
}
