package chattemplate

import (
	"slices"
	"strings"
)

func listOf(parts []string) *List {
	out := &List{Items: make([]any, len(parts))}
	for i, p := range parts {
		out.Items[i] = p
	}
	return out
}

// splitArguments are sep and maxsplit, by position or by name.
func (e *evaluator) splitArguments(args []any, kwargs *Dict) (sep string, most int, err error) {
	if v, ok := kwargs.Get("sep"); ok {
		args = []any{v}
	}
	if sep, err = e.text(args, 0, ""); err != nil {
		return
	}
	if v, ok := kwargs.Get("maxsplit"); ok {
		most, err = e.whole([]any{v}, 0, -1)
		return
	}
	most, err = e.whole(args, 1, -1)
	return
}

func splitMethod(e *evaluator, s string, args []any, kwargs *Dict) (any, error) {
	sep, most, err := e.splitArguments(args, kwargs)
	if err != nil {
		return nil, err
	}
	if err := e.short(strings.Count(s, sep)); err != nil && sep != "" {
		return nil, err
	}
	if sep != "" {
		if most < 0 {
			return listOf(strings.Split(s, sep)), nil
		}
		return listOf(strings.SplitN(s, sep, most+1)), nil
	}
	if len(args) > 0 && args[0] == "" {
		return nil, fail(e.line, "empty separator")
	}
	var parts []string
	s = strings.TrimLeftFunc(s, isSpace)
	for s != "" {
		i := strings.IndexFunc(s, isSpace)
		if i < 0 || most >= 0 && len(parts) == most {
			if i >= 0 {
				s = strings.TrimRightFunc(s, isSpace)
			}
			parts = append(parts, s)
			break
		}
		parts = append(parts, s[:i])
		if err := e.short(len(parts)); err != nil {
			return nil, err
		}
		s = strings.TrimLeftFunc(s[i:], isSpace)
	}
	return listOf(parts), nil
}

func rsplitMethod(e *evaluator, s string, args []any, kwargs *Dict) (any, error) {
	sep, most, err := e.splitArguments(args, kwargs)
	if err != nil || most < 0 || sep == "" {
		if err == nil && most >= 0 {
			err = fail(e.line, "rsplit without a separator and with maxsplit is not supported")
		}
		if err != nil {
			return nil, err
		}
		return splitMethod(e, s, args, kwargs)
	}
	var parts []string
	for len(parts) < most {
		i := strings.LastIndex(s, sep)
		if i < 0 {
			break
		}
		parts = append(parts, s[i+len(sep):])
		if err := e.short(len(parts)); err != nil {
			return nil, err
		}
		s = s[:i]
	}
	parts = append(parts, s)
	slices.Reverse(parts)
	return listOf(parts), nil
}

func linesMethod(e *evaluator, s string, args []any, kwargs *Dict) (any, error) {
	keep := len(args) > 0 && truth(args[0])
	if v, ok := kwargs.Get("keepends"); ok {
		keep = truth(v)
	}
	var parts []string
	for s != "" {
		if err := e.short(len(parts)); err != nil {
			return nil, err
		}
		i := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if i < 0 {
			parts = append(parts, s)
			break
		}
		end := i + 1
		switch {
		case strings.HasPrefix(s[i:], "\r\n"):
			end = i + 2
		case s[i] >= 0x80:
			end = i + 3
			if s[i] == 0xc2 {
				end = i + 2
			}
		}
		if keep {
			parts = append(parts, s[:end])
		} else {
			parts = append(parts, s[:i])
		}
		s = s[end:]
	}
	return listOf(parts), nil
}

func joinMethod(e *evaluator, s string, args []any, _ *Dict) (any, error) {
	if len(args) != 1 {
		return nil, fail(e.line, "join takes one argument")
	}
	items, err := e.iterate(args[0])
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(items))
	for i := range items {
		text, ok := items[i].(string)
		if !ok {
			return nil, fail(e.line, "sequence item %d: expected str instance, %s found", i, typeName(items[i]))
		}
		parts[i] = text
	}
	if err := e.room(parts, s); err != nil {
		return nil, err
	}
	return e.sized(strings.Join(parts, s))
}

func replaceMethod(e *evaluator, s string, args []any, kwargs *Dict) (any, error) {
	if len(args) < 2 {
		return nil, fail(e.line, "replace expected at least 2 arguments, got %d", len(args))
	}
	old, err := e.text(args, 0, "")
	if err != nil {
		return nil, err
	}
	with, err := e.text(args, 1, "")
	if err != nil {
		return nil, err
	}
	if v, ok := kwargs.Get("count"); ok {
		args = append(args[:2:2], v)
	}
	count, err := e.whole(args, 2, -1)
	if err != nil {
		return nil, err
	}
	if len(with) > 0 && strings.Count(s, old) > maxOutput/len(with) {
		return nil, fail(e.line, "it makes more than %d bytes", maxOutput)
	}
	return e.sized(strings.Replace(s, old, with, count))
}

func partMethod(find func(s, sub string) int) stringMethod {
	return func(e *evaluator, s string, args []any, _ *Dict) (any, error) {
		sep, err := e.text(args, 0, "")
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, fail(e.line, "empty separator")
		}
		parts := &List{Items: []any{s, "", ""}, tuple: true}
		if i := find(s, sep); i >= 0 {
			parts.Items = []any{s[:i], sep, s[i+len(sep):]}
		} else if find("aa", "a") == 1 { // from the right
			parts.Items = []any{"", "", s}
		}
		return parts, nil
	}
}

func padMethod(pad func(s string, n int, fill string) string) stringMethod {
	return func(e *evaluator, s string, args []any, _ *Dict) (any, error) {
		width, err := e.whole(args, 0, 0)
		if err != nil {
			return nil, err
		}
		fill, err := e.text(args, 1, " ")
		if err != nil {
			return nil, err
		}
		n := width - runeCount(s)
		if n <= 0 {
			return s, nil
		}
		return e.sized(pad(s, n, fill))
	}
}

// formatMethod is str.format with {}, {0} and {name}, without format specs.
func formatMethod(e *evaluator, s string, args []any, kwargs *Dict) (any, error) {
	var out strings.Builder
	next, numbered := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "{{"), strings.HasPrefix(s[i:], "}}"):
			out.WriteByte(s[i])
			i++
		case s[i] == '{':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				return nil, fail(e.line, "expected '}' before end of string")
			}
			name := s[i+1 : i+end]
			i += end
			var v any
			ok := false
			if name == "" || strings.Trim(name, "0123456789") == "" {
				k := next
				if name != "" {
					k = 0
					for _, c := range name {
						k = min(k*10+int(c-'0'), 1<<20)
					}
				}
				if name == "" {
					next++
				}
				if numbered = numbered || name != ""; numbered && next > 0 {
					return nil, fail(e.line, "cannot switch between manual field specification and automatic field numbering")
				}
				if ok = k < len(args); ok {
					v = args[k]
				}
			} else {
				v, ok = kwargs.Get(name)
			}
			if !ok {
				return nil, fail(e.line, "the format field {%s} is not supported or has no argument", name)
			}
			out.WriteString(str(v))
		default:
			out.WriteByte(s[i])
		}
	}
	return e.sized(out.String())
}
