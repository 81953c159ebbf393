package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/argparse"
	"loadgen/internal/lazy"
	"loadgen/internal/trtsim"
)

// shells are those that there are completions for.
var shells = []string{"bash", "zsh", "fish"}

const completionHelp = `Each line makes the next shells complete flags, their values, subcommands and files:

  bash  loadgen completion bash > /etc/bash_completion.d/loadgen
  zsh   loadgen completion zsh > "${fpath[1]}/_loadgen"
  fish  loadgen completion fish > ~/.config/fish/completions/loadgen.fish`

func completionCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print completions for a shell: bash, zsh or fish",
		ArgsUsage:   "SHELL",
		Description: completionHelp,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 || !slices.Contains(shells, c.Args().First()) {
				return usageError{fmt.Errorf("completion needs one of %s", strings.Join(shells, ", "))}
			}
			writeCompletion(s.out, c.Args().First(), commandWords(newApp(c.Context, s)))
			return nil
		},
	}
}

// word is a flag, or a subcommand with its flags, as shells complete it.
type word struct {
	name, about string
	value       string // what stands for its value
	choices     []string
	files, bare bool // its value is a file; it has none
	flags       []word
	args        []string // what else it is followed by, where that is no file
}

// flagWords are the benchmark's flags.
func flagWords() (words []word) {
	for _, f := range flagTable() {
		about, _, _ := strings.Cut(f.usage, ";")
		about, _, _ = strings.Cut(about, ": ")
		w := word{name: f.Name, about: about, choices: f.Choices, bare: f.Kind == argparse.Switch}
		if f.Name == "--sim" { // not argparse's to check
			w.choices = trtsim.Profiles()
		}
		w.files = w.choices == nil && namesFile(f.value)
		words = append(words, w)
	}
	return append(words, word{name: "--help", about: "examples and the names of all flags", bare: true},
		word{name: "--help-all", about: "every flag explained", bare: true}, word{name: "--version", about: "the version", bare: true})
}

// oneOf is a subcommand's flag with a few values.
type oneOf struct {
	*cli.StringFlag
	choices []string
}

// choice makes a flag with a few values, which the usage names.
func choice(name, value, usage string, choices ...string) oneOf {
	return oneOf{&cli.StringFlag{Name: name, Value: value, Usage: usage + ": " + strings.Join(choices, ", ")}, choices}
}

var placeholder = lazy.Regexp("`([^`]*)`")

// flagsOfCommand are a subcommand's own flags.
func flagsOfCommand(c *cli.Command) (words []word) {
	for _, f := range c.Flags {
		w := word{name: "--" + f.Names()[0], value: "VALUE"}
		if d, ok := f.(cli.DocGenerationFlag); ok {
			w.about = strings.ReplaceAll(d.GetUsage(), "`", "")
			if m := placeholder.Get().FindStringSubmatch(d.GetUsage()); m != nil {
				w.value = m[1]
			}
			if text := d.GetDefaultText(); d.GetValue() != "" && d.GetValue() != "0" && d.GetValue() != "0s" && d.GetValue() != "false" && text != "" {
				w.about += " (default: " + strings.Trim(text, `"`) + ")"
			}
		}
		if few, ok := f.(oneOf); ok {
			w.choices, w.value = few.choices, strings.Join(few.choices, "|")
			w.about = strings.Replace(w.about, ": "+strings.Join(few.choices, ", "), "", 1)
		}
		if _, w.bare = f.(*cli.BoolFlag); w.bare {
			w.value = ""
		}
		w.files = w.choices == nil && namesFile(w.value)
		words = append(words, w)
	}
	return words
}

// namesFile reports whether what stands for a value is the name of a file.
func namesFile(value string) bool {
	return strings.Contains(value, "FILE") || strings.Contains(value, "DIR") || strings.Contains(value, "PATH")
}

// commandWords are the subcommands with their flags; the self-test's are the benchmark's, too.
func commandWords(app *cli.App) (words []word) {
	for _, c := range app.Commands {
		w := word{name: c.Name, about: c.Usage, flags: append([]word{{name: "--help", about: "help", bare: true}}, flagsOfCommand(c)...)}
		for i := range w.flags {
			w.flags[i].about, _, _ = strings.Cut(w.flags[i].about, ";")
		}
		if c.SkipFlagParsing {
			for _, f := range flagWords() {
				if !slices.ContainsFunc(w.flags, func(own word) bool { return own.name == f.name }) {
					w.flags = append(w.flags, f)
				}
			}
		}
		if c.Name == "completion" {
			w.args = shells
		}
		words = append(words, w)
	}
	topics := commandList(app)
	for _, g := range groups {
		topics = append(topics, g.topic)
	}
	for _, f := range flagTable() {
		topics = append(topics, f.Name)
	}
	return append(words, word{name: "help", about: "explain a flag, a group of flags or a subcommand", args: append(topics, "all")})
}

func writeCompletion(w io.Writer, shell string, commands []word) {
	map[string]func(io.Writer, []word, []word){"bash": bash, "zsh": zsh, "fish": fish}[shell](w, flagWords(), commands)
}

// namesOf are the names of words, with blanks between.
func namesOf(words []word) string {
	var names []string
	for _, w := range words {
		names = append(names, w.name)
	}
	return strings.Join(names, " ")
}

// bashValues are the flags with a few values, or files, as cases of bash.
func bashValues(w io.Writer, indent string, flags []word) {
	for _, f := range flags {
		switch {
		case f.choices != nil:
			fmt.Fprintf(w, "%s%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", indent, f.name, strings.Join(f.choices, " "))
		case !f.bare && !f.files:
			fmt.Fprintf(w, "%s%s) return ;;\n", indent, f.name)
		case f.files:
			fmt.Fprintf(w, "%s%s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", indent, f.name)
		}
	}
}

func bash(w io.Writer, flags, commands []word) {
	fmt.Fprint(w, "# bash completion for loadgen\n_loadgen() {\n  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words subcommand=${COMP_WORDS[1]}\n"+
		"  COMPREPLY=()\n  if [[ $COMP_CWORD == 1 ]]; then subcommand=; fi # a word that is not whole\n  case $subcommand in\n")
	for _, c := range commands {
		fmt.Fprintf(w, "    %s)\n      case $prev in\n", c.name)
		bashValues(w, "        ", c.flags)
		if c.args != nil {
			fmt.Fprintf(w, "      esac\n      COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", strings.Join(c.args, " "))
			continue
		}
		fmt.Fprintf(w, "      esac\n      words='%s' ;;\n", namesOf(c.flags))
	}
	fmt.Fprint(w, "    *)\n      case $prev in\n")
	bashValues(w, "        ", flags)
	fmt.Fprintf(w, "      esac\n      words='%s' ;;\n  esac\n", namesOf(flags))
	fmt.Fprintf(w, "  if [[ $COMP_CWORD == 1 && $cur != -* ]]; then\n    words='%s'\n  elif [[ $cur != -* ]]; then\n    return\n  fi\n", namesOf(commands))
	fmt.Fprint(w, "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F _loadgen loadgen\n")
}

// zshText is a text within the brackets and quotes of an argument of zsh's _arguments.
var zshText = strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`, "`", "", `\`, `\\`, "$", `\$`)

func zshArguments(w io.Writer, flags []word, args []string) {
	fmt.Fprint(w, "_arguments")
	for _, f := range flags {
		value := ""
		switch {
		case f.choices != nil:
			value = ":value:(" + strings.Join(f.choices, " ") + ")"
		case f.files:
			value = ":file:_files"
		case !f.bare:
			value = ":value: "
		}
		fmt.Fprintf(w, " \\\n      '*%s[%s]%s'", f.name, zshText.Replace(f.about), value)
	}
	if args != nil {
		fmt.Fprintf(w, " '*:word:(%s)'\n", strings.Join(args, " "))
		return
	}
	fmt.Fprint(w, " '*:file:_files'\n")
}

func zsh(w io.Writer, flags, commands []word) {
	fmt.Fprint(w, "#compdef loadgen\n_loadgen() {\n  local -a commands\n  commands=(\n")
	for _, c := range commands {
		fmt.Fprintf(w, "    '%s:%s'\n", c.name, zshText.Replace(c.about))
	}
	fmt.Fprint(w, "  )\n  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n    _describe command commands\n    return\n  fi\n  case $words[2] in\n")
	for _, c := range commands {
		fmt.Fprintf(w, "    %s) shift words; (( CURRENT-- )); ", c.name)
		zshArguments(w, c.flags, c.args)
		fmt.Fprint(w, "      ;;\n")
	}
	fmt.Fprint(w, "    *) ")
	zshArguments(w, flags, nil)
	fmt.Fprint(w, "      ;;\n  esac\n}\n_loadgen \"$@\"\n")
}

// fishText is a text within fish's single quotes.
var fishText = strings.NewReplacer(`\`, `\\`, "'", `\'`)

func fish(w io.Writer, flags, commands []word) {
	line := func(where string, f word) {
		fmt.Fprintf(w, "complete -c loadgen -n '%s' -l %s -d '%s'", where, strings.TrimLeft(f.name, "-"), fishText.Replace(f.about))
		switch {
		case f.choices != nil:
			fmt.Fprintf(w, " -x -a '%s'", strings.Join(f.choices, " "))
		case f.files:
			fmt.Fprint(w, " -r -F")
		case !f.bare:
			fmt.Fprint(w, " -x")
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "# fish completion for loadgen")
	for _, c := range commands {
		fmt.Fprintf(w, "complete -c loadgen -n __fish_use_subcommand -f -a %s -d '%s'\n", c.name, fishText.Replace(c.about))
		if c.args != nil {
			fmt.Fprintf(w, "complete -c loadgen -n '__fish_seen_subcommand_from %s' -f -a '%s'\n", c.name, strings.Join(c.args, " "))
		}
		for _, f := range c.flags {
			line("__fish_seen_subcommand_from "+c.name, f)
		}
	}
	for _, f := range flags {
		line("not __fish_seen_subcommand_from "+namesOf(commands), f)
	}
}
