package stream

import "fmt"

// The classes of failure that a decoder finds. Transports add their own.
const (
	HTTPStatus   Class = "http_status"   // a status other than 200
	Cut          Class = "cut"           // the connection ended before the answer did
	Closed       Class = "closed"        // the connection ended before the answer began
	BadHTTP      Class = "bad_http"      // not HTTP, or a broken head or chunk
	BadEncoding  Class = "bad_encoding"  // a content coding that is unknown or broken
	BadUTF8      Class = "bad_utf8"      // text that is not UTF-8
	BadJSON      Class = "bad_json"      // an event that is not JSON
	BadEvent     Class = "bad_event"     // JSON of another shape
	LineTooLong  Class = "line_too_long" // a line beyond the limit
	TooLong      Class = "too_long"      // more events or bytes than the limit
	NotSSE       Class = "not_sse"       // something else than an event stream
	ErrorEvent   Class = "error_event"   // the server's own error
	FinishReason Class = "finish_reason" // a finish reason that is no success
	NoTokens     Class = "no_tokens"     // an end without any token
	NoEnd        Class = "no_end"        // an end with neither a finish reason nor [DONE]
	NoUsage      Class = "no_usage"      // a whole answer without the token counts
)

// NeverValid is the original's sentence for a stream without choices.
const NeverValid = "Never received a valid chunk to calculate TTFT.This response will be marked as failed!"

// newError is an exception in the original's sense.
func newError(class Class, format string, args ...any) *Error {
	return &Error{Class: class, Message: string(class) + ": " + fmt.Sprintf(format, args...), Exception: true}
}

// plainError is an error that is no exception in the original's sense.
func plainError(class Class, format string, args ...any) *Error {
	err := newError(class, format, args...)
	err.Exception = false
	return err
}
