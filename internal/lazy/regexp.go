// Package lazy makes what few runs need when it is first asked for, so that the start of
// the program does not pay for it.
package lazy

import (
	"regexp"
	"sync"
)

// Regexp compiles an expression at the first call of what it returns.
func Regexp(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
