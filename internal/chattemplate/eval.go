package chattemplate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a rendering.
const (
	maxSteps  = 2_000_000
	maxOutput = 64 << 20
	maxCalls  = 200
	maxRange  = 100_000 // as Jinja2's sandbox has it
)

// RaisedError is what a template raises with raise_exception.
type RaisedError struct{ Message string }

// Error is the template's message.
func (e *RaisedError) Error() string { return e.Message }

type scope struct {
	values map[string]any
	outer  *scope
}

func (s *scope) get(name string) (any, bool) {
	for ; s != nil; s = s.outer {
		if v, ok := s.values[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) set(name string, v any) {
	if s.values == nil {
		s.values = map[string]any{}
	}
	s.values[name] = v
}

type evaluator struct {
	ctx   context.Context
	now   func() time.Time
	out   *strings.Builder
	size  int // of all that was written, kept or not
	steps int
	calls int
	scope *scope
	line  int
}

var (
	errBreak    = errors.New("break")
	errContinue = errors.New("continue")
)

func (e *evaluator) step() error {
	e.steps++
	if e.steps > maxSteps {
		return fail(e.line, "it takes more than %d steps", maxSteps)
	}
	if e.steps&1023 == 0 {
		return e.ctx.Err()
	}
	return nil
}

func (e *evaluator) write(text string) error {
	if e.size += len(text); e.size > maxOutput {
		return fail(e.line, "it makes more than %d bytes", maxOutput)
	}
	e.out.WriteString(text)
	return nil
}

// render executes the nodes of a template.
func (e *evaluator) render(nodes []node) (err error) {
	defer func() {
		if big, ok := err.(tooBig); ok {
			err = fail(e.line, "%v", big)
		}
	}()
	defer caught(&err)
	return e.body(nodes)
}

// capture returns what run writes.
func (e *evaluator) capture(run func() error) (string, error) {
	outer := e.out
	e.out = &strings.Builder{}
	err := run()
	text := e.out.String()
	e.out = outer
	return text, err
}

// within runs in a scope of its own.
func (e *evaluator) within(outer *scope, values map[string]any, run func() error) error {
	before := e.scope
	e.scope = &scope{values, outer}
	err := run()
	e.scope = before
	return err
}

func (e *evaluator) body(nodes []node) error {
	for _, n := range nodes {
		if err := e.exec(n); err != nil {
			return err
		}
	}
	return nil
}

func (e *evaluator) exec(n node) error {
	if err := e.step(); err != nil {
		return err
	}
	switch n := n.(type) {
	case *textNode:
		return e.write(n.text)
	case *outputNode:
		v, err := e.eval(n.expr)
		if err != nil {
			return err
		}
		return e.write(str(v))
	case *ifNode:
		for i, test := range n.tests {
			v, err := e.eval(test)
			if err != nil {
				return err
			}
			if truth(v) {
				return e.body(n.bodies[i])
			}
		}
		return e.body(n.other)
	case *forNode:
		v, err := e.eval(n.iter)
		if err != nil {
			return err
		}
		return e.loop(n, v, 1)
	case *setNode:
		return e.set(n)
	case *macroNode:
		e.scope.set(n.name, e.macro(n, e.scope))
		return nil
	case *callBlockNode:
		call := n.call.(*callNode)
		v, err := e.call(call, e.macro(n.caller, e.scope))
		if err != nil {
			return err
		}
		return e.write(str(v))
	case *filterNode:
		text, err := e.capture(func() error { return e.within(e.scope, nil, func() error { return e.body(n.body) }) })
		if err != nil {
			return err
		}
		v, err := e.filtered(text, n.filters)
		if err != nil {
			return err
		}
		return e.write(str(v))
	case *withNode:
		values := map[string]any{}
		for i, name := range n.names {
			v, err := e.eval(n.values[i])
			if err != nil {
				return err
			}
			values[name] = v
		}
		return e.within(e.scope, values, func() error { return e.body(n.body) })
	case *blockNode:
		return e.within(e.scope, nil, func() error { return e.body(n.body) })
	case *loopControl:
		if n.isBreak {
			return errBreak
		}
		return errContinue
	}
	return fail(e.line, "unknown statement")
}

func (e *evaluator) filtered(v any, filters []*callNode) (any, error) {
	for _, f := range filters {
		var err error
		if v, err = e.applyFilter(f, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (e *evaluator) set(n *setNode) error {
	e.line = n.line
	var v any
	var err error
	if n.value != nil {
		v, err = e.eval(n.value)
	} else {
		var text string
		text, err = e.capture(func() error { return e.within(e.scope, nil, func() error { return e.body(n.body) }) })
		if err == nil {
			v, err = e.filtered(text, n.filters)
		}
	}
	if err != nil {
		return err
	}
	values := []any{v}
	if len(n.targets) > 1 {
		if values, err = e.unpack(v, len(n.targets)); err != nil {
			return err
		}
	}
	for i, target := range n.targets {
		switch t := target.(type) {
		case *nameNode:
			e.scope.set(t.name, values[i])
		case *attrNode:
			of, _ := e.scope.get(t.of.(*nameNode).name)
			space, ok := of.(*namespace)
			if !ok {
				return fail(n.line, "cannot set an attribute of what is not a namespace")
			}
			space.values.Set(t.name, values[i])
		}
	}
	return nil
}

func (e *evaluator) unpack(v any, n int) ([]any, error) {
	items, err := e.iterate(v)
	if err != nil {
		return nil, err
	}
	if len(items) != n {
		return nil, fail(e.line, "cannot unpack %d values into %d names", len(items), n)
	}
	return items, nil
}

// macro makes a function of a macro.
func (e *evaluator) macro(n *macroNode, outer *scope) *function {
	return &function{n.name, func(e *evaluator, args []any, kwargs *Dict) (any, error) {
		values := map[string]any{}
		if v, ok := kwargs.Get("caller"); ok {
			values["caller"] = v
		}
		for i, name := range n.params {
			if i < len(args) {
				values[name] = args[i]
			} else if v, ok := kwargs.Get(name); ok {
				values[name] = v
			} else if k := i - (len(n.params) - len(n.defaults)); k >= 0 {
				err := e.within(&scope{values, outer}, nil, func() (err error) {
					values[name], err = e.eval(n.defaults[k])
					return err
				})
				if err != nil {
					return nil, err
				}
			} else {
				values[name] = undefined{fmt.Sprintf("parameter %q was not provided", name)}
			}
		}
		rest := &List{tuple: true}
		if len(args) > len(n.params) {
			rest.Items = args[len(n.params):]
			if !usesName(n.body, "varargs") {
				return nil, fail(n.line, "macro %q takes not more than %d argument(s)", n.name, len(n.params))
			}
		}
		values["varargs"], values["kwargs"] = rest, kwargs
		return e.capture(func() error {
			err := e.within(outer, values, func() error { return e.body(n.body) })
			if err == errBreak || err == errContinue {
				return fail(n.line, "break or continue outside of a loop")
			}
			return err
		})
	}}
}

// usesName reports whether one of some statements outputs or tests a name. It
// looks at the names that stand in them alone, which is enough for varargs.
func usesName(nodes []node, name string) bool {
	return strings.Contains(fmt.Sprintf("%+v", flatten(nodes)), name)
}

func flatten(nodes []node) (names []string) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *outputNode:
			names = append(names, namesOf(n.expr)...)
		case *forNode:
			names = append(append(names, namesOf(n.iter)...), flatten(n.body)...)
		case *ifNode:
			for i, t := range n.tests {
				names = append(append(names, namesOf(t)...), flatten(n.bodies[i])...)
			}
		}
	}
	return names
}

func namesOf(n node) []string {
	switch n := n.(type) {
	case *nameNode:
		return []string{n.name}
	case *attrNode:
		return namesOf(n.of)
	case *indexNode:
		return namesOf(n.of)
	case testNode:
		return namesOf(n.callNode)
	case *callNode:
		return namesOf(n.of)
	}
	return nil
}

func pow(a, b any) any {
	i, okA := a.(int64)
	j, okB := b.(int64)
	x := math.Pow(float(a), float(b))
	if okA && okB && j >= 0 && math.Abs(x) < 1<<62 {
		out := int64(1)
		for range j {
			out *= i
		}
		return out
	}
	return x
}

func runeCount(s string) int { return utf8.RuneCountInString(s) }
