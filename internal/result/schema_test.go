package result

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"loadgen/internal/pyjson"
)

var update = flag.Bool("update", false, "write docs/result.schema.json and the tables of docs/result.md")

// documented are the comments of the package's types and their fields.
type documented struct {
	types  map[string]string
	fields map[string]map[string]string
}

// sourceComments reads the comments of the package.
func sourceComments(t *testing.T) documented {
	t.Helper()
	d := documented{types: map[string]string{}, fields: map[string]map[string]string{}}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				s, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				d.types[s.Name.Name] = plainComment(s.Name.Name, g.Doc.Text())
				st, ok := s.Type.(*ast.StructType)
				if !ok {
					continue
				}
				of := map[string]string{}
				for _, field := range st.Fields.List {
					for _, name := range field.Names {
						of[name.Name] = plainComment(name.Name, field.Doc.Text())
					}
				}
				d.fields[s.Name.Name] = of
			}
		}
	}
	return d
}

// plainComment is a comment in one line, without the name it starts with.
func plainComment(name, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, start := range []string{name + " is ", name + " are ", name + " "} {
		if rest, ok := strings.CutPrefix(text, start); ok {
			if first, _, _ := strings.Cut(rest, " "); strings.Contains(first, "_") { // a key
				return rest
			}
			r := []rune(rest)
			return string(unicode.ToUpper(r[0])) + string(r[1:])
		}
	}
	return text
}

// typeName is a type's name; of a generic type without its arguments.
func typeName(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return name
}

// definition is the name of a struct type in the schema and the document.
func definition(t reflect.Type) string {
	name, argument, generic := strings.Cut(t.Name(), "[")
	if !generic {
		return name
	}
	argument = strings.TrimSuffix(argument, "]")
	return name + "_" + argument[strings.LastIndex(argument, ".")+1:]
}

// writer of the schema: definitions in the order in which they are met.
type schemaMaker struct {
	docs documented
	defs pyjson.Object
}

const anyPercentile = `^p[0-9]+(\.[0-9]+)?$`

// of is the schema of a type.
func (m *schemaMaker) of(t reflect.Type) pyjson.Object {
	kind := func(name string) pyjson.Object { return pyjson.Object{{Key: "type", Value: name}} }
	if t.Kind() == reflect.Pointer {
		return nullable(m.of(t.Elem()))
	}
	switch reflect.Zero(t).Interface().(type) {
	case pyjson.Object:
		return kind("object")
	case Rate:
		return pyjson.Object{{Key: "anyOf", Value: []any{kind("number"), pyjson.Object{{Key: "const", Value: "inf"}}}}}
	case Number:
		return kind("number")
	case DecimalPercentiles:
		return pyjson.Object{{Key: "type", Value: "object"}, {Key: "patternProperties", Value: pyjson.Object{{Key: anyPercentile, Value: kind("number")}}},
			{Key: "additionalProperties", Value: false}}
	}
	switch t.Kind() {
	case reflect.String:
		return kind("string")
	case reflect.Bool:
		return kind("boolean")
	case reflect.Int:
		return kind("integer")
	case reflect.Float64:
		return kind("number")
	case reflect.Map:
		return append(kind("object"), pyjson.Member{Key: "additionalProperties", Value: m.of(t.Elem())})
	case reflect.Slice:
		if keyField(t.Elem()) >= 0 {
			return append(kind("object"), pyjson.Member{Key: "additionalProperties", Value: m.of(t.Elem())})
		}
		return append(kind("array"), pyjson.Member{Key: "items", Value: m.of(t.Elem())})
	case reflect.Struct:
		name := definition(t)
		if m.defs.Get(name) == nil {
			m.defs.Set(name, true) // its place
			m.defs.Set(name, m.object(t))
		}
		return pyjson.Object{{Key: "$ref", Value: "#/$defs/" + name}}
	}
	panic(t)
}

func nullable(schema pyjson.Object) pyjson.Object {
	if name, ok := schema.Get("type").(string); ok && len(schema) == 1 {
		return pyjson.Object{{Key: "type", Value: []string{name, "null"}}}
	}
	return pyjson.Object{{Key: "anyOf", Value: []any{schema, pyjson.Object{{Key: "type", Value: "null"}}}}}
}

// object is the schema of a struct type.
func (m *schemaMaker) object(t reflect.Type) pyjson.Object {
	properties, required := pyjson.Object{}, []string{}
	o := pyjson.Object{{Key: "description", Value: m.docs.types[typeName(t)]}, {Key: "type", Value: "object"}}
	patterns := pyjson.Object{}
	for i := range t.NumField() {
		f := t.Field(i)
		switch key, omitEmpty := tagOf(f); {
		case key == "":
		case key == percentileKeys:
			patterns.Set(anyPercentile, pyjson.Object{{Key: "type", Value: "number"}})
		default:
			ft := f.Type
			if omitEmpty && ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
			}
			properties.Set(key, append(m.described(t, f), m.of(ft)...))
			if !omitEmpty {
				required = append(required, key)
			}
		}
	}
	o.Set("properties", properties)
	if len(patterns) > 0 {
		o.Set("patternProperties", patterns)
	}
	o.Set("required", required)
	o.Set("additionalProperties", false)
	return o
}

// described is the description of a field, with its unit.
func (m *schemaMaker) described(t reflect.Type, f reflect.StructField) pyjson.Object {
	o := pyjson.Object{{Key: "description", Value: m.docs.fields[typeName(t)][f.Name]}}
	if unit := f.Tag.Get("unit"); unit != "" {
		o.Set("x-unit", unit)
	}
	return o
}

// optional are the keys that not every file has.
var optional = []string{"input_lens", "output_lens", "ttfts", "itls", "e2els", "generated_texts", "errors", "energy", "loadgen"}

// schemaOfFile is the whole schema.
func schemaOfFile(t *testing.T) []byte {
	m := &schemaMaker{docs: sourceComments(t)}
	properties, required, patterns := pyjson.Object{}, []string{}, pyjson.Object{}
	number := pyjson.Object{{Key: "type", Value: "number"}}
	file := reflect.TypeFor[File]()
	for i := range file.NumField() {
		f := file.Field(i)
		key, _ := tagOf(f)
		described := m.described(file, f)
		ft := f.Type
		if ft.Kind() == reflect.Pointer && f.Tag.Get("null") == "" {
			ft = ft.Elem()
		}
		switch {
		case key == "":
			continue
		case key == "*":
			patterns.Set(`^(mean|median|std|p[0-9]+(\.[0-9]+)?)_(`+strings.Join(MetricNames[:], "|")+`)_ms$`, append(described, number...))
			continue
		case strings.HasPrefix(key, "*_"):
			patterns.Set(`^(mean|median|std|min|max|p[0-9]+(\.[0-9]+)?)`+key[1:]+`$`, append(described, number...))
			continue
		case key == decodedKey:
			properties.Set(key, append(described, pyjson.Object{{Key: "anyOf", Value: []any{m.of(ft), number}}}...))
		default:
			properties.Set(key, append(described, m.of(ft)...))
		}
		if !slices.Contains(optional, key) {
			required = append(required, key)
		}
	}
	text := pyjson.Append(nil, pyjson.Object{
		{Key: "$schema", Value: "https://json-schema.org/draft/2020-12/schema"},
		{Key: "title", Value: fmt.Sprintf("Result file of loadgen, version %d", SchemaVersion)},
		{Key: "description", Value: "The keys of benchmark_serving's result file, and loadgen's own object. NaN, Infinity and -Infinity may stand for numbers, as Python writes them."},
		{Key: "type", Value: "object"},
		{Key: "properties", Value: properties},
		{Key: "patternProperties", Value: patterns},
		{Key: "required", Value: required},
		{Key: "additionalProperties", Value: pyjson.Object{{Key: "description", Value: "The user's metadata."}, {Key: "type", Value: "string"}}},
		{Key: "$defs", Value: m.defs},
	})
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}

// TestSchemaIsOfTheTypes: docs/result.schema.json says what the types say; -update
// writes it.
func TestSchemaIsOfTheTypes(t *testing.T) {
	const path = "../../docs/result.schema.json"
	want := schemaOfFile(t)
	if *update {
		if err := os.WriteFile(path, want, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(Schema())); diff != "" {
		t.Errorf("%s is not of the types, -update writes it: %s", path, diff)
	}
}

// tables are the tables of docs/result.md: one for the file, then one for each type that
// it is made of.
func tables(t *testing.T) string {
	docs := sourceComments(t)
	var out strings.Builder
	done := map[string]bool{}
	queue := []reflect.Type{reflect.TypeFor[File]()}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if done[definition(at)] {
			continue
		}
		done[definition(at)] = true
		title := definition(at)
		if title == "File" {
			title = "The file"
		}
		fmt.Fprintf(&out, "### %s\n\n%s\n\n| key | type | unit | source | meaning |\n|---|---|---|---|---|\n", title, docs.types[typeName(at)])
		for i := range at.NumField() {
			f := at.Field(i)
			key, omitEmpty := tagOf(f)
			if key == "" {
				continue
			}
			if key == "*" {
				key = "STATISTIC_METRIC_ms"
			} else {
				key = strings.ReplaceAll(strings.ReplaceAll(key, "*_", "STATISTIC_"), "p*", "pN")
			}
			meaning := docs.fields[typeName(at)][f.Name]
			if meaning == "" {
				t.Errorf("%s.%s has no comment", at, f.Name)
			}
			ft := f.Type
			if at == reflect.TypeFor[File]() && ft.Kind() == reflect.Pointer && f.Tag.Get("null") == "" {
				ft = ft.Elem() // always there, or not there
			}
			shown, structs := shownType(ft)
			if omitEmpty {
				shown += ", optional"
			}
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", key, shown, f.Tag.Get("unit"), f.Tag.Get("from"), meaning)
			queue = append(queue, structs...)
		}
		out.WriteByte('\n')
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// shownType words a type, and returns the struct types in it that have tables.
func shownType(t reflect.Type) (string, []reflect.Type) {
	switch reflect.Zero(t).Interface().(type) {
	case pyjson.Object:
		return "object", nil
	case Rate, Number:
		return "number", nil
	case DecimalPercentiles, []Percentile:
		return "numbers by key", nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		shown, structs := shownType(t.Elem())
		return shown + " or null", structs
	case reflect.Slice:
		shown, structs := shownType(t.Elem())
		if keyField(t.Elem()) >= 0 {
			return shown + " by name", structs
		}
		return "array of " + shown, structs
	case reflect.Map:
		shown, structs := shownType(t.Elem())
		return shown + " by name", structs
	case reflect.Struct:
		name := definition(t)
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name)), []reflect.Type{t}
	case reflect.Bool:
		return "boolean", nil
	case reflect.Int:
		return "integer", nil
	case reflect.Float64:
		return "number", nil
	}
	return t.Kind().String(), nil
}

// TestPageHasEveryKey: the tables of docs/result.md are those of the types; -update
// writes them.
func TestPageHasEveryKey(t *testing.T) {
	const page, begin, end = "../../docs/result.md", "<!-- tables -->\n", "<!-- end -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("the page has no place for tables")
	}
	want := tables(t)
	if *update {
		if err := os.WriteFile(page, []byte(head+begin+want+end+tail), 0o666); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("%s is not of the types, -update writes it: %s", page, diff)
	}
}
