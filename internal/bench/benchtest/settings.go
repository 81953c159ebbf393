// Package benchtest runs benchmarks in tests: it takes the command lines of the reference
// data as Settings, and servers in memory, and gives a run with its analysis and result
// file. It is for tests alone: it reads full flag names only and checks no values.
package benchtest

import (
	"math/big"
	"reflect"
	"strings"
	"testing"

	"loadgen/internal/argparse"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
)

// Settings reads a command line whose flags are named as the settings are.
func Settings(t testing.TB, argv []string) recording.Settings {
	t.Helper()
	s := recording.Defaults()
	v := reflect.ValueOf(&s).Elem()
	var flags []argparse.Flag
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		f := flagOf(v.Type().Field(i))
		flags = append(flags, f)
		fields[f.Name] = v.Field(i)
	}
	values, err := argparse.Parse(flags, argv)
	if err != nil {
		t.Fatalf("%q: %v", argv, err)
	}
	for name, value := range values {
		set(fields[name], value)
	}
	return s
}

// Arguments are the original's arguments of a command line, in its order.
func Arguments(s *recording.Settings) (out pyjson.Object) {
	for _, m := range s.Object() {
		if m.Key == "dry_run" { // the first of loadgen's own
			break
		}
		out = append(out, m)
	}
	return out
}

// flagOf is a setting's flag.
func flagOf(field reflect.StructField) argparse.Flag {
	key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	f := argparse.Flag{Name: "--" + strings.ReplaceAll(key, "_", "-"), Exact: true, Repeats: key == "header"}
	kind := field.Type
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch {
	case kind == reflect.TypeFor[big.Int]() || kind.Kind() == reflect.Int:
		f.Kind = argparse.Int
	case kind.Kind() == reflect.Float64:
		f.Kind = argparse.Float
	case kind.Kind() == reflect.String:
		f.Kind = argparse.String
	case kind.Kind() == reflect.Slice:
		f.Kind = argparse.List
	case kind == reflect.TypeFor[recording.Records]():
		f.Kind = argparse.Optional
	}
	return f
}

// set puts what argparse gave into a field.
func set(field reflect.Value, value any) {
	if n, ok := value.(*big.Int); ok && field.Type() != reflect.TypeFor[*big.Int]() {
		value = int(n.Int64())
	}
	if field.Type() == reflect.TypeFor[recording.Records]() {
		value = recording.Records{Asked: true, Dir: value.(string)}
	}
	v := reflect.ValueOf(value)
	if field.Kind() == reflect.Pointer && field.Type() != v.Type() {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	field.Set(v)
}
