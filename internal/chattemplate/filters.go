package chattemplate

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"loadgen/internal/lazy"
)

type filter func(e *evaluator, v any, a *arguments) (any, error)

// arguments are those of a filter, by position or by name.
type arguments struct {
	args   []any
	kwargs *Dict
}

func (a *arguments) get(i int, name string) (any, bool) {
	if v, ok := a.kwargs.Get(name); ok {
		return v, true
	}
	if i >= 0 && i < len(a.args) {
		return a.args[i], true
	}
	return nil, false
}

func (a *arguments) text(i int, name, otherwise string) string {
	if v, ok := a.get(i, name); ok && v != nil {
		return str(v)
	}
	return otherwise
}

func (a *arguments) flag(i int, name string) bool {
	v, _ := a.get(i, name)
	return truth(v)
}

func (a *arguments) whole(i int, name string, otherwise int) int {
	v, _ := a.get(i, name)
	if x, ok := number(v); ok {
		return int(max(min(float(x), maxOutput), -maxOutput))
	}
	return otherwise
}

func (e *evaluator) applyFilter(n *callNode, v any) (any, error) {
	args, kwargs, err := e.arguments(n)
	if err != nil {
		return nil, err
	}
	e.line = n.line
	return filters()[n.name](e, v, &arguments{args, kwargs})
}

var filterTable lazy.Value[map[string]filter]

func filters() map[string]filter { return filterTable.Get(newFilters) }

func textFilter(f func(string) string) filter {
	return func(e *evaluator, v any, _ *arguments) (any, error) { return e.sized(f(str(v))) }
}

func newFilters() map[string]filter {
	return map[string]filter{
		"upper": textFilter(strings.ToUpper), "lower": textFilter(strings.ToLower), "title": textFilter(titleFilter), "capitalize": textFilter(capitalized),
		"string": textFilter(func(s string) string { return s }), "safe": func(_ *evaluator, v any, _ *arguments) (any, error) { return v, nil },
		"e": textFilter(escaped), "escape": textFilter(escaped), "forceescape": textFilter(escaped), "urlencode": textFilter(quoteURL),
		"trim": func(e *evaluator, v any, a *arguments) (any, error) {
			if chars, ok := a.get(0, "chars"); ok && chars != nil {
				return strings.Trim(str(v), str(chars)), nil
			}
			return strings.TrimFunc(str(v), isSpace), nil
		},
		"tojson": toJSON, "length": length, "count": length, "default": otherwise, "d": otherwise,
		"first": func(e *evaluator, v any, _ *arguments) (any, error) { return e.end(v, false) },
		"last":  func(e *evaluator, v any, _ *arguments) (any, error) { return e.end(v, true) },
		"list": func(e *evaluator, v any, _ *arguments) (any, error) {
			items, err := e.iterate(v)
			return &List{Items: items}, err
		},
		"join": join, "replace": func(e *evaluator, v any, a *arguments) (any, error) {
			return replaceMethod(e, str(v), stringsOf(a.args), a.kwargs)
		},
		"items": func(e *evaluator, v any, _ *arguments) (any, error) {
			switch d := v.(type) {
			case *Dict:
				return e.dictMethod(d, "items", nil)
			case undefined:
				return &List{}, nil
			}
			return nil, fail(e.line, "can only get item pairs from a mapping")
		},
		"dictsort": dictSort, "sort": sorted, "unique": unique, "reverse": reversed, "min": extreme(-1), "max": extreme(1), "sum": sum,
		"map": mapFilter, "select": selected(false, true), "reject": selected(false, false), "selectattr": selected(true, true), "rejectattr": selected(true, false),
		"groupby": groupBy, "batch": batch, "slice": sliceFilter,
		"int": toInt, "float": toFloat, "abs": absolute, "round": rounded,
		"attr":   func(e *evaluator, v any, a *arguments) (any, error) { return e.attr(v, a.text(0, "name", "")) },
		"indent": indented, "wordcount": func(_ *evaluator, v any, _ *arguments) (any, error) { return int64(len(strings.Fields(str(v)))), nil },
		"truncate": truncated, "center": func(e *evaluator, v any, a *arguments) (any, error) {
			s := str(v)
			n := a.whole(0, "width", 80) - runeCount(s)
			if n <= 0 {
				return s, nil
			}
			left := n / 2
			if n%2 == 1 && (n+runeCount(s))%2 == 1 { // as Python's str.center
				left++
			}
			return e.sized(strings.Repeat(" ", left) + s + strings.Repeat(" ", n-left))
		},
		"format": func(e *evaluator, v any, a *arguments) (any, error) {
			if len(a.kwargs.keys) > 0 {
				return e.percent(str(v), a.kwargs)
			}
			return e.percent(str(v), &List{a.args, true})
		},
	}
}

func stringsOf(args []any) []any {
	out := slices.Clone(args)
	for i := range min(2, len(out)) {
		out[i] = str(out[i])
	}
	return out
}

func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace(s)
}

func quoteURL(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "%2F", "/")
}

// titleFilter begins every word with a capital; words end at blanks, dashes and
// opening brackets.
func titleFilter(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		was := start
		start = unicode.IsSpace(r) || strings.ContainsRune("-({[<", r)
		if was {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func toJSON(e *evaluator, v any, a *arguments) (any, error) {
	j := &jsonStyle{item: ", ", key: ": ", ascii: a.flag(0, "ensure_ascii"), sort: a.flag(3, "sort_keys")}
	if indent, ok := a.get(1, "indent"); ok && indent != nil {
		j.pretty, j.item = true, ","
		if s, ok := indent.(string); ok {
			j.indent = s
		} else {
			j.indent = strings.Repeat(" ", max(0, min(a.whole(1, "indent", 0), 100)))
		}
	}
	if s, ok := a.get(2, "separators"); ok && s != nil {
		parts, err := e.unpack(s, 2)
		if err != nil {
			return nil, err
		}
		j.item, j.key = str(parts[0]), str(parts[1])
	}
	out, err := j.append(nil, v, 0)
	if err != nil {
		return nil, fail(e.line, "%v", err)
	}
	return e.sized(string(out))
}

func length(e *evaluator, v any, _ *arguments) (any, error) {
	switch v := v.(type) {
	case string:
		return int64(runeCount(v)), nil
	case nil, bool, int64, float64, *function, *namespace:
		return nil, fail(e.line, "object of type %q has no len()", typeName(v))
	}
	items, err := e.iterate(v)
	return int64(len(items)), err
}

func otherwise(_ *evaluator, v any, a *arguments) (any, error) {
	_, missing := v.(undefined)
	if missing || a.flag(1, "boolean") && !truth(v) {
		other, ok := a.get(0, "default_value")
		if !ok {
			other = ""
		}
		return other, nil
	}
	return v, nil
}

func (e *evaluator) end(v any, last bool) (any, error) {
	items, err := e.iterate(v)
	switch {
	case err != nil:
		return nil, err
	case len(items) == 0:
		return undefined{"the sequence is empty"}, nil
	case last:
		return items[len(items)-1], nil
	}
	return items[0], nil
}

// attribute follows a path such as function.name or 0.
func (e *evaluator) attribute(v any, path any) (any, error) {
	if path == nil {
		return v, nil
	}
	for _, part := range strings.Split(str(path), ".") {
		var key any = part
		if n, err := strconv.ParseInt(part, 10, 64); err == nil {
			key = n
		}
		if _, ok := v.(undefined); ok {
			return v, nil
		}
		var err error
		if v, err = e.index(v, key); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func join(e *evaluator, v any, a *arguments) (any, error) {
	items, err := e.iterate(v)
	if err != nil {
		return nil, err
	}
	attribute, _ := a.get(1, "attribute")
	parts := make([]string, len(items))
	for i, x := range items {
		if x, err = e.attribute(x, attribute); err != nil {
			return nil, err
		}
		parts[i] = str(x)
	}
	between := a.text(0, "d", "")
	if err := e.room(parts, between); err != nil {
		return nil, err
	}
	return e.sized(strings.Join(parts, between))
}

func toInt(_ *evaluator, v any, a *arguments) (any, error) {
	fallback, ok := a.get(0, "default")
	if !ok {
		fallback = int64(0)
	}
	if x, ok := number(v); ok {
		if i, ok := x.(int64); ok {
			return i, nil
		}
		return int64(float(x)), nil
	}
	if s, ok := v.(string); ok {
		s = strings.TrimSpace(s)
		if n, err := strconv.ParseInt(s, a.whole(1, "base", 10), 64); err == nil {
			return n, nil
		}
		if x, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			return int64(x), nil
		}
	}
	return fallback, nil
}

func toFloat(_ *evaluator, v any, a *arguments) (any, error) {
	if x, ok := number(v); ok {
		return float(x), nil
	}
	if s, ok := v.(string); ok {
		if x, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
			return x, nil
		}
	}
	if fallback, ok := a.get(0, "default"); ok {
		return fallback, nil
	}
	return 0.0, nil
}

func absolute(e *evaluator, v any, _ *arguments) (any, error) {
	x, ok := number(v)
	if !ok {
		return nil, fail(e.line, "bad operand type for abs(): %q", typeName(v))
	}
	if i, ok := x.(int64); ok {
		return max(i, -i), nil
	}
	return math.Abs(float(x)), nil
}

func rounded(e *evaluator, v any, a *arguments) (any, error) {
	x, ok := number(v)
	if !ok {
		return nil, fail(e.line, "type %s doesn't define round", typeName(v))
	}
	scale := math.Pow(10, float64(max(-300, min(a.whole(0, "precision", 0), 300))))
	switch a.text(1, "method", "common") {
	case "ceil":
		return math.Ceil(float(x)*scale) / scale, nil
	case "floor":
		return math.Floor(float(x)*scale) / scale, nil
	}
	if i, ok := x.(int64); ok && scale >= 1 {
		return i, nil
	}
	return math.RoundToEven(float(x)*scale) / scale, nil
}

func indented(e *evaluator, v any, a *arguments) (any, error) {
	pad := strings.Repeat(" ", max(0, min(a.whole(0, "width", 4), 1000)))
	if width, ok := a.get(0, "width"); ok {
		if s, ok := width.(string); ok {
			pad = s
		}
	}
	lines := strings.Split(str(v), "\n")
	for i := range lines {
		if i == 0 && !a.flag(1, "first") || i > 0 && lines[i] == "" && !a.flag(2, "blank") {
			continue
		}
		lines[i] = pad + lines[i]
	}
	return e.sized(strings.Join(lines, "\n"))
}

func truncated(_ *evaluator, v any, a *arguments) (any, error) {
	s := []rune(str(v))
	n, end := a.whole(0, "length", 255), a.text(2, "end", "...")
	if len(s) <= n+a.whole(3, "leeway", 5) {
		return string(s), nil
	}
	cut := string(s[:max(0, min(n-runeCount(end), len(s)))])
	if !a.flag(1, "killwords") {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}
