package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/argparse"
	"loadgen/internal/lazy"
	"loadgen/internal/recording"
	"loadgen/internal/suggest"
)

// flagsFirst puts a subcommand's flags before its files, so that users may write them in
// any order. What follows a "--" are files.
func flagsFirst(c *cli.Command, args []string) []string {
	if c.SkipFlagParsing { // it parses its words itself
		return args
	}
	var flags, files []string
	for i := 0; i < len(args); i++ {
		word := args[i]
		switch {
		case word == "--":
			files, i = append(files, args[i+1:]...), len(args)
		case len(word) < 2 || word[0] != '-':
			files = append(files, word)
		default:
			flags = append(flags, word)
			if takesValue(c, word) && i+1 < len(args) {
				i++
				flags = append(flags, args[i])
			}
		}
	}
	if len(files) > 0 && slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, "-") && f != "-" }) {
		flags = append(flags, "--")
	}
	return append(flags, files...)
}

// takesValue reports whether a flag is followed by its value.
func takesValue(c *cli.Command, word string) bool {
	name := strings.TrimLeft(word, "-")
	for _, f := range c.Flags {
		if _, is := f.(*cli.BoolFlag); slices.Contains(f.Names(), name) {
			return !is
		}
	}
	return false
}

// lacksValue is a flag at the end of a command line that needs a value, "" where there is none:
// put before the files it would take one of them.
func lacksValue(c *cli.Command, argv []string) string {
	n := len(argv)
	if n == 0 || c.SkipFlagParsing || !strings.HasPrefix(argv[n-1], "-") || !takesValue(c, argv[n-1]) || slices.Contains(argv, "--") {
		return ""
	}
	if n > 1 && strings.HasPrefix(argv[n-2], "-") && takesValue(c, argv[n-2]) { // whose value it is
		return ""
	}
	return "--" + strings.TrimLeft(argv[n-1], "-")
}

var invalidValue = lazy.Regexp(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-([a-z-]+): `)

// commandUsage is what is wrong with a subcommand's flags, in the words that the benchmark's
// have, and with the flag that was probably meant.
func commandUsage(c *cli.Command, err error) error {
	text := err.Error()
	if name, found := strings.CutPrefix(text, "flag provided but not defined: -"); found {
		var known []string
		for _, f := range c.Flags {
			known = append(known, f.Names()[0])
		}
		hint := ""
		if near := suggest.Nearest(name, known); near != "" {
			hint = "\nhint: --" + name + ": did you mean --" + near + "?"
		} else if c.Name == "compare" {
			hint = planHint("--" + name)
		}
		return fmt.Errorf("unrecognized arguments: --%s%s", name, hint)
	}
	if name, found := strings.CutPrefix(text, "flag needs an argument: -"); found {
		return fmt.Errorf("argument --%s: expected one argument", name)
	}
	if m := invalidValue.Get().FindStringSubmatch(text); m != nil {
		return fmt.Errorf("argument --%s: invalid value: '%s'%s", m[2], m[1], expected(c, m[2]))
	}
	return err
}

// expected says what a subcommand's flag takes, "" where its kind does not show.
func expected(c *cli.Command, name string) string {
	for _, f := range c.Flags {
		if f.Names()[0] != name {
			continue
		}
		switch f.(type) {
		case *cli.IntFlag, *cli.Uint64Flag:
			return " (expected a whole number)"
		case *cli.Float64Flag:
			return " (expected a number)"
		case *cli.BoolFlag:
			return " (expected true or false)"
		}
	}
	return ""
}

// withUnits gives times among a subcommand's words a unit that Go's durations have: a bare
// number is seconds, as everywhere.
func withUnits(c *cli.Command, words []string) ([]string, error) {
	words = slices.Clone(words)
	for i := 0; i < len(words) && words[i] != "--"; i++ {
		name, text, joined := strings.Cut(words[i], "=")
		if !takesTime(c, name) {
			if takesValue(c, words[i]) {
				i++
			}
			continue
		}
		before := name + "="
		if !joined {
			if i++; i == len(words) {
				break // it has no value, which is reported elsewhere
			}
			before, text = "", words[i]
		}
		x, ok := argparse.ParseSeconds(text)
		if !ok || !(x >= 0) || x > secondsMost {
			return nil, fmt.Errorf("argument --%s: %q is not a time from 0 to 1000000000 seconds: 5, 5s, 500ms, 1h30m", strings.TrimLeft(name, "-"), text)
		}
		words[i] = before + recording.Seconds(x).String()
	}
	return words, nil
}

// takesTime reports whether a word is a subcommand's flag whose value is a time.
func takesTime(c *cli.Command, word string) bool {
	return strings.HasPrefix(word, "-") && slices.ContainsFunc(c.Flags, func(f cli.Flag) bool {
		_, is := f.(*cli.DurationFlag)
		return is && f.Names()[0] == strings.TrimLeft(word, "-")
	})
}
