package recording

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"loadgen/internal/pyjson"
)

// Object is the settings as results and timeline files have them, in their order. An
// infinity or NaN is a string; header lines are pairs of name and value.
func (s *Settings) Object() pyjson.Object {
	var out pyjson.Object
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		field := v.Field(i).Addr().Interface()
		value := Plain(field)
		if field == &s.Header {
			value = pairs(s.Header)
		}
		out = append(out, pyjson.Member{Key: key(v.Type().Field(i)), Value: value})
	}
	return out
}

// key is a setting's name.
func key(f reflect.StructField) string { return f.Tag.Get("json") }

// Plain turns a pointer to a setting into a value for JSON; infinities and NaN are strings,
// what was not given is nil.
func Plain(value any) any {
	switch v := value.(type) {
	case *bool:
		return *v
	case *Records:
		return v.plain()
	case *string:
		return *v
	case *int:
		return *v
	case *float64:
		return Plain(*v)
	case **string:
		return deref(*v)
	case **int:
		return deref(*v)
	case **big.Int:
		if *v == nil {
			return nil
		}
		return *v
	case **float64:
		return deref(*v)
	case **[]string:
		return deref(*v)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return pyjson.FormatFloat(v)
		}
	}
	return value
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return Plain(any(*p))
}

func pairs(lines *[]string) any {
	if lines == nil {
		return nil
	}
	out := make([]any, len(*lines))
	for i, h := range Headers(*lines) {
		out[i] = []string{h[0], h[1]}
	}
	return out
}

// Headers splits NAME:VALUE lines.
func Headers(lines []string) (out [][2]string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		out = append(out, [2]string{name, strings.TrimSpace(value)})
	}
	return out
}

// MarshalJSON writes the settings as Object has them.
func (s *Settings) MarshalJSON() ([]byte, error) { return pyjson.Append(nil, s.Object()), nil }

// UnmarshalJSON reads what MarshalJSON has written. A setting that is not there keeps its
// value.
func (s *Settings) UnmarshalJSON(text []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		name := key(v.Type().Field(i))
		raw, there := values[name]
		if !there {
			continue
		}
		if err := s.read(v.Field(i).Addr().Interface(), raw); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return nil
}

// read reads one setting.
func (s *Settings) read(field any, raw json.RawMessage) error {
	var special float64
	var text string
	var header [][2]string
	switch {
	case field == &s.Header && string(raw) != "null":
		if err := json.Unmarshal(raw, &header); err != nil {
			return err
		}
		lines := make([]string, len(header))
		for i, h := range header {
			lines[i] = h[0] + ":" + h[1]
		}
		s.Header = &lines
		return nil
	case len(raw) > 0 && raw[0] == '"':
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		switch to := field.(type) {
		case *float64, **float64:
			x, err := strconv.ParseFloat(text, 64)
			if special = x; err != nil {
				return err
			}
			if p, ok := to.(*float64); ok {
				*p = special
			} else {
				*to.(**float64) = &special
			}
			return nil
		}
	}
	return json.Unmarshal(raw, field)
}
