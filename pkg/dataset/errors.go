package dataset

import (
	"fmt"
	"strings"
)

// Kind says what is wrong, so that a command line can say which option helps.
type Kind int

// The kinds of error.
const (
	// BadOption: an option's value is out of range, or two do not fit together.
	BadOption Kind = iota
	// NoPath: the data set needs a file or a hub id and was given none.
	NoPath
	// Unreadable: a file cannot be opened, read, decompressed or downloaded.
	Unreadable
	// Malformed: a file is not of the form that the data set needs.
	Malformed
	// Empty: nothing is left to send.
	Empty
	// NeedsChat: the data set can be sent as chat only.
	NeedsChat
	// NeedsTemplate: the data set needs the model's chat template.
	NeedsTemplate
	// NeedsSplit: the data set on the hub needs a split or a subset that it has.
	NeedsSplit
	// TooSlow: a download took longer than DownloadTimeout.
	TooSlow
	// Unknown: there is no data set of that name or id.
	Unknown
)

// Error is what is wrong with a data set. Its text holds all members but Kind.
type Error struct {
	Kind Kind
	// File and Line (from 1) are where; "" and 0 where there is no such place.
	File string
	Line int
	// Text is what failed and what was found.
	Text string
	// Want is an example of the right form, "" if there is none.
	Want string
	// Err is the cause, nil if there is none.
	Err error
}

// Error says where, what was found and what was expected.
func (e *Error) Error() string {
	var out strings.Builder
	if e.File != "" {
		out.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&out, ":%d", e.Line)
		}
		out.WriteString(": ")
	}
	out.WriteString(e.Text)
	if e.Err != nil {
		fmt.Fprintf(&out, ": %v", e.Err)
	}
	if e.Want != "" {
		fmt.Fprintf(&out, "; expected %s", e.Want)
	}
	return out.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func optionError(format string, args ...any) error {
	return &Error{Kind: BadOption, Text: fmt.Sprintf(format, args...)}
}

// position is where in a file something stands.
type position struct {
	file string
	line int // from 1; 0 for files without lines
	row  int // from 1: the record's number
}

// malformed is an error at a position, with an example of the right form.
func (p position) malformed(want, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if p.row > 0 && p.line == 0 {
		text = fmt.Sprintf("row %d: %s", p.row, text)
	}
	return &Error{Kind: Malformed, File: p.file, Line: p.line, Text: text, Want: want}
}

// shorten is text for a message: one line, cut to a readable length.
func shorten(text string) string {
	const most = 60
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) > most {
		return fmt.Sprintf("%q...", string(runes[:most]))
	}
	return fmt.Sprintf("%q", string(runes))
}
