package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"loadgen/internal/argparse"
	"loadgen/internal/plain"
)

func main() {
	if os.Getenv(guardVariable) != "" {
		guardTerminal()
		os.Exit(exitOK)
	}
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// streams are the process's.
type streams struct {
	in       io.Reader
	out, err io.Writer
	lookup   func(string) (string, bool) // environment variables
	environ  []string                    // all of them, as os.Environ has them
}

// env is the value of an environment variable, "" where there is none.
func (s streams) env(name string) string {
	value, _ := s.lookup(name)
	return value
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitGate   = 3
)

// output is stdout, and the first error of writing to it. Nothing ends at once for one:
// results go to files as well.
type output struct {
	io.Writer
	mu  sync.Mutex
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = cmp.Or(o.err, err)
	return n, err
}

// run is the whole program. What could not be written to stdout makes it fail.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &output{Writer: stdout}
	s := streams{stdin, out, nil, os.LookupEnv, os.Environ()}
	stderr = plain.Writer{To: newStatus(stderr, s.env)} // servers' words are among what is written there
	s.err = stderr
	code := dispatch(ctx, args, s)
	if out.err != nil && code == exitOK {
		fail(stderr, "not_writable", fmt.Sprintf("could not write all of stdout: %v", out.err))
		return exitFailed
	}
	return code
}

// dispatch runs the benchmark for flags, a subcommand for a word.
func dispatch(ctx context.Context, args []string, s streams) int {
	app := newApp(ctx, s)
	argv, asJSON, err := takeLogFormat(args[1:], s)
	if asJSON {
		s.asJSON()
	}
	if err != nil {
		return exitCode(usageError{err}, s.err)
	}
	if done, code := helpOrVersion(app, argv, s); done {
		return code
	}
	if len(argv) > 0 && argv[0] != "" && !strings.HasPrefix(argv[0], "-") && !askedForHelp(app, argv) {
		command := app.Command(argv[0])
		if command == nil {
			text := fmt.Sprintf("unknown subcommand %q: there are %s; the benchmark takes flags alone (loadgen --help)", argv[0], commandNames(app))
			if hint := meantCommand(argv[0], commandList(app)); hint != "" {
				text += "\nhint: " + hint
			}
			fail(s.err, "usage", text)
			return exitUsage
		}
		return exitCode(runCommand(ctx, app, command, argv[1:], s), s.err)
	}
	cfg, err := parseAll(argv, s)
	if err == nil {
		err = cfg.checkCustomTokenizer()
	}
	switch {
	case errors.Is(err, argparse.ErrHelp) && slices.Contains(argv, "--help-all"):
		writeAllFlags(s.out)
		return exitOK
	case errors.Is(err, argparse.ErrHelp):
		writeHelp(s.out, app)
		return exitOK
	case err != nil:
		text := usageText(err, argv)
		if word := strayCommand(app, err); word != "" {
			text, _, _ = strings.Cut(text, "\nhint: ")
			text += "\nhint: the subcommand comes first: loadgen " + word + " [flags]"
		}
		fail(s.err, "usage", text)
		return exitUsage
	}
	if cfg.logFormat == "json" { // as a file says
		s.asJSON()
	}
	return runBenchmark(ctx, cfg, s)
}

// strayCommand is a subcommand among the words that the benchmark does not take, "" without any.
func strayCommand(app *cli.App, err error) string {
	var unknown *argparse.Unrecognized
	if errors.As(err, &unknown) {
		for _, word := range unknown.Args {
			if app.Command(word) != nil {
				return word
			}
		}
	}
	return ""
}

// runCommand runs a subcommand with its words and what else says something of its flags.
func runCommand(ctx context.Context, app *cli.App, command *cli.Command, argv []string, s streams) error {
	if isGiven(argv, "help") || isGiven(argv, "h") || len(argv) == 1 && argv[0] == "help" {
		writeCommandHelp(s.out, command)
		return nil
	}
	if name := lacksValue(command, argv); name != "" {
		return usageError{fmt.Errorf("argument %s: expected one argument", name)}
	}
	words, err := withSources(command, argv, s)
	if err == nil {
		words, err = withUnits(command, words)
	}
	if err != nil {
		return usageError{err}
	}
	for _, note := range strayVariables(s.environ, app.Commands) {
		if strings.HasPrefix(note, commandVariable(command, "")) {
			fmt.Fprintf(s.err, "loadgen: %s\n", note)
		}
	}
	err = app.RunContext(ctx, append([]string{app.Name, command.Name}, flagsFirst(command, words)...))
	return withCommandHint(command, err)
}

// helpOrVersion answers what is no run: no word at all, loadgen help TOPIC, loadgen --version.
func helpOrVersion(app *cli.App, argv []string, s streams) (done bool, code int) {
	switch {
	case len(argv) == 0 && !configured(s):
		writeShortHelp(s.out, app)
		return true, exitOK
	case len(argv) == 0:
	case len(argv) == 1 && argv[0] == "--version":
		return true, exitCode(writeVersion(s.out), s.err)
	case argv[0] == "help":
		return true, help(app, argv[1:], s)
	}
	return false, 0
}

// askedForHelp reports whether a word that is no subcommand is followed by -h, where
// the original prints its help.
func askedForHelp(app *cli.App, argv []string) bool {
	_, err := parse(argv)
	return errors.Is(err, argparse.ErrHelp) && app.Command(argv[0]) == nil
}

// usageError is an error of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error, stderr io.Writer) int {
	var usage usageError
	var signal interrupted
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		if j := asJSONLog(stderr); j != nil {
			j.fail(errorCode(err), "every request failed, or more than allowed; what was logged before says why")
		}
		return exitFailed
	case errors.As(err, &signal): // a server that a signal ended
		return signal.exitCode()
	}
	fail(stderr, errorCode(err), message(err))
	if errors.As(err, &usage) {
		return exitUsage
	}
	if errors.As(err, new(gateMissed)) {
		return exitGate
	}
	return exitFailed
}

func commandNames(app *cli.App) string { return strings.Join(commandList(app), ", ") }

func commandList(app *cli.App) (names []string) {
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	return names
}

// newApp declares the subcommands. The benchmark's flags are parsed by the original's
// rules (internal/argparse).
func newApp(ctx context.Context, s streams) *cli.App {
	app := &cli.App{
		Name:                      "loadgen",
		Usage:                     "load an OpenAI-style LLM server as TensorRT-LLM's benchmark_serving does, and tell the truth about it",
		Version:                   versionText(),
		HideVersion:               true,
		HideHelp:                  true,
		Writer:                    s.out,
		ErrWriter:                 s.err,
		Reader:                    s.in,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		Commands:                  []*cli.Command{compareCommand(ctx, s), completionCommand(s), manCommand(s), mergeCommand(s), reportCommand(s), schemaCommand(s), selftestCommand(ctx, s), simCommand(ctx, s), sloCommand(ctx, s), sweepCommand(ctx, s), versionCommand(s)},
	}
	for _, c := range app.Commands {
		c.HideHelp = true // runCommand answers --help; cli's own help is one value that all apps share
		c.Flags = append(c.Flags, shared(c)...)
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usageError{commandUsage(c, err)} }
	}
	return app
}
