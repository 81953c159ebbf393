package compare

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"loadgen/internal/lazy"
	"loadgen/internal/suggest"
	"loadgen/internal/yamlcheck"
)

// Read reads and checks a plan file. Errors name the line where there is one.
func Read(name string, b Bench) (*Plan, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	p, err := parse(text)
	if err == nil {
		err = p.Check(b)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// parse reads a plan without checking its values.
func parse(text []byte) (*Plan, error) {
	p := Default()
	if err := yamlcheck.Tables(text); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return p, nil
	} else if err != nil {
		return nil, plainYAML(err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: a second document begins here; a plan is one document", second.Line)
	}
	for _, node := range document.Content {
		if err := checkKeys(node, reflect.TypeFor[Plan](), 0); err != nil {
			return nil, err
		}
	}
	if err := document.Decode(p); err != nil {
		return nil, plainYAML(err)
	}
	return p, nil
}

// maxDepth is deeper than any plan, and ends an anchor that holds itself.
const maxDepth = 20

// otherKeys are what other plans call keys of these.
var otherKeys = map[string]string{"command": "start", "cmd": "start", "args": "start", "base_url": "url", "base-url": "url", "endpoint": "url",
	"concurrency": "concurrencies", "max_concurrency": "concurrencies", "requests": "prompts_per_concurrency", "runs": "repeats",
	"environment": "env", "workdir": "cwd", "output": "results", "result_dir": "results", "warmups": "warmup"}

// checkKeys checks a node that is to be decoded into a type: keys are known, and numbers
// are whole where they must be, as the decoder would cut fractions. It gives former keys
// their names of today.
func checkKeys(node *yaml.Node, to reflect.Type, depth int) error {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case depth > maxDepth:
		return fmt.Errorf("line %d: nested too deeply", node.Line)
	case reflect.PointerTo(to).Implements(reflect.TypeFor[yaml.Unmarshaler]()):
		return nil
	case to.Kind() == reflect.Int && node.ShortTag() == "!!float":
		return fmt.Errorf("line %d: %q where a whole number is expected", node.Line, node.Value)
	case to.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode:
		for _, child := range node.Content {
			if err := checkKeys(child, to.Elem(), depth+1); err != nil {
				return err
			}
		}
	case to.Kind() == reflect.Struct && node.Kind == yaml.MappingNode:
		return checkMapping(node, to, depth)
	}
	return nil
}

// meantKey says which of a table's keys an unknown one was probably meant to be, or where it belongs;
// "" where that does not show.
func meantKey(written string, table reflect.Type, names []string) string {
	near := suggest.Nearest(written, names)
	if ours := otherKeys[written]; slices.Contains(names, ours) {
		near = ours
	}
	isPlan, isServer := table == reflect.TypeFor[Plan](), table == reflect.TypeFor[Server]()
	switch {
	case isPlan && hasKey(reflect.TypeFor[Server](), written):
		return "; it is a key of each server"
	case isServer && hasKey(reflect.TypeFor[Plan](), written):
		return "; it is a key of the plan, not of a server"
	case near != "":
		return fmt.Sprintf("; did you mean %q?", near)
	case isPlan || isServer:
		return `; flags of the benchmark go under "flags"`
	}
	return ""
}

// hasKey reports whether a table has a key.
func hasKey(table reflect.Type, key string) bool {
	for i := range table.NumField() {
		if name, _, _ := strings.Cut(table.Field(i).Tag.Get("yaml"), ","); name == key {
			return true
		}
	}
	return false
}

func checkMapping(node *yaml.Node, to reflect.Type, depth int) error {
	fields, names := map[string]reflect.Type{}, []string{}
	former := map[string]string{}
	for i := range to.NumField() {
		f := to.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		fields[name], names = f.Type, append(names, name)
		if old := f.Tag.Get("former"); old != "" {
			former[old] = name
		}
	}
	given := map[string]string{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		written := key.Value
		if name, found := former[written]; found {
			key.Value = name
		}
		into, known := fields[key.Value]
		switch {
		case written == "<<":
			into = to
		case !known:
			return fmt.Errorf("line %d: unknown key %q%s", key.Line, written, meantKey(written, to, names))
		case given[key.Value] != "" && given[key.Value] != written:
			return fmt.Errorf("line %d: %q and %q are the same key: give one of them", key.Line, given[key.Value], written)
		}
		given[key.Value] = written
		if err := checkKeys(value, into, depth+1); err != nil {
			return err
		}
	}
	return nil
}

var wrongType = lazy.Regexp("cannot unmarshal (!!\\w+)(?: (`[^`]*`))? into (\\S+)")

// plainYAML says what is wrong with a plan in the terms of its author.
func plainYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if before, found := strings.CutSuffix(text, "found character that cannot start any token"); found {
		text = before + "a tab, @, ` or % begins a value: YAML is indented by blanks, and such a text is put in quotes"
	}
	text = strings.ReplaceAll(text, "unmarshal errors:\n  ", "")
	text = wrongType.Get().ReplaceAllStringFunc(text, func(text string) string {
		m := wrongType.Get().FindStringSubmatch(text)
		found := strings.ReplaceAll(m[2], "`", `"`)
		if found == "" {
			found = cmp.Or(map[string]string{"!!seq": "a list", "!!map": "a table"}[m[1]], "this")
		}
		expected := map[string]string{
			"int":               "a whole number",
			"[]int":             "a list of whole numbers",
			"string":            "a text",
			"[]string":          "a list of texts",
			"map[string]string": "a table of texts",
			"bool":              "true or false",
			"[]compare.Server":  "a list of servers",
		}[m[3]]
		return fmt.Sprintf("%s where %s is expected", found, cmp.Or(expected, "a table"))
	})
	return errors.New(text)
}
