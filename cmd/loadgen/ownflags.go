package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/argparse"
)

// ownFlags are the flags of a subcommand that takes the benchmark's flags, too, by name
// without dashes; a switch has the value "true".
type ownFlags struct {
	values   map[string][]string // what was given
	defaults map[string]string
}

// splitFlags takes a subcommand's own flags out of its command line; the rest is the
// benchmark's. Further names are the subcommand's where more says so.
func splitFlags(c *cli.Command, args []string, more func(name string) bool) (own ownFlags, rest []string, err error) {
	own = ownFlags{map[string][]string{}, map[string]string{}}
	switches := map[string]bool{}
	for _, f := range c.Flags {
		name := f.Names()[0]
		own.defaults[name] = ""
		_, switches[name] = f.(*cli.BoolFlag)
		if d, ok := f.(cli.DocGenerationFlag); ok && !switches[name] {
			own.defaults[name] = d.GetValue()
		}
	}
	for i := 0; i < len(args); i++ {
		name, value, has := strings.Cut(args[i], "=")
		if name == "-h" || name == "--help" {
			return own, nil, argparse.ErrHelp
		}
		name, dashed := strings.CutPrefix(name, "--")
		_, known := own.defaults[name]
		switch {
		case !dashed || isShared(name) || !known && (more == nil || !more(name)):
			rest = append(rest, args[i])
			continue
		case switches[name] && has && value != "true":
			return own, nil, fmt.Errorf("argument --%s: it takes no value", name)
		case switches[name]:
			value = "true"
		case !has:
			if i++; i >= len(args) {
				return own, nil, fmt.Errorf("argument --%s: expected one argument", name)
			}
			value = args[i]
		}
		own.values[name] = append(own.values[name], value)
	}
	return own, rest, nil
}

// text is a flag's last value, or its default.
func (o ownFlags) text(name string) string {
	if all := o.values[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return o.defaults[name]
}

func (o ownFlags) given(name string) bool { return o.values[name] != nil }

// count is a whole number between bounds.
func (o ownFlags) count(name string, least, most int) (int, error) {
	text := o.text(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("argument --%s: %q is not a whole number, %d to %d", name, text, least, most)
	}
	return n, nil
}

// percent is a share written in percent, of 1, above least and at most most.
func (o ownFlags) percent(name string, least, most float64) (float64, error) {
	return o.percentOf(name, o.text(name), o.defaults[name], least, most)
}

// percentOf is the same of a text; such as one is said where it is none.
func (o ownFlags) percentOf(name, text, suchAs string, least, most float64) (float64, error) {
	number, found := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !found || err != nil || !(x > 100*least) || x > 100*most {
		return 0, fmt.Errorf("argument --%s: %q is not a percentage above %.6g%% and at most %.6g%%, such as %s", name, text, 100*least, 100*most, suchAs)
	}
	return x / 100, nil
}

// positive is a number above 0.
func positive(flag, text string) (float64, error) {
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(x > 0) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("argument --%s: %q is not a number above 0", flag, text)
	}
	return x, nil
}

// secondsMost is the longest time that can be asked for, in seconds.
const secondsMost = 1e9

// period is a time above 0 in seconds.
func period(flag, text string) (float64, error) {
	x, ok := argparse.ParseSeconds(strings.TrimSpace(text))
	if !ok || !(x > 0) || x > secondsMost {
		return 0, fmt.Errorf("argument --%s: %q is not a time above 0 and at most 1000000000 seconds: 5, 5s, 500ms, 1h30m", flag, text)
	}
	return x, nil
}

// oneOf is a flag with a few values.
func (o ownFlags) oneOf(name string, choices []string) (string, error) {
	text := o.text(name)
	if !slices.Contains(choices, text) {
		return "", fmt.Errorf("argument --%s: %q is not one of %s", name, text, strings.Join(choices, ", "))
	}
	return text, nil
}

// withOwnFlags carries out a subcommand that reads its command line itself.
func withOwnFlags(c *cli.Context, s streams, do func() error) error {
	err := do()
	if isHelp(err) {
		writeCommandHelp(s.out, c.Command)
		return nil
	}
	return err
}

// isHelp reports whether an error is a call for help.
func isHelp(err error) bool { return errors.Is(err, argparse.ErrHelp) }
