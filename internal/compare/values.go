package compare

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"loadgen/internal/lazy"
)

// Duration is written as 30s, 500ms or 5m; a bare number is seconds.
type Duration time.Duration

var bareNumber = lazy.Regexp(`^[0-9.]+$`)

// UnmarshalYAML reads a duration.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	text := node.Value
	if bareNumber.Get().MatchString(text) {
		text += "s"
	}
	v, err := time.ParseDuration(text)
	if node.Kind != yaml.ScalarNode || err != nil || v < 0 {
		return fmt.Errorf("line %d: %q is not a duration; expected 30s, 5m or a number of seconds", node.Line, node.Value)
	}
	*d = Duration(v)
	return nil
}

// MarshalYAML writes a duration.
func (d Duration) MarshalYAML() (any, error) { return time.Duration(d).String(), nil }

// Command is a program and its arguments: a list, or a text that is split as a shell
// splits it.
type Command []string

// UnmarshalYAML reads a command.
func (c *Command) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.SequenceNode {
		return node.Decode((*[]string)(c))
	}
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: expected a command, as a text or a list of words", node.Line)
	}
	words, err := splitWords(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	*c = words
	return nil
}

// splitWords splits a command line by a shell's rules for blanks, quotes and
// backslashes. Nothing is expanded.
func splitWords(text string) (out []string, err error) {
	var word strings.Builder
	open, quote := false, rune(0)
	escaped := false
	for _, c := range text {
		switch {
		case escaped:
			if quote == '"' && !strings.ContainsRune("\"\\$`", c) {
				word.WriteByte('\\')
			}
			if c != '\n' {
				word.WriteRune(c)
			}
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, open = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && strings.ContainsRune(" \t\n\r", c):
			if open {
				out = append(out, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("the command ends within a quotation")
	}
	if open {
		out = append(out, word.String())
	}
	return out, nil
}

// shellWords joins words so that a shell splits them again.
func shellWords(all []string) string {
	out := make([]string, len(all))
	for i, word := range all {
		out[i] = word
		if word == "" || i == 0 && strings.Contains(word, "=") || strings.ContainsAny(word, " \t\n'\"\\$`|&;<>()*?[]{}#~%!") {
			out[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// Flags are flags of the benchmark by name, without their dashes.
type Flags struct {
	values map[string]any
	lines  map[string]int // in the plan file, by name
}

// NewFlags returns flags that stand in no file.
func NewFlags(values map[string]any) Flags { return Flags{values: values} }

// Values are the flags by name, without their dashes.
func (f Flags) Values() map[string]any { return f.values }

// UnmarshalYAML reads flags. Underscores and leading dashes are accepted.
func (f *Flags) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: expected flags of the benchmark and their values, such as {seed: 3}", node.Line)
	}
	*f = Flags{map[string]any{}, map[string]int{}}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, line := node.Content[i].Value, node.Content[i].Line
		name := strings.ReplaceAll(strings.TrimLeft(key, "-"), "_", "-")
		if before, found := f.lines[name]; found {
			return fmt.Errorf("line %d: flags: %s is given already, in line %d", line, name, before)
		}
		var value any
		if err := node.Content[i+1].Decode(&value); err != nil {
			return err
		}
		f.values[name], f.lines[name] = value, line
	}
	return nil
}

// MarshalYAML writes the flags.
func (f Flags) MarshalYAML() (any, error) { return f.values, nil }

// IsZero reports that no flags need be written.
func (f Flags) IsZero() bool { return len(f.values) == 0 }

// seed is the value of the flag of this name, or another one.
func (f Flags) seed(otherwise int) int {
	if n, ok := f.values["seed"].(int); ok {
		return n
	}
	return otherwise
}

// FlagError is what is wrong with a flag of a plan.
type FlagError struct {
	Flag string // without its dashes
	Err  error
}

func (e *FlagError) Error() string { return e.Err.Error() }
func (e *FlagError) Unwrap() error { return e.Err }

// placed adds to an error of a server's flags where in the plan the flag stands.
func (p *Plan) placed(s *Server, err error) error {
	var flag *FlagError
	if !errors.As(err, &flag) {
		return fmt.Errorf("server %q: flags: %w", s.Name, err)
	}
	_, own := s.Flags.values[flag.Flag]
	where, line := "flags: ", p.Flags.lines[flag.Flag]
	if own {
		where, line = fmt.Sprintf("server %q: flags: ", s.Name), s.Flags.lines[flag.Flag]
	}
	if line > 0 {
		where = fmt.Sprintf("line %d: ", line) + where
	}
	return fmt.Errorf("%s%w", where, err)
}
