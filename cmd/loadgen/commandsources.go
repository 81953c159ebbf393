package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"loadgen/internal/ranks"
	"loadgen/internal/suggest"
	"loadgen/internal/yamlcheck"
)

// Subcommands take their flags from the environment and from the file of --config as the
// benchmark does: from variables with the subcommand's name (LOADGEN_COMPARE_RESULTS), and from
// the file's section of that name.

const logFormatFlag = "--log-format"

// shared are the flags of subcommands that are read before a subcommand sees its words.
func shared(c *cli.Command) (flags []cli.Flag) {
	if takesSources(c) {
		flags = append(flags, &cli.StringFlag{Name: "config", Usage: "YAML `FILE` with flags in a section of the subcommand's name; variables of the environment (" + commandVariable(c, "NAME") + ") override it, and the command line overrides both"})
	}
	return append(flags, choice("log-format", "text", "what standard error gets, an object a line with stable codes for json", outputs...))
}

// takesSources reports whether a subcommand's flags have variables and a section of the file.
// LOADGEN_VERSION_... would be taken for what scripts call the version that they install.
func takesSources(c *cli.Command) bool {
	return c.Name != "version" && slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return !isShared(f.Names()[0]) })
}

func isShared(name string) bool { return name == "config" || name == "log-format" }

// commandVariable is the variable of a subcommand's flag.
func commandVariable(c *cli.Command, flag string) string { return envName(c.Name + "-" + flag) }

// takeFlag takes a flag and its value out of words that are no benchmark's. What follows a
// "--" are files.
func takeFlag(argv []string, name string) (rest []string, value string, found bool, err error) {
	for i := 0; i < len(argv); i++ {
		text, joined := strings.CutPrefix(argv[i], name+"=")
		switch {
		case argv[i] == "--":
			return append(rest, argv[i:]...), value, found, nil
		case joined:
			value, found = text, true
		case argv[i] == name && i+1 == len(argv):
			return nil, "", false, fmt.Errorf("argument %s: expected one argument", name)
		case argv[i] == name:
			i++
			value, found = argv[i], true
		default:
			rest = append(rest, argv[i])
		}
	}
	return rest, value, found, nil
}

// withSources puts what the environment and the file say of a subcommand's flags before its
// words, but for the flags that these have.
func withSources(c *cli.Command, argv []string, s streams) ([]string, error) {
	if !takesSources(c) || s.env(simParent) != "" { // a process that started this one says all
		return argv, nil
	}
	rest, file, found, err := takeFlag(argv, configFlag)
	if err != nil {
		return nil, err
	}
	if !found {
		file = s.env(envName(configFlag))
	}
	if c.SkipFlagParsing { // the benchmark's flags are among its words, and in the file
		rest = argv
	}
	section, err := fileSection(file, c)
	if err != nil {
		return nil, err
	}
	var words []string
	for _, f := range c.Flags {
		name := f.Names()[0]
		if isShared(name) || isGiven(rest, name) {
			continue
		}
		some, err := variableWords(c, f, s)
		if value, listed := section[name]; err == nil && some == nil && listed {
			if some, err = valueWords(f, value); err != nil {
				err = fmt.Errorf("%s: %s: %w", file, c.Name, err)
			}
		}
		if err != nil {
			return nil, err
		}
		words = append(words, some...)
	}
	return append(words, rest...), nil
}

// isGiven reports whether words have a flag.
func isGiven(argv []string, name string) bool {
	return slices.ContainsFunc(argv, func(word string) bool {
		word, _, _ = strings.Cut(word, "=")
		return strings.HasPrefix(word, "-") && strings.TrimLeft(word, "-") == name
	})
}

// variableWords are a flag as its variable has it, nil without one. The values of a flag that
// can be repeated are apart by line feeds.
func variableWords(c *cli.Command, f cli.Flag, s streams) ([]string, error) {
	name := commandVariable(c, f.Names()[0])
	text := s.env(name)
	if text == "" || isServicePort(f.Names()[0], text) {
		return nil, nil
	}
	var value any = text
	switch f.(type) {
	case *cli.BoolFlag:
		on, err := truth(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is neither true nor false", name, text)
		}
		value = on
	case *cli.StringSliceFlag:
		var list []any
		for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' }) {
			list = append(list, line)
		}
		value = list
	}
	return valueWords(f, value)
}

// valueWords are a flag with a value of a file as words of a command line.
func valueWords(f cli.Flag, value any) (words []string, err error) {
	name := "--" + f.Names()[0]
	_, isSwitch := f.(*cli.BoolFlag)
	_, repeats := f.(*cli.StringSliceFlag)
	switch v := value.(type) {
	case bool:
		if !isSwitch {
			return nil, fmt.Errorf("%s needs a value", name)
		}
		if !v { // as without it
			return []string{}, nil
		}
		return []string{name + "=true"}, nil
	case nil:
		return nil, fmt.Errorf("%s has no value", name)
	case map[string]any:
		return nil, fmt.Errorf("%s needs a value, not a table", name)
	case []any:
		if !repeats {
			return nil, fmt.Errorf("%s takes one value, not a list", name)
		}
		for _, one := range v {
			words = append(words, name+"="+fmt.Sprint(one))
		}
		return words, nil
	}
	if isSwitch {
		return nil, fmt.Errorf("%s: %q is neither true nor false", name, fmt.Sprint(value))
	}
	return []string{name + "=" + fmt.Sprint(value)}, nil
}

// fileSection is a subcommand's section of a file, by the names of its flags.
func fileSection(name string, c *cli.Command) (map[string]any, error) {
	if name == "" {
		return nil, nil
	}
	keys, err := readConfig(name)
	if err != nil {
		return nil, err
	}
	raw, found := keys[c.Name]
	section, isTable := raw.(map[string]any)
	if found && !isTable && c.Name != "sim" && c.Name != "selftest" { // which are flags of the benchmark, too
		return nil, fmt.Errorf("%s: %s is the section of loadgen %s: its flags stand beneath it", name, c.Name, c.Name)
	}
	var known []string
	for _, f := range c.Flags {
		if !isShared(f.Names()[0]) {
			known = append(known, f.Names()[0])
		}
	}
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(section)) {
		flag := strings.ReplaceAll(key, "_", "-")
		if !slices.Contains(known, flag) {
			hint := ""
			if near := suggest.Nearest(flag, known); near != "" {
				hint = fmt.Sprintf("; did you mean %s?", near)
			}
			return nil, fmt.Errorf("%s: %s: there is no flag --%s%s", name, c.Name, flag, hint)
		}
		out[flag] = section[key]
	}
	return out, nil
}

// readConfig reads a file of flags.
func readConfig(name string) (keys map[string]any, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("argument %s: %w", configFlag, err)
	}
	if err := yamlcheck.Tables(text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := yaml.Unmarshal(text, &keys); errors.As(err, new(*yaml.TypeError)) {
		return nil, fmt.Errorf("%s: it has no keys; expected one for each flag, such as max-concurrency: 64", name)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return keys, nil
}

// isServicePort reports whether a variable is the one that Kubernetes sets for a service
// which is called as the flag's program is.
func isServicePort(flag, text string) bool {
	return flag == "port" && strings.HasPrefix(text, "tcp://")
}

// strayVariables are variables that were probably meant to be a flag's, each with what is
// right. Those of a subcommand begin with its name.
func strayVariables(environ []string, commands []*cli.Command) (notes []string) {
	known := []string{strings.TrimPrefix(ranks.SizeVariable, envPrefix), strings.TrimPrefix(simParent, envPrefix)}
	for _, f := range flagTable() {
		known = append(known, strings.TrimPrefix(envName(f.Name), envPrefix))
	}
	for _, c := range commands {
		for _, f := range c.Flags {
			if name := f.Names()[0]; takesSources(c) && !isShared(name) {
				known = append(known, strings.TrimPrefix(commandVariable(c, name), envPrefix))
			}
		}
	}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(known, strings.TrimPrefix(name, envPrefix)) {
			continue
		}
		if near := suggest.Nearest(strings.TrimPrefix(name, envPrefix), known); near != "" {
			notes = append(notes, fmt.Sprintf("%s is no flag's variable and is ignored; did you mean %s%s?", name, envPrefix, near))
		}
	}
	slices.Sort(notes)
	return notes
}
