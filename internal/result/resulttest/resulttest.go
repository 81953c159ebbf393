// Package resulttest checks result files against the schema, for tests. It takes the
// bytes of a file and fails the test that gave them; it changes nothing. It knows the part of
// JSON Schema that the schema of results uses, and its own test compares it with a complete
// validator: that one compiles the meta-schemas of all drafts at the start of each process, and
// package main's tests start hundreds of them.
package resulttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"loadgen/internal/pyjson"
	"loadgen/internal/result"
)

// Check returns what makes the text of a file differ from the schema, nil for nothing.
func Check(text []byte) error {
	v, err := plain(text)
	if err != nil {
		return err
	}
	root, err := parsed()
	if err != nil {
		return err
	}
	return validator{root, map[string]*regexp.Regexp{}}.check("", root, v)
}

// Validate fails the test where the text of a file is not what the schema allows.
func Validate(t testing.TB, text []byte) {
	t.Helper()
	if err := Check(text); err != nil {
		t.Errorf("the result file is not valid: %v", err)
	}
}

// parsed is the schema.
var parsed = sync.OnceValues(func() (root map[string]any, err error) {
	err = json.Unmarshal(result.Schema(), &root)
	return root, err
})

// plain decodes the text of a file; its numbers are json.Number.
func plain(text []byte) (any, error) {
	v, err := pyjson.Parse(text)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(pyjson.Append(nil, finite(v))))
	in.UseNumber()
	var out any
	return out, in.Decode(&out)
}

// validator checks values against parts of the schema.
type validator struct {
	root     map[string]any
	patterns map[string]*regexp.Regexp // those that were needed
}

// check returns how the value at a place differs from a schema.
func (c validator) check(at string, schema map[string]any, v any) error {
	for keyword, arg := range schema {
		if err := c.keyword(at, keyword, arg, v); err != nil {
			return err
		}
	}
	list, _ := v.([]any)
	for i, x := range list {
		if err := c.check(fmt.Sprint(at, "/", i), part(schema["items"]), x); err != nil {
			return err
		}
	}
	object, _ := v.(map[string]any)
	for name, x := range object {
		for _, rule := range c.memberRules(schema, name) {
			if rule == false {
				return fmt.Errorf("%s/%s: the schema has no such key", at, name)
			}
			if err := c.check(at+"/"+name, part(rule), x); err != nil {
				return err
			}
		}
	}
	return nil
}

// part is a part of a schema; one that is not there allows everything.
func part(v any) map[string]any {
	schema, _ := v.(map[string]any)
	return schema
}

// memberRules are the schemas of an object's member: that of its name and those of the patterns
// that fit it, or else that of all others.
func (c validator) memberRules(schema map[string]any, name string) (rules []any) {
	if rule, found := part(schema["properties"])[name]; found {
		rules = append(rules, rule)
	}
	for pattern, rule := range part(schema["patternProperties"]) {
		if c.patterns[pattern] == nil {
			c.patterns[pattern] = regexp.MustCompile(pattern)
		}
		if c.patterns[pattern].MatchString(name) {
			rules = append(rules, rule)
		}
	}
	if rest, found := schema["additionalProperties"]; found && rules == nil {
		rules = append(rules, rest)
	}
	return rules
}

// keyword returns how the value differs from what one keyword of a schema says of it.
func (c validator) keyword(at, keyword string, arg, v any) error {
	switch keyword {
	case "$schema", "$defs", "title", "description", "x-unit":
	case "items", "properties", "patternProperties", "additionalProperties": // see check
	case "type":
		allowed, several := arg.([]any)
		if !several {
			allowed = []any{arg}
		}
		if !slices.ContainsFunc(typesOf(v), func(name string) bool { return slices.Contains(allowed, any(name)) }) {
			return fmt.Errorf("%s: %v is not of type %v", at, v, arg)
		}
	case "const":
		if v != arg {
			return fmt.Errorf("%s: %v is not %v", at, v, arg)
		}
	case "required":
		object, isObject := v.(map[string]any)
		for _, name := range arg.([]any) {
			if _, found := object[name.(string)]; isObject && !found {
				return fmt.Errorf("%s: %s is missing", at, name)
			}
		}
	case "$ref":
		target, found := part(c.root["$defs"])[strings.TrimPrefix(arg.(string), "#/$defs/")]
		if !found {
			return fmt.Errorf("%s: the schema has no %s", at, arg)
		}
		return c.check(at, part(target), v)
	case "anyOf":
		var all []error
		for _, one := range arg.([]any) {
			err := c.check(at, part(one), v)
			if err == nil {
				return nil
			}
			all = append(all, err)
		}
		return errors.Join(all...)
	default:
		return fmt.Errorf("%s: the schema's keyword %s is not known here", at, keyword)
	}
	return nil
}

// typesOf names the types that a value has: an integer is a number as well.
func typesOf(v any) []string {
	switch v := v.(type) {
	case nil:
		return []string{"null"}
	case bool:
		return []string{"boolean"}
	case string:
		return []string{"string"}
	case []any:
		return []string{"array"}
	case json.Number:
		if x, err := v.Float64(); err == nil && x == math.Trunc(x) {
			return []string{"number", "integer"}
		}
		return []string{"number"}
	}
	return []string{"object"}
}

// finite replaces NaN and infinities, which the schema's numbers stand for too, with 0.
func finite(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0.0
		}
	case []float64:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = finite(x)
		}
		return out
	case [][]float64:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = finite(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = finite(x)
		}
		return out
	case pyjson.Object:
		out := make(pyjson.Object, len(v))
		for i, m := range v {
			out[i] = pyjson.Member{Key: m.Key, Value: finite(m.Value)}
		}
		return out
	}
	return v
}
