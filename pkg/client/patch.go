package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"loadgen/internal/pyjson"
)

// CheckPatch returns what is wrong with a BodyPatch, as New does; "" is none.
func CheckPatch(text string) error {
	if text == "" {
		return nil
	}
	if _, err := parsePatch(text); err != nil {
		return &Problem{Code: "body_patch", Err: err}
	}
	return nil
}

// parsePatch reads a JSON merge patch, its keys in order.
func parsePatch(text string) (pyjson.Object, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := ordered(d)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("there is more after the first JSON value")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the body patch is not JSON: %w (its text is not shown, it may hold a secret)", err)
	}
	patch, ok := v.(pyjson.Object)
	if !ok {
		return nil, errors.New("the body patch is not a JSON object (its text is not shown, it may hold a secret)")
	}
	return patch, nil
}

// ordered reads one JSON value; objects keep the order of their keys.
func ordered(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := pyjson.Object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := ordered(d)
			if err != nil {
				return nil, err
			}
			object.Set(key.(string), value)
		}
		_, err := d.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := ordered(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.Token()
		return list, err
	}
	if n, ok := token.(json.Number); ok {
		return pyjson.Raw(n), nil
	}
	return token, nil
}

// mergePatch applies a merge patch (RFC 7386, section 2): null removes a key,
// objects merge, anything else replaces.
func mergePatch(target, patch pyjson.Object) pyjson.Object {
	for _, m := range patch {
		inner, isObject := m.Value.(pyjson.Object)
		switch {
		case m.Value == nil:
			target = without(target, m.Key)
		case isObject:
			old, _ := target.Get(m.Key).(pyjson.Object)
			target.Set(m.Key, mergePatch(append(pyjson.Object{}, old...), inner))
		default:
			target.Set(m.Key, m.Value)
		}
	}
	return target
}

func without(object pyjson.Object, key string) pyjson.Object {
	for i := range object {
		if object[i].Key == key {
			return append(object[:i:i], object[i+1:]...)
		}
	}
	return object
}
