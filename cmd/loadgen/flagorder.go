package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
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
