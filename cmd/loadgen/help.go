package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/urfave/cli/v2"

	"loadgen/internal/argparse"
	"loadgen/internal/plain"
	"loadgen/internal/recording"
	"loadgen/internal/suggest"
)

// group is a group of flags, and the word that loadgen help has for it.
type group struct{ topic, title string }

// Groups of flags, in the order of the help.
const (
	target     = "Server"
	dataSet    = "Data set"
	traffic    = "Traffic"
	sampling   = "Sampling and request body"
	results    = "Result"
	runControl = "Run control"
	ignored    = "Accepted for compatibility, without effect"
)

var groups = []group{{"server", target}, {"dataset", dataSet}, {"traffic", traffic}, {"body", sampling},
	{"result", results}, {"run", runControl}, {"compatibility", ignored}}

// examples are what the help begins with: a command, and what it does.
var examples = [][2]string{
	{"loadgen --max-concurrency 64", "512 tokens in, 128 out, server on 127.0.0.1:8000"},
	{"loadgen --base-url http://HOST:8000 --request-rate 10 --num-prompts 600", "ten requests a second for a minute"},
	{"loadgen --dataset-name sharegpt --dataset-path FILE --max-concurrency 32", "prompts from a file"},
	{"loadgen --sim ideal --max-concurrency 64", "no server at hand: a simulated one"},
	{"loadgen compare --demo", "compare two servers, simulated here; then: loadgen compare --init"},
}

// common are the flags that most command lines are made of, in a few words.
var common = [][2]string{
	{"--base-url", "server; http://127.0.0.1:8000 without it"},
	{"--model", "model; the first that the server lists without it"},
	{"--backend", "completions or chat completions"},
	{"--max-concurrency", "requests at a time"},
	{"--request-rate", "requests per second, in place of all at once"},
	{"--num-prompts", "requests in all; 5 x concurrency without it"},
	{"--dataset-name", "where prompts come from; random without it"},
	{"--random-input-len", "tokens in; 512 without a data set"},
	{"--random-output-len", "tokens out; 128"},
	{"--goodput", "what a good request meets: ttft:200 e2el:5000"},
	{"--save-result", "write the result file; done without a data set"},
	{"--wait-ready", "wait for a server that is loading: 30m"},
}

const exitCodes = `Exit codes: 0 done; 1 the run failed, every request failed, a result, a plan or standard output
could not be written, or report or merge could not read a file; 2 wrong usage, or a file of the run
cannot be read or written: nothing was sent; 3 done, but a gate that was asked for (--require, --gate)
is missed; 129, 130, 143 interrupted, with partial results saved.
`

const environment = `Environment: every flag has a variable: LOADGEN_MAX_CONCURRENCY=64 is --max-concurrency 64, and
LOADGEN_COMPARE_RESULTS=DIR is loadgen compare --results DIR. The command line overrides it, and it
overrides --config FILE. OPENAI_API_KEY is sent as the bearer token; HTTP_PROXY, HTTPS_PROXY,
NO_PROXY and SSL_CERT_FILE are honoured; HF_HOME, HF_TOKEN and HF_ENDPOINT say where models and data
sets are.
`

const flagRules = `Flags are read by benchmark_serving's rules: any unambiguous prefix will do, the last of a
repeated flag wins. Those marked * are loadgen's own and are known by their full name only.
`

// helpWidth is how wide the help is, in columns.
const helpWidth = 80

// fit wraps the paragraphs of a text to the width of the help. Lines that begin with blanks are
// examples or tables and stay as they are.
func fit(text string) string {
	var out, paragraph strings.Builder
	end := func() {
		if paragraph.Len() == 0 {
			return
		}
		for _, line := range plain.Wrap(paragraph.String(), helpWidth) {
			fmt.Fprintln(&out, line)
		}
		paragraph.Reset()
	}
	for line := range strings.Lines(text) {
		if line == "\n" || strings.HasPrefix(line, " ") {
			end()
			out.WriteString(line)
			continue
		}
		paragraph.WriteString(line)
	}
	end()
	return out.String()
}

// writeShortHelp is what loadgen without a word prints, and what the help begins with.
func writeShortHelp(w io.Writer, app *cli.App) {
	fmt.Fprintf(w, "%s\nExamples:\n", fit(app.Name+" - "+app.Usage+"\n"))
	for _, e := range examples {
		fmt.Fprintf(w, "  %s\n        %s\n", e[0], e[1])
	}
	fmt.Fprint(w, "\nThe usual flags:\n")
	table := flagTable()
	for _, c := range common {
		f := table[slices.IndexFunc(table, func(f flag) bool { return f.Name == c[0] })]
		fmt.Fprintf(w, "  %-28s %s\n", f.synopsis(), c[1])
	}
	fmt.Fprint(w, "\nSubcommands:\n")
	for _, c := range app.Commands {
		for i, part := range plain.Wrap(c.Usage, helpWidth-22) {
			name := "loadgen " + c.Name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(w, "  %-19s %s\n", name, part)
		}
	}
	fmt.Fprint(w, "\n", fit("loadgen --help lists all flags by name, --help-all explains them; loadgen help TOPIC explains a flag, a group of flags or a subcommand.\n"))
}

// writeHelp is --help: the short one, and the other flags by name.
func writeHelp(w io.Writer, app *cli.App) {
	writeShortHelp(w, app)
	fmt.Fprint(w, "\nThe other flags, * loadgen's own:\n")
	for _, g := range groups {
		line := "  " + g.title + " (loadgen help " + g.topic + "):"
		for _, f := range flagsOf(g) {
			if slices.ContainsFunc(common, func(c [2]string) bool { return c[0] == f.Name }) {
				continue
			}
			if word := " " + strings.TrimSuffix(f.Name+" "+f.mark(), " "); uniseg.StringWidth(line+word) <= 80 {
				line += word
			} else {
				fmt.Fprintln(w, line)
				line = "     " + word
			}
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprint(w, "\n", fit(exitCodes), fit(environment))
}

// writeAllFlags is --help-all: every flag with what it does.
func writeAllFlags(w io.Writer) {
	fmt.Fprint(w, fit(flagRules))
	for _, g := range groups {
		fmt.Fprintln(w)
		g.write(w)
	}
	fmt.Fprint(w, "\n", fit(exitCodes), fit(environment))
}

// write explains the flags of a group.
func (g group) write(w io.Writer) {
	fmt.Fprintf(w, "%s:\n", g.title)
	defaults := newConfig()
	for _, f := range flagsOf(g) {
		f.write(w, defaults)
	}
}

// flagsOf are the flags of a group, by name.
func flagsOf(g group) (flags []flag) {
	for _, f := range flagTable() {
		if f.group == g.title {
			flags = append(flags, f)
		}
	}
	slices.SortFunc(flags, func(a, b flag) int { return strings.Compare(a.Name, b.Name) })
	return flags
}

// write explains a flag.
func (f flag) write(w io.Writer, defaults *config) {
	fmt.Fprintf(w, "  %s\n", strings.TrimSuffix(f.synopsis()+" "+f.mark(), " "))
	for _, line := range plain.Wrap(f.explained(defaults), 72) {
		fmt.Fprintf(w, "        %s\n", line)
	}
}

// writeCommandHelp is loadgen SUBCOMMAND --help.
func writeCommandHelp(w io.Writer, c *cli.Command) {
	synopsis := "loadgen " + c.Name + " [flags] " + c.ArgsUsage
	fmt.Fprintf(w, "%s\n  %s\n", fit("loadgen "+c.Name+" - "+c.Usage+"\n"), strings.TrimSpace(synopsis))
	if c.Description != "" {
		fmt.Fprintf(w, "\n%s", fit(c.Description+"\n"))
	}
	for _, f := range flagsOfCommand(c) {
		fmt.Fprintf(w, "\n  %s\n", strings.TrimSpace(f.name+" "+f.value))
		for _, line := range plain.Wrap(f.about, 72) {
			fmt.Fprintf(w, "        %s\n", line)
		}
	}
}

// mark is what is put after the flags that the original does not have.
func (f flag) mark() string {
	if f.Exact {
		return "*"
	}
	return ""
}

// synopsis is the flag with its values.
func (f flag) synopsis() string {
	value := f.value
	if f.Choices != nil && f.Name != "--dataset-name" {
		value = strings.Join(f.Choices, "|")
	}
	return strings.TrimSuffix(f.Name+" "+value, " ")
}

// explained is what the flag does, with its default.
func (f flag) explained(defaults *config) string {
	if value := f.preset(defaults); value != "" {
		return f.usage + " (default: " + value + ")"
	}
	return f.usage
}

// preset is the flag's default, "" where it has none worth a word.
func (f flag) preset(defaults *config) string {
	switch v := recording.Plain(f.bind(defaults)).(type) {
	case nil, bool:
		return ""
	case string:
		if f.Name == "--dataset-name" { // sharegpt, where the bare run does otherwise
			return ""
		}
		return v
	default:
		return fmt.Sprint(v)
	}
}

// help answers loadgen help and loadgen help TOPIC.
func help(app *cli.App, topics []string, s streams) int {
	topic := strings.TrimLeft(strings.Join(topics, " "), "-")
	table := flagTable()
	row := slices.IndexFunc(table, func(f flag) bool { return f.Name == "--"+topic })
	place := slices.IndexFunc(groups, func(g group) bool { return g.topic == topic })
	switch {
	case topic == "":
		writeHelp(s.out, app)
	case topic == "all" || topic == "flags":
		writeAllFlags(s.out)
	case app.Command(topic) != nil:
		writeCommandHelp(s.out, app.Command(topic))
	case place >= 0:
		groups[place].write(s.out)
	case row >= 0:
		table[row].write(s.out, newConfig())
	default:
		var known []string
		for _, g := range groups {
			known = append(known, g.topic)
		}
		known = append(known, "all")
		text := fmt.Sprintf("help: unknown topic %q: there are the flags, the subcommands (%s) and %s", topic, commandNames(app), strings.Join(known, ", "))
		for _, f := range table {
			known = append(known, f.Name)
		}
		if near := suggest.Nearest(topic, append(known, strings.Split(commandNames(app), ", ")...)); near != "" {
			text += fmt.Sprintf("\nhint: did you mean loadgen help %s?", strings.TrimLeft(near, "-"))
		}
		return exitCode(usageError{fmt.Errorf("%s", text)}, s.err)
	}
	return exitOK
}

// helpFlags are what asks for help among the benchmark's flags.
var helpFlags = []argparse.Flag{{Name: "--help", Short: "-h", Kind: argparse.Help}, {Name: "--help-all", Kind: argparse.Help, Exact: true}}
