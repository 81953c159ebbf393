package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"loadgen/internal/argparse"
)

// Flags can be given in the environment and in a file as well. The command line goes before
// the environment, and that before the file.
const (
	envPrefix  = "LOADGEN_"
	configFlag = "--config"
)

// parseAll is parse with what the environment and the file of --config say.
func parseAll(argv []string, s streams) (*config, error) {
	given, err := readWords(argv)
	if err != nil {
		return nil, err
	}
	values, err := envValues(s)
	if err != nil {
		return nil, err
	}
	name, ok := given[configFlag].(string)
	if !ok {
		name, ok = values[configFlag].(string)
	}
	all := argparse.Values{}
	if ok {
		if all, err = fileValues(name, commandList(newApp(context.Background(), s))); err != nil {
			return nil, err
		}
	}
	overlay(all, values)
	overlay(all, given)
	c := configOf(all)
	return c, c.checkOwn()
}

// otherServer are the flags that say in another way than name where the server is.
func otherServer(name string) []string {
	switch name {
	case "--sim":
		return []string{"--base-url", "--host", "--port"}
	case "--base-url":
		return []string{"--sim"}
	case "--host", "--port":
		return []string{"--sim", "--base-url"}
	}
	return nil
}

// overlay puts what goes before into values. Where it names the server, what values say of
// another server is dropped: LOADGEN_PORT does not keep --sim from being used.
func overlay(values, before argparse.Values) {
	for name := range before {
		for _, other := range otherServer(name) {
			delete(values, other)
		}
	}
	maps.Copy(values, before)
}

// envName is a flag's environment variable.
func envName(flag string) string { return envPrefix + strings.ToUpper(destination(flag)) }

// envValues are the flags that the environment gives; an empty variable gives none.
func envValues(s streams) (argparse.Values, error) {
	values := argparse.Values{}
	table := flagTable()
	for _, f := range table {
		text, ok := s.lookup(envName(f.Name))
		if !ok || text == "" || isServicePort(strings.TrimPrefix(f.Name, "--"), text) {
			continue
		}
		value, err := f.fromText(text)
		if err == nil {
			err = readOption(values, table, f.Name, value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", envName(f.Name), err)
		}
	}
	return values, nil
}

// fromText is the value of a variable as a file would have it. Several values are apart by
// blanks, those of a flag that repeats, whose values have blanks, by line feeds.
func (f flag) fromText(text string) (any, error) {
	var list []string
	switch {
	case f.Kind == argparse.Switch:
		on, err := truth(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return on, nil
	case f.Kind == argparse.Optional:
		if on, err := truth(text); err == nil {
			return on, nil
		}
		return text, nil
	case f.Kind != argparse.List && f.Kind != argparse.ListSome:
		return text, nil
	case f.Repeats:
		list = strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	default:
		list = strings.Fields(text)
	}
	words := make([]any, len(list))
	for i, word := range list {
		words[i] = word
	}
	return words, nil
}

// fileValues are the flags that a file gives: YAML, a key for each flag, without its dashes.
// Those of subcommands, which are in sections of their names, are left out.
func fileValues(name string, commands []string) (argparse.Values, error) {
	keys, err := readConfig(name)
	if err != nil {
		return nil, err
	}
	values := argparse.Values{}
	table := flagTable()
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		option := "--" + strings.ReplaceAll(key, "_", "-")
		if _, isTable := keys[key].(map[string]any); isTable { // the section of a subcommand
			if !slices.Contains(commands, key) {
				return nil, fmt.Errorf("%s: %q holds a table, which is for flags of a subcommand: %s", name, key, strings.Join(commands, ", "))
			}
			continue
		}
		if option == configFlag {
			return nil, fmt.Errorf("%s: a configuration cannot name another with %q", name, key)
		}
		if err := readOption(values, table, option, keys[key]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return values, nil
}

// readOption reads one flag as the command line would. A false turns off what comes from
// further behind.
func readOption(values argparse.Values, table []flag, option string, value any) error {
	words, err := optionWords(table, option, value)
	if err != nil {
		return err
	}
	if text, ok := value.(string); ok && len(words) == 0 && text != "" {
		value = false // as a switch is that is off
	}
	if value == false {
		row := slices.IndexFunc(table, func(f flag) bool { return f.Name == option })
		if table[row].Kind == argparse.Switch {
			values[option] = false
		}
		return nil
	}
	read, err := readWords(words)
	maps.Copy(values, read)
	return err
}

// configured reports whether anything but the command line gives a flag.
func configured(s streams) bool {
	values, err := envValues(s)
	return err != nil || len(values) > 0
}
