package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

func manCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "print the manual page: loadgen man > loadgen.1",
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usageError{fmt.Errorf("man takes no arguments")}
			}
			writeManual(s.out, newApp(c.Context, s))
			return nil
		},
	}
}

// roff is a text as troff prints it as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// writeManual writes loadgen(1).
func writeManual(w io.Writer, app *cli.App) {
	line := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	item := func(term, text string) { line(".TP\n.B %s\n%s", roff(term), roff(text)) }
	line(".TH LOADGEN 1 \"\" \"loadgen %s\" \"User Commands\"", roff(app.Version))
	line(".SH NAME\nloadgen \\- %s", roff(app.Usage))
	line(".SH SYNOPSIS\n.B loadgen\n[flags]\n.br\n.B loadgen\nSUBCOMMAND [flags] [files]")
	line(".SH EXAMPLES")
	for _, e := range examples {
		item(e[0], e[1])
	}
	line(".SH SUBCOMMANDS")
	for _, c := range app.Commands {
		item("loadgen "+c.Name, c.Usage)
	}
	for _, c := range app.Commands {
		writeManualOf(c, line, item)
	}
	line(".SH FLAGS\n%s", roff(strings.Join(strings.Fields(flagRules), " ")))
	defaults := newConfig()
	for _, g := range groups {
		line(".SS %s", roff(g.title))
		for _, f := range flagsOf(g) {
			item(strings.TrimSuffix(f.synopsis()+" "+f.mark(), " "), f.explained(defaults))
		}
	}
	section := func(heading, text string) {
		_, text, _ = strings.Cut(text, ": ")
		line(".SH %s\n%s", heading, roff(strings.Join(strings.Fields(text), " ")))
	}
	section("EXIT STATUS", exitCodes)
	section("ENVIRONMENT", environment)
}

// writeManualOf writes what there is to know of a subcommand.
func writeManualOf(c *cli.Command, line func(format string, args ...any), item func(term, text string)) {
	line(".SS %s", roff(strings.TrimSpace("loadgen "+c.Name+" [flags] "+c.ArgsUsage)))
	for paragraph := range strings.SplitSeq(c.Description, "\n\n") {
		if text := strings.Join(strings.Fields(paragraph), " "); text != "" && c.Name != "completion" {
			line("%s\n.PP", roff(text))
		}
	}
	for _, f := range flagsOfCommand(c) {
		item(strings.TrimSpace(f.name+" "+f.value), f.about)
	}
}
