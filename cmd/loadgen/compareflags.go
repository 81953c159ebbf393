package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"loadgen/internal/argparse"
)

// benchFlags are flags of the benchmark by name, without the dashes.
type benchFlags struct {
	values map[string]any
	lines  map[string]int // in the plan file, by option
}

func (f *benchFlags) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want flags of the benchmark and their values, such as {seed: 3}", node.Line)
	}
	*f = benchFlags{map[string]any{}, map[string]int{}}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, line := node.Content[i].Value, node.Content[i].Line
		name := strings.ReplaceAll(strings.TrimLeft(key, "-"), "_", "-")
		if before, found := f.lines["--"+name]; found {
			return fmt.Errorf("line %d: flags: --%s is there already, in line %d", line, name, before)
		}
		var value any
		if err := node.Content[i+1].Decode(&value); err != nil {
			return err
		}
		f.values[name], f.lines["--"+name] = value, line
	}
	return nil
}

func (f benchFlags) MarshalYAML() (any, error) { return f.values, nil }

// IsZero tells that no flags need be written.
func (f benchFlags) IsZero() bool { return len(f.values) == 0 }

// ours are the options that a comparison sets by keys of its own.
var ours = map[string]string{"--base-url": "url", "--host": "url", "--port": "url", "--max-concurrency": "levels", "--warmup": "warmup", "--result-dir": "results", "--result-filename": "results"}

// argv is the flags as a command line. A true is a switch, a false its absence.
func (f benchFlags) argv(table []flag) (argv []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		option := "--" + name
		words, err := optionWords(table, option, f.values[name])
		if err != nil {
			return nil, f.at(option, fmt.Errorf("flags: %w", err))
		}
		argv = append(argv, words...)
	}
	return argv, nil
}

// optionWords is one flag as words of a command line.
func optionWords(table []flag, option string, value any) (words []string, err error) {
	row := slices.IndexFunc(table, func(t flag) bool { return t.Name == option })
	switch key := ours[option]; {
	case row < 0:
		return nil, fmt.Errorf("the benchmark has no flag %s", option)
	case key != "":
		return nil, fmt.Errorf("%s is the comparison's own: use the plan's key %s", option, key)
	}
	switch v := value.(type) {
	case bool:
		if table[row].Kind != argparse.Switch {
			return nil, fmt.Errorf("%s wants a value", option)
		}
		if v {
			words = append(words, option)
		}
	case []any:
		if !table[row].Repeats {
			words = append(words, option)
		}
		for _, one := range v {
			if table[row].Repeats {
				words = append(words, option)
			}
			words = append(words, fmt.Sprint(one))
		}
	case nil:
		return nil, fmt.Errorf("%s has no value", option)
	case map[string]any, map[any]any:
		return nil, fmt.Errorf("%s wants a value, not a table", option)
	default:
		words = append(words, option+"="+fmt.Sprint(v))
	}
	return words, nil
}

var namedArgument = regexp.MustCompile(`argument (--[a-z0-9-]+)`)

// at adds to an error the line of an option, or, without one, of the option that
// the error names.
func (f benchFlags) at(option string, err error) error {
	if m := namedArgument.FindStringSubmatch(err.Error()); option == "" && m != nil {
		option = m[1]
	}
	if line := f.lines[option]; line > 0 {
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

// seed is the value of the flag of this name, or another one.
func (f benchFlags) seed(otherwise int) int {
	if n, ok := f.values["seed"].(int); ok {
		return n
	}
	return otherwise
}
