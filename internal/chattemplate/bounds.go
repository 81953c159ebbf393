package chattemplate

import "fmt"

// Limits of a value. A namespace may hold itself, and a list the same list many times over,
// so that a small template makes a value without end.
const (
	maxWalk  = 1_000_000 // parts of a value that are compared or written
	maxDepth = 1000      // of lists in lists
	maxItems = 1_000_000 // of a list that a text is cut into
)

// tooBig is what a walk panics with; caught makes it an error.
type tooBig struct{}

func (tooBig) Error() string {
	return fmt.Sprintf("a value has more than %d parts, %d levels or %d bytes", maxWalk, maxDepth, maxOutput)
}

// caught makes an error of a walk that went too far. It is to be deferred.
func caught(err *error) {
	switch r := recover().(type) {
	case nil:
	case tooBig:
		*err = r
	default:
		panic(r)
	}
}

// walk is one way through a value and all that it holds.
type walk struct{ parts, depth int }

func (w *walk) enter() {
	w.parts++
	if w.depth++; w.parts > maxWalk || w.depth > maxDepth {
		panic(tooBig{})
	}
}

func (w *walk) leave() { w.depth-- }

// short refuses a list of more than maxItems.
func (e *evaluator) short(items int) error {
	if items > maxItems {
		return fail(e.line, "it makes a list of more than %d items", maxItems)
	}
	return nil
}

// room refuses texts that would be longer together than an output may be.
func (e *evaluator) room(parts []string, between string) error {
	size := len(between) * max(len(parts)-1, 0)
	for _, p := range parts {
		if size += len(p); size > maxOutput {
			return fail(e.line, "it makes more than %d bytes", maxOutput)
		}
	}
	return nil
}
