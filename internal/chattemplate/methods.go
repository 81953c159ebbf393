package chattemplate

import (
	"fmt"
	"strings"
	"unicode"

	"loadgen/internal/lazy"
)

// method returns a method of a value, bound to it. Those that change a list or a
// dictionary are refused, as in Jinja2's immutable sandbox.
func (e *evaluator) method(of any, name string) (any, bool, error) {
	switch of := of.(type) {
	case string:
		if m, ok := stringMethods()[name]; ok {
			return &function{name, func(e *evaluator, args []any, kwargs *Dict) (any, error) { return m(e, of, args, kwargs) }}, true, nil
		}
		if name == "format_map" || name == "encode" || name == "translate" {
			return nil, false, fail(e.line, "the method %q of a string is not supported", name)
		}
	case *Dict:
		switch name {
		case "keys", "values", "items", "get", "copy":
			return &function{name, func(e *evaluator, args []any, _ *Dict) (any, error) { return e.dictMethod(of, name, args) }}, true, nil
		case "clear", "pop", "popitem", "setdefault", "update":
			return unsafe(name, "dict"), true, nil
		}
	case *List:
		switch name {
		case "index", "count", "copy":
			return &function{name, func(e *evaluator, args []any, _ *Dict) (any, error) { return e.listMethod(of, name, args) }}, true, nil
		case "append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort":
			if !of.tuple {
				return unsafe(name, "list"), true, nil
			}
		}
	}
	return nil, false, nil
}

// unsafe is what an attribute is that a template must not reach: using it fails.
func unsafe(name, kind string) undefined {
	return undefined{fmt.Sprintf("access to attribute %q of %q object is unsafe", name, kind)}
}

func (e *evaluator) dictMethod(d *Dict, name string, args []any) (any, error) {
	switch name {
	case "keys":
		return &List{Items: d.keys}, nil
	case "copy":
		return d, nil
	case "get":
		if len(args) == 0 || len(args) > 2 {
			return nil, fail(e.line, "get expected 1 or 2 arguments, got %d", len(args))
		}
		if v, ok := d.Get(args[0]); ok {
			return v, nil
		}
		if len(args) == 2 {
			return args[1], nil
		}
		return nil, nil
	}
	out := &List{}
	for _, key := range d.keys {
		v := d.values[hashed(key)]
		if name == "items" {
			v = &List{[]any{key, v}, true}
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}

func (e *evaluator) listMethod(l *List, name string, args []any) (any, error) {
	if name == "copy" {
		return l, nil
	}
	if len(args) == 0 {
		return nil, fail(e.line, "%s() takes an argument", name)
	}
	count := int64(0)
	for i, x := range l.Items {
		if equal(x, args[0]) {
			if name == "index" {
				return int64(i), nil
			}
			count++
		}
	}
	if name == "index" {
		return nil, fail(e.line, "%s is not in the list", repr(args[0]))
	}
	return count, nil
}

type stringMethod func(e *evaluator, s string, args []any, kwargs *Dict) (any, error)

// text is a string argument, or otherwise.
func (e *evaluator) text(args []any, i int, otherwise string) (string, error) {
	if i >= len(args) || args[i] == nil {
		return otherwise, nil
	}
	s, ok := args[i].(string)
	if !ok {
		return "", fail(e.line, "expected a string, not %s", typeName(args[i]))
	}
	return s, nil
}

// whole is an integer argument, or otherwise.
func (e *evaluator) whole(args []any, i int, otherwise int) (int, error) {
	if i >= len(args) || args[i] == nil {
		return otherwise, nil
	}
	x, _ := number(args[i])
	n, ok := x.(int64)
	if !ok {
		return 0, fail(e.line, "expected an integer, not %s", typeName(args[i]))
	}
	return int(max(min(n, maxOutput), -maxOutput)), nil
}

func mapped(f func(string) string) stringMethod {
	return func(_ *evaluator, s string, _ []any, _ *Dict) (any, error) { return f(s), nil }
}

// all reports whether a string has runes and all are of a kind.
func all(is func(rune) bool) stringMethod {
	return func(_ *evaluator, s string, _ []any, _ *Dict) (any, error) {
		return s != "" && strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0, nil
	}
}

// cased reports whether a string has letters with case, and none of the other.
func cased(is, other func(rune) bool) stringMethod {
	return func(_ *evaluator, s string, _ []any, _ *Dict) (any, error) {
		return strings.IndexFunc(s, is) >= 0 && strings.IndexFunc(s, other) < 0, nil
	}
}

func trimmed(left, right bool) stringMethod {
	return func(e *evaluator, s string, args []any, _ *Dict) (any, error) {
		is := isSpace
		if len(args) > 0 && args[0] != nil {
			set, err := e.text(args, 0, "")
			if err != nil {
				return nil, err
			}
			is = func(r rune) bool { return strings.ContainsRune(set, r) }
		}
		if left {
			s = strings.TrimLeftFunc(s, is)
		}
		if right {
			s = strings.TrimRightFunc(s, is)
		}
		return s, nil
	}
}

// isSpace is white space as Python's str.strip has it.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// affix tests for one of several prefixes or suffixes.
func affix(has func(s, affix string) bool) stringMethod {
	return func(e *evaluator, s string, args []any, _ *Dict) (any, error) {
		if len(args) == 0 {
			return nil, fail(e.line, "expected a string")
		}
		candidates := args[:1]
		if l, ok := args[0].(*List); ok && l.tuple {
			candidates = l.Items
		}
		if len(args) > 1 {
			from, err := e.whole(args, 1, 0)
			if err != nil {
				return nil, err
			}
			runes := []rune(s)
			if from < 0 {
				from = max(from+len(runes), 0)
			}
			s = string(runes[min(from, len(runes)):])
		}
		for i := range candidates {
			text, err := e.text(candidates, i, "")
			if err != nil {
				return nil, err
			}
			if has(s, text) {
				return true, nil
			}
		}
		return false, nil
	}
}

func found(find func(s, sub string) int, must bool) stringMethod {
	return func(e *evaluator, s string, args []any, _ *Dict) (any, error) {
		sub, err := e.text(args, 0, "")
		if err != nil {
			return nil, err
		}
		from, err := e.whole(args, 1, 0)
		if err != nil {
			return nil, err
		}
		runes := []rune(s)
		if from < 0 {
			from = max(from+len(runes), 0)
		}
		from = min(from, len(runes))
		i := find(string(runes[from:]), sub)
		if i < 0 {
			if must {
				return nil, fail(e.line, "substring not found")
			}
			return int64(-1), nil
		}
		return int64(from + runeCount(string(runes[from:])[:i])), nil
	}
}

func cutOff(cut func(s, affix string) string) stringMethod {
	return func(e *evaluator, s string, args []any, _ *Dict) (any, error) {
		text, err := e.text(args, 0, "")
		return cut(s, text), err
	}
}

var methodTable lazy.Value[map[string]stringMethod]

func stringMethods() map[string]stringMethod { return methodTable.Get(newStringMethods) }

func newStringMethods() map[string]stringMethod {
	return map[string]stringMethod{
		"upper": mapped(strings.ToUpper), "lower": mapped(strings.ToLower), "casefold": mapped(strings.ToLower),
		"title": mapped(titled), "capitalize": mapped(capitalized), "swapcase": mapped(swapped),
		"strip": trimmed(true, true), "lstrip": trimmed(true, false), "rstrip": trimmed(false, true),
		"startswith": affix(strings.HasPrefix), "endswith": affix(strings.HasSuffix),
		"removeprefix": cutOff(strings.TrimPrefix), "removesuffix": cutOff(strings.TrimSuffix),
		"find": found(strings.Index, false), "rfind": found(strings.LastIndex, false),
		"index": found(strings.Index, true), "rindex": found(strings.LastIndex, true),
		"isdigit": all(unicode.IsDigit), "isdecimal": all(unicode.IsDigit), "isnumeric": all(unicode.IsNumber), "isalpha": all(unicode.IsLetter),
		"isalnum": all(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		"isspace": all(isSpace), "isupper": cased(unicode.IsUpper, unicode.IsLower), "islower": cased(unicode.IsLower, unicode.IsUpper),
		"isascii": mappedBool(func(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }),
		"split":   splitMethod, "rsplit": rsplitMethod, "splitlines": linesMethod, "join": joinMethod, "replace": replaceMethod,
		"count": func(e *evaluator, s string, args []any, _ *Dict) (any, error) {
			sub, err := e.text(args, 0, "")
			return int64(strings.Count(s, sub)), err
		},
		"partition": partMethod(strings.Index), "rpartition": partMethod(strings.LastIndex),
		"zfill": padMethod(func(s string, n int, _ string) string {
			if s != "" && (s[0] == '-' || s[0] == '+') {
				return s[:1] + strings.Repeat("0", n) + s[1:]
			}
			return strings.Repeat("0", n) + s
		}),
		"ljust":  padMethod(func(s string, n int, fill string) string { return s + strings.Repeat(fill, n) }),
		"rjust":  padMethod(func(s string, n int, fill string) string { return strings.Repeat(fill, n) + s }),
		"format": formatMethod,
	}
}

func mappedBool(f func(string) bool) stringMethod {
	return func(_ *evaluator, s string, _ []any, _ *Dict) (any, error) { return f(s), nil }
}

func capitalized(s string) string {
	for i, r := range s {
		return string(unicode.ToTitle(r)) + strings.ToLower(s[i+len(string(r)):])
	}
	return s
}

// titled begins every run of letters with a capital.
func titled(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		was := inWord
		if inWord = unicode.IsLetter(r); was {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

func swapped(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}
