// Package lazy makes what few runs need when it is first asked for, so that the start of
// the program does not pay for it.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp is a regular expression. As a constant of text it needs no code at the start.
type Regexp string

var compiled sync.Map // *regexp.Regexp by Regexp

// Get compiles the expression at its first call; one that is wrong panics.
func (r Regexp) Get() *regexp.Regexp {
	if re, ok := compiled.Load(r); ok {
		return re.(*regexp.Regexp)
	}
	re, _ := compiled.LoadOrStore(r, regexp.MustCompile(string(r)))
	return re.(*regexp.Regexp)
}

// Value is made when it is first asked for. Its zero value is ready for use and needs no code at
// the start of the program, and what makes it may refer to it.
type Value[T any] struct {
	once sync.Once
	v    T
}

// Get returns the value, which make gives at the first call.
func (l *Value[T]) Get(make func() T) T {
	l.once.Do(func() { l.v = make() })
	return l.v
}
