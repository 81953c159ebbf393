package trtsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/lazy"
)

// model is one of the server's models of JSON objects, whose rules are pydantic's:
// a number may stand in a string, a truth value be 1 or "yes", null anything.
type model struct {
	name     string
	all      string // NAME:KIND of its fields
	required []string
	kinds    lazy.Value[map[string]string]
}

// kind is what a field may hold, and whether there is one of that name.
func (m *model) kind(field string) (kind string, known bool) {
	kinds := m.kinds.Get(func() map[string]string {
		all := map[string]string{}
		for _, field := range strings.Fields(m.all) {
			name, kind, _ := strings.Cut(field, ":")
			all[name] = kind
		}
		return all
	})
	kind, known = kinds[field]
	return kind, known
}

// error is the validation's message on what is wrong.
func (m *model) error(wrong ...string) error {
	s := "s"
	if len(wrong) == 1 {
		s = ""
	}
	return fmt.Errorf("%d validation error%s for %s\n%s", len(wrong), s, m.name, strings.Join(wrong, "\n"))
}

// read reads an object and returns what is wrong with its fields, whose names stand
// behind a path; err is for what is no object.
func (m *model) read(body []byte, path string) (f fields, wrong []string, err error) {
	if err := json.Unmarshal(body, &f); err != nil {
		if !json.Valid(body) {
			return nil, nil, m.error(fmt.Sprintf("  JSON decode error [type=json_invalid]: %v", err))
		}
		return nil, nil, m.error(fmt.Sprintf("  Input should be a valid dictionary or object to extract fields from [type=model_attributes_type, input_value=%.60s]", body))
	}
	for name, raw := range f {
		kind, known := m.kind(name)
		switch {
		case !known:
			wrong = append(wrong, fmt.Sprintf("%s%s\n  Extra inputs are not permitted [type=extra_forbidden, input_value=%.60s]", path, name, raw))
		case f.has(name) && !kinds()[kind].accepts(raw):
			wrong = append(wrong, fmt.Sprintf("%s%s\n  Input should be %s [type=%s, input_value=%.60s]", path, name, kinds()[kind].message, kinds()[kind].code, raw))
		}
	}
	for _, name := range m.required {
		if !f.has(name) {
			wrong = append(wrong, path+name+"\n  Field required [type=missing]")
		}
	}
	return f, wrong, nil
}

// kinds are what fields may hold.
func kinds() map[string]kind { return kindTable.Get(newKinds) }

var kindTable lazy.Value[map[string]kind]

type kind struct {
	message, code string
	accepts       func(json.RawMessage) bool
}

func newKinds() map[string]kind {
	return map[string]kind{
		"any":      {"", "", func(json.RawMessage) bool { return true }},
		"string":   {"a valid string", "string_type", func(raw json.RawMessage) bool { return raw[0] == '"' }},
		"object":   {"a valid dictionary", "dict_type", func(raw json.RawMessage) bool { return raw[0] == '{' }},
		"list":     {"a valid list", "list_type", func(raw json.RawMessage) bool { return raw[0] == '[' }},
		"number":   {"a valid number", "float_type", func(raw json.RawMessage) bool { _, err := lax(raw); return err == nil }},
		"integer":  {"a valid integer", "int_type", func(raw json.RawMessage) bool { x, err := lax(raw); return err == nil && x == math.Trunc(x) }},
		"boolean":  {"a valid boolean", "bool_type", func(raw json.RawMessage) bool { _, ok := laxTruth(raw); return ok }},
		"integers": {"a valid list of integers", "list_type", func(raw json.RawMessage) bool { return json.Unmarshal(raw, &[]int{}) == nil }},
		"prompt": {"a string, a list of strings, a list of token ids or a list of such lists", "union", func(raw json.RawMessage) bool {
			_, _, ok := readPrompts(raw)
			return ok
		}},
		"messages": {"a valid list of messages with a role each", "list_type", func(raw json.RawMessage) bool { _, ok := readMessages(raw); return ok }},
	}
}

// lax reads a number, which may stand in a string or be a truth value.
func lax(raw json.RawMessage) (float64, error) {
	switch text := strings.TrimSpace(strings.Trim(string(raw), `"`)); {
	case string(raw) == "true":
		return 1, nil
	case string(raw) == "false":
		return 0, nil
	case text == "" || !strings.ContainsRune("+-.0123456789", rune(text[0])):
		return 0, errors.New("not a number")
	default:
		return strconv.ParseFloat(text, 64)
	}
}

// laxTruth reads a truth value.
func laxTruth(raw json.RawMessage) (value, ok bool) {
	text := strings.ToLower(strings.Trim(string(raw), `"`))
	value = slices.Contains([]string{"true", "1", "1.0", "t", "yes", "y", "on"}, text)
	return value, value || slices.Contains([]string{"false", "0", "0.0", "f", "no", "n", "off"}, text)
}

// fields are an object's, valid ones when they are asked for values.
type fields map[string]json.RawMessage

// has reports whether a field is there and not null.
func (f fields) has(name string) bool { return f[name] != nil && string(f[name]) != "null" }

func (f fields) text(name string) (text string) {
	_ = json.Unmarshal(f[name], &text)
	return text
}

func (f fields) pointer(name string) *int {
	if !f.has(name) {
		return nil
	}
	x, _ := lax(f[name])
	n := int(min(max(x, -1<<53), 1<<53))
	return &n
}

func (f fields) integer(name string, otherwise int) int {
	if n := f.pointer(name); n != nil {
		return *n
	}
	return otherwise
}

func (f fields) integers(name string) (all []int) {
	if f.has(name) {
		_ = json.Unmarshal(f[name], &all)
	}
	return all
}

func (f fields) truth(name string, otherwise bool) bool {
	if value, ok := laxTruth(f[name]); ok {
		return value
	}
	return otherwise
}
