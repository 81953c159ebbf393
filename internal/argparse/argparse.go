// Package argparse reads a command line by the rules of Python's argparse
// (3.10 to 3.12): prefixes, lists, negative numbers, Python's numbers. Only
// options are known, no positional arguments, as in benchmark_serving.
package argparse

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"loadgen/internal/lazy"
)

// Kind is how many words a flag takes, and of which type.
type Kind uint8

// The kinds of flags.
const (
	Switch       Kind = iota // none
	Help                     // none: ends parsing with ErrHelp
	String                   // one word
	Int                      // one word, Python's int
	Float                    // one word, Python's float
	Seconds                  // one word, a number of seconds or Go's duration: 5, 5s, 500ms
	WholeSeconds             // one word, Python's int, or Go's duration of whole seconds: 90, 90s, 5m
	List                     // any number of words
	ListSome                 // at least one word
	Optional                 // one word or none, which is ""
)

// Flag is one flag.
type Flag struct {
	// Name is the flag with its dashes; Short another name of it, "" for none.
	Name, Short string
	Kind        Kind
	Choices     []string
	// Exact flags match by their full name only and are never candidates for a prefix.
	Exact bool
	// Newer flags are candidates for a prefix only where no other flag is, so that what was
	// unambiguous before they came stays so.
	Newer bool
	// Takes reports whether an Optional flag takes a word that begins with a dash and is no
	// flag; nil takes none.
	Takes func(word string) bool
	// Repeats makes every occurrence of a List count, not the last alone; of a String too,
	// whose words are joined with commas.
	Repeats bool
}

// Values holds, by flag name, what was given: true, string, *big.Int, float64
// or []string.
type Values map[string]any

// ErrHelp is returned when help was asked for.
var ErrHelp = errors.New("help")

// Error is what argparse would print after "error: ".
type Error string

func (e Error) Error() string { return string(e) }

func errorf(format string, args ...any) error { return Error(fmt.Sprintf(format, args...)) }

// negativeNumber is argparse's _negative_number_matcher; \p{Nd} is Python's \d.
var negativeNumber = lazy.Regexp(`^-\p{Nd}+\n?$|^-\p{Nd}*\.\p{Nd}+\n?$`)

// option is a word that argparse takes for an option.
type option struct {
	flag     *Flag // nil for an unknown one
	name     string
	explicit *string // what follows the "=" or a one-dash flag
}

type parser struct {
	flags   []Flag
	values  Values
	extras  []string
	options map[int]option // by position
	argv    []string
	isArg   []bool // by position: may be an option's argument
}

// Parse reads argv, the program's name left out.
func Parse(flags []Flag, argv []string) (Values, error) {
	p := &parser{flags: flags, values: Values{}, options: map[int]option{}, argv: argv, isArg: make([]bool, len(argv))}
	if err := p.classify(); err != nil {
		return nil, err
	}
	for i := 0; i < len(argv); {
		o, ok := p.options[i]
		if !ok {
			p.extras = append(p.extras, argv[i])
			i++
			continue
		}
		n, err := p.consume(i, o)
		if err != nil {
			return nil, err
		}
		i = n
	}
	if len(p.extras) > 0 {
		return nil, &Unrecognized{Args: p.extras}
	}
	return p.values, nil
}

// Unrecognized is the error for words that belong to no flag.
type Unrecognized struct{ Args []string }

func (u *Unrecognized) Error() string {
	return "unrecognized arguments: " + strings.Join(u.Args, " ")
}

// classify decides for every word whether it is an option, as argparse does
// before it reads any.
func (p *parser) classify() error {
	for i, word := range p.argv {
		if word == "--" {
			for j := i + 1; j < len(p.argv); j++ {
				p.isArg[j] = true
			}
			return nil
		}
		o, isOption, err := p.option(word)
		if err != nil {
			return err
		}
		if isOption {
			p.options[i] = o
		} else {
			p.isArg[i] = true
		}
	}
	return nil
}

// find returns the flag of exactly that name.
func (p *parser) find(name string) *Flag {
	for i := range p.flags {
		if f := &p.flags[i]; f.Name == name || f.Short != "" && f.Short == name {
			return f
		}
	}
	return nil
}

// option is argparse's _parse_optional.
func (p *parser) option(word string) (o option, isOption bool, err error) {
	if !strings.HasPrefix(word, "-") {
		return o, false, nil
	}
	if f := p.find(word); f != nil {
		return option{flag: f, name: word}, true, nil
	}
	if len(word) == 1 {
		return o, false, nil
	}
	if name, value, found := strings.Cut(word, "="); found {
		if f := p.find(name); f != nil {
			return option{flag: f, name: name, explicit: &value}, true, nil
		}
	}
	matches := p.prefixed(word)
	if len(matches) > 1 {
		var names []string
		for _, m := range matches {
			names = append(names, m.name)
		}
		return o, false, errorf("ambiguous option: %s could match %s", word, strings.Join(names, ", "))
	}
	if len(matches) == 1 {
		return matches[0], true, nil
	}
	if negativeNumber.Get().MatchString(word) || strings.Contains(word, " ") {
		return o, false, nil
	}
	return option{name: word}, true, nil
}

// prefixed is argparse's _get_option_tuples.
func (p *parser) prefixed(word string) []option {
	if matches := p.candidates(word, false); len(matches) > 0 {
		return matches
	}
	return p.candidates(word, true)
}

func (p *parser) candidates(word string, newer bool) (matches []option) {
	prefix, value, found := strings.Cut(word, "=")
	long := strings.HasPrefix(word, "--")
	if !long {
		prefix = word
	}
	for i := range p.flags {
		f := &p.flags[i]
		if f.Exact || f.Newer != newer {
			continue
		}
		for _, name := range []string{f.Short, f.Name} {
			switch {
			case name == "":
			case !long && name == word[:min(2, len(word))]:
				rest := word[2:]
				matches = append(matches, option{flag: f, name: name, explicit: &rest})
			case strings.HasPrefix(name, prefix):
				o := option{flag: f, name: name}
				if long && found {
					o.explicit = &value
				}
				matches = append(matches, o)
			}
		}
	}
	return matches
}

// consume is argparse's consume_optional; it returns where to go on.
func (p *parser) consume(i int, o option) (next int, err error) {
	f := o.flag
	if f == nil {
		p.extras = append(p.extras, p.argv[i])
		return i + 1, nil
	}
	name := f.Name
	if f.Short != "" {
		name = f.Short + "/" + f.Name
	}
	var args []string
	switch {
	case o.explicit != nil && f.Kind <= Help:
		rest := *o.explicit
		if o.name == f.Short { // -hh is -h -h
			rest = strings.TrimLeft(rest, f.Short[1:])
		}
		if rest != "" || *o.explicit == "" {
			return 0, errorf("argument %s: ignored explicit argument %s", name, repr(rest))
		}
	case o.explicit != nil:
		if *o.explicit != "--" { // which argparse takes out, even here
			args = []string{*o.explicit}
		}
		i++
	default:
		end := i + 1
		for end < len(p.argv) && p.isArg[end] && (f.several() || end == i+1) && f.Kind > Help {
			end++
		}
		if f.Kind == Optional && end == i+1 && end < len(p.argv) && p.options[end].flag == nil && f.Takes != nil && f.Takes(p.argv[end]) {
			end++
		}
		args = p.argv[i+1 : end]
		i = end
	}
	switch {
	case f.Kind == Help:
		return 0, ErrHelp
	case f.Kind == ListSome && len(args) == 0 && o.explicit == nil:
		return 0, errorf("argument %s: expected at least one argument", name)
	case f.Kind > Help && f.Kind < List && len(args) == 0:
		return 0, errorf("argument %s: expected one argument", name)
	}
	value, err := f.convert(args)
	if err != nil {
		return 0, errorf("argument %s: %v", name, err)
	}
	if before, ok := p.values[f.Name].([]string); ok && f.Repeats {
		value = append(before[:len(before):len(before)], value.([]string)...)
	}
	if before, ok := p.values[f.Name].(string); ok && f.Repeats {
		value = before + "," + value.(string)
	}
	p.values[f.Name] = value
	return i, nil
}

// ParseSeconds reads a time in seconds: a number of them, or Go's duration (5s, 500ms, 1h30m).
// The number can be anything, infinite and NaN, too.
func ParseSeconds(text string) (seconds float64, ok bool) {
	if x, ok := ParseFloat(text); ok {
		return x, true
	}
	d, err := time.ParseDuration(text)
	return d.Seconds(), err == nil
}

// several reports whether the flag takes more than one word.
func (f *Flag) several() bool { return f.Kind == List || f.Kind == ListSome }

// convert turns the words of a flag into its value.
func (f *Flag) convert(args []string) (any, error) {
	switch f.Kind {
	case Switch:
		return true, nil
	case List, ListSome:
		return append([]string{}, args...), nil
	case Optional:
		return strings.Join(args, ""), nil
	case Int:
		n, ok := ParseInt(args[0])
		if !ok {
			return nil, errorf("invalid int value: %s", repr(args[0]))
		}
		return n, nil
	case WholeSeconds:
		n, ok := ParseInt(args[0])
		if d, err := time.ParseDuration(args[0]); !ok && err == nil && d%time.Second == 0 {
			n, ok = big.NewInt(int64(d/time.Second)), true
		}
		if !ok {
			return nil, errorf("invalid int value: %s", repr(args[0]))
		}
		return n, nil
	case Seconds:
		x, ok := ParseSeconds(args[0])
		if !ok {
			return nil, errorf("invalid duration: %s (expected seconds, or 5s, 500ms, 1h30m)", repr(args[0]))
		}
		return x, nil
	case Float:
		x, ok := ParseFloat(args[0])
		if !ok {
			return nil, errorf("invalid float value: %s", repr(args[0]))
		}
		return x, nil
	}
	if f.Choices == nil {
		return args[0], nil
	}
	var quoted []string
	for _, c := range f.Choices {
		if c == args[0] {
			return c, nil
		}
		quoted = append(quoted, repr(c))
	}
	return nil, errorf("invalid choice: %s (choose from %s)", repr(args[0]), strings.Join(quoted, ", "))
}
