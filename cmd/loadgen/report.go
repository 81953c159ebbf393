package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"loadgen/internal/outfile"
	"loadgen/internal/plain"
	"loadgen/internal/recording"
	"loadgen/pkg/report"
)

const reportHelp = `Files are results of loadgen or of benchmark_serving, or timelines; also results of vLLM
(--append-result files, too), SGLang, InferenceX, AIPerf (profile_export_aiperf.json) and GuideLLM
(benchmarks.json), as far as they go. Results of several directories
are compared, a directory for each server: what is not comparable comes first.
For one directory DIR the report is written into DIR/report (report.html, report.md,
comparison.json, benchmark_comparison.svg), and the two files that benchmark_serving's scripts wrote
into DIR (benchmark_summary.txt, benchmark_comparison.png); for files only where --out says.`

func reportCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:        "report",
		Usage:       "show what result files say, and compare them",
		ArgsUsage:   "FILE|DIR...",
		Description: reportHelp,
		Flags: []cli.Flag{
			choice("format", "text", "how results are shown; as JSON, an object a line, one for each file; as CSV, a line for each metric; as percentile distributions in ms; the requests, a row for each, as CSV, or as Parquet where --out ends in .parquet", reportFormats...),
			choice("output", "text", "what standard output gets, one object for json, with the text on standard error", outputs...),
			&cli.StringFlag{Name: "out", Usage: "write to `PATH`: a directory gets the whole report, a name with an extension (.txt, .json, .csv, .hgrm, .md, .html, .png, .svg) that part of it"},
			&cli.StringSliceFlag{Name: "label", Usage: "`NAME=TEXT` calls the server NAME, a directory or a file, TEXT; may be repeated"},
			&cli.StringFlag{Name: "baseline", Usage: "compare with server `NAME`, not with the first"},
			&cli.StringFlag{Name: "title", Usage: "`TEXT` at the head of the report"},
			&cli.StringFlag{Name: "hardware", Usage: "`TEXT` of the hardware, such as '2x H200 GPUs'"},
			&cli.StringFlag{Name: "configuration", Usage: "`TEXT` of what the results do not say, such as 'TP=2, FP16'"},
			&cli.BoolFlag{Name: "across-clients", Usage: "compare results of different clients, or of different versions of one: loadgen's metrics are restated by the other client's definitions, or not compared where they cannot be"},
			&cli.BoolFlag{Name: "partial", Usage: "compare results of runs that ended early, too, with the others"},
			&cli.StringSliceFlag{Name: "gate", Usage: "`BOUND` such as 'p99_ttft_ms<=+5%' or 'mean_tpot_ms<=12': exit code 3 where it is missed; may be repeated"},
		},
		Action: func(c *cli.Context) error {
			o, err := parseReport(c)
			if err != nil {
				return usageError{err}
			}
			return o.run(s)
		},
	}
}

// reporting is a report to be made.
type reporting struct {
	args        []string
	format, out string
	object      bool // standard output gets an object, and standard error the text
	baseline    string
	partial     bool
	naming      report.Naming
	gates       []report.Gate
}

var (
	reportFormats = []string{"text", "json", "csv", "hgrm", "requests"}
	reportParts   = []string{".txt", ".json", ".csv", ".hgrm", ".md", ".html", ".png", ".svg", ".parquet"}
)

func parseReport(c *cli.Context) (*reporting, error) {
	o := &reporting{
		args:    c.Args().Slice(),
		format:  c.String("format"),
		out:     c.String("out"),
		object:  c.String("output") == "json",
		partial: c.Bool("partial"),
		naming: report.Naming{
			Labels:        map[string]string{},
			Hints:         comparisonHints,
			AcrossClients: c.Bool("across-clients"),
			Title:         c.String("title"),
			Hardware:      c.String("hardware"),
			Configuration: c.String("configuration"),
		},
	}
	if !slices.Contains(reportFormats, o.format) {
		return nil, fmt.Errorf("--format: %q is not one of %s", o.format, strings.Join(reportFormats, ", "))
	}
	if err := o.checkOutput(c.String("output")); err != nil {
		return nil, err
	}
	if len(o.args) == 0 {
		return nil, errors.New("report needs result files, or directories of them")
	}
	for i, arg := range o.args {
		if arg == stdoutName { // here standard input
			o.args[i] = "/dev/stdin"
		} else if strings.HasPrefix(arg, "-") {
			return nil, fmt.Errorf("%s comes after a file: flags come first", arg)
		}
	}
	if ext := filepath.Ext(o.out); o.format == "text" && ext != "" && !isDir(o.out) && !slices.Contains(reportParts, ext) {
		return nil, fmt.Errorf("--out: a report has no %s; expected a directory or one of %s", ext, strings.Join(reportParts, ", "))
	}
	for _, text := range c.StringSlice("label") {
		name, label, ok := strings.Cut(text, "=")
		if !ok || name == "" || label == "" {
			return nil, fmt.Errorf("--label: %q is not of the form NAME=TEXT", text)
		}
		o.naming.Labels[name] = label
	}
	if o.baseline = c.String("baseline"); o.baseline != "" {
		o.naming.Order = []string{o.baseline}
	}
	for _, text := range c.StringSlice("gate") {
		g, err := report.ParseGate(text)
		if err != nil {
			return nil, fmt.Errorf("--gate: %w", err)
		}
		o.gates = append(o.gates, g)
	}
	o.naming.Gates = o.gates
	return o, o.checkRequests()
}

// run reads the results and shows them. A file that cannot be read does not keep
// the others from being shown.
func (o *reporting) run(s streams) error {
	names, err := resultFiles(o.args)
	if err != nil {
		return err
	}
	if o.format == "requests" || filepath.Ext(o.out) == ".parquet" {
		return o.writeRequests(names, s)
	}
	var failed, unknown []error
	var files []*report.Stored
	for _, name := range names {
		some, err := readResult(name, s)
		switch {
		case report.IsUnknown(err) && !slices.Contains(o.args, name): // it lies in a directory with others
			fmt.Fprintf(s.err, "loadgen: left out: %v\n", err)
			unknown = append(unknown, err)
		case err != nil:
			failed = append(failed, err)
		}
		files = append(files, some...)
	}
	if len(files) == 0 {
		failed = append(failed, unknown...)
	}
	if len(files) > 1 && !o.partial {
		var refused []error
		files, refused = withoutPartial(files)
		failed = append(failed, refused...)
	}
	object := o.takeObject(&s)
	if len(files) == 0 {
		return errors.Join(append(failed, o.writeObject(object, nil, failed, nil, nil, nil))...)
	}
	for _, arg := range o.args {
		savedNaming(arg, &o.naming)
	}
	groups := report.Groups(files, o.naming)
	if o.baseline != "" && !hasVariant(groups, o.baseline) {
		return usageError{fmt.Errorf("--baseline: no server %q; expected one of %s", o.baseline, variantNames(groups))}
	}
	written, err := o.write(s, files, groups)
	if err != nil {
		failed = append(failed, err)
	}
	if len(failed) > 0 && !o.object {
		return errors.Join(failed...)
	}
	missed := gatesMissed(s, groups, o.naming.Order, o.gates)
	if err := o.writeObject(object, names, failed, groups, written, missed); err != nil {
		failed = append(failed, err)
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	return missedError(missed)
}

// resultFiles are the files named, and those beneath the directories named.
func resultFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() { // reading it reports what is not there
			files = append(files, arg)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".jsonl")) && !strings.HasSuffix(path, ".pytorch.json") && d.Name() != report.ComparisonName && !outfile.Special(path) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			text := "there are no result files (*.json) in " + arg
			if timelines, _ := filepath.Glob(filepath.Join(arg, "*.timeline")); len(timelines) > 0 {
				text += "; timelines are read by name: loadgen report " + plain.Word(timelines[0])
			}
			return nil, noResults(text)
		}
	}
	return files, nil
}

// readResult reads the results of a file, or computes the result of a timeline.
func readResult(name string, s streams) ([]*report.Stored, error) {
	in, isTimeline, done, err := openResult(name, s)
	if err != nil {
		return nil, err
	}
	defer done()
	if isTimeline {
		stored, err := readTimeline(name, in, s)
		if err != nil {
			return nil, err
		}
		return []*report.Stored{stored}, nil
	}
	text, err := readText(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return report.ParseAll(name, text)
}

// readText reads a file that should be text to its end. A device or a sparse file that is
// none may have no end.
func readText(in *bufio.Reader) ([]byte, error) {
	start, _ := in.Peek(512)
	utf16 := bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff"))
	if !utf16 && bytes.IndexByte(start, 0) >= 0 {
		return nil, errors.New("not a result file: it holds no text but zero bytes")
	}
	return io.ReadAll(in)
}

// openResult opens a file of results, and reports whether it is a timeline. done closes it.
func openResult(name string, s streams) (in *bufio.Reader, isTimeline bool, done func(), err error) {
	defer awaitPipe(s.err, name)()
	f, err := os.Open(name)
	if err != nil {
		return nil, false, nil, err
	}
	in = bufio.NewReaderSize(f, 1<<20)
	start, _ := in.Peek(len(recording.Magic))
	return in, recording.IsFile(start), func() { f.Close() }, nil
}

// write shows the results as the format and --out say, and returns the files that it wrote.
func (o *reporting) write(s streams, files []*report.Stored, groups []*report.Group) (written []string, err error) {
	show := o.writer(s, files, groups)
	if o.out == "" {
		if o.format != "text" || len(o.args) != 1 || !isDir(o.args[0]) {
			return nil, show(s.out)
		}
		written, err = writeAll(s, filepath.Join(o.args[0], report.DirectoryName), o.args[0], groups)
		return written, errors.Join(err, show(s.out))
	}
	if isDir(o.out) || filepath.Ext(o.out) == "" && !exists(o.out) && o.format == "text" {
		written, err = writeAll(s, o.out, o.out, groups)
		return written, errors.Join(err, show(s.out))
	}
	if err := outfile.Write(o.out, o.part(show, files, groups)); err != nil {
		return nil, err
	}
	o.sayWritten(s, len(groups))
	return []string{o.out}, nil
}

// sayWritten logs the file that --out names, and that a picture shows one comparison of several.
func (o *reporting) sayWritten(s streams, groups int) {
	if outfile.Special(o.out) {
		return
	}
	text := "wrote " + o.out
	if ext := filepath.Ext(o.out); groups > 1 && (ext == ".png" || ext == ".svg") {
		text += fmt.Sprintf(", the first of %d charts; report.html has all", groups)
	}
	fmt.Fprintf(s.err, "loadgen: %s\n", text)
}

// part is what a file with this extension gets: a part of the report, or what the
// format has asked for.
func (o *reporting) part(show func(w io.Writer) error, files []*report.Stored, groups []*report.Group) func(w io.Writer) error {
	switch filepath.Ext(o.out) {
	case ".md":
		return func(w io.Writer) error { return report.Markdown(w, groups) }
	case ".html":
		return func(w io.Writer) error { return report.HTML(w, groups) }
	case ".png":
		return groups[0].WritePNG
	case ".svg":
		return groups[0].WriteSVG
	case ".csv":
		return func(w io.Writer) error { return report.CSV(w, groups) }
	case ".hgrm":
		return func(w io.Writer) error { return report.Percentiles(w, files) }
	case ".json":
		if o.format == "text" {
			return func(w io.Writer) error { return report.JSON(w, groups) }
		}
	}
	return show
}

// writeAll writes a report into a directory, but for the original's two files, which may have
// another, and logs their names.
func writeAll(s streams, dir, originals string, groups []*report.Group) (names []string, err error) {
	names, err = report.WriteDirectory(dir, originals, groups)
	if err != nil {
		err = fmt.Errorf("the report cannot be written: %w; loadgen report --out DIR writes it elsewhere", err)
	}
	if len(names) > 0 {
		fmt.Fprintf(s.err, "loadgen: wrote %s\n", strings.Join(names, ", "))
	}
	return names, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// writer is what writes the results in the format asked for.
func (o *reporting) writer(s streams, files []*report.Stored, groups []*report.Group) func(w io.Writer) error {
	switch o.format {
	case "csv":
		return func(w io.Writer) error { return report.CSV(w, groups) }
	case "hgrm":
		return func(w io.Writer) error { return report.Percentiles(w, files) }
	case "json":
		return func(w io.Writer) error {
			return report.Lines(w, files, groups)
		}
	}
	return func(w io.Writer) error {
		report.WriteText(w, files, groups, w == s.out && coloured(s))
		return nil
	}
}

// coloured reports whether standard output is a terminal and colour is not turned off.
func coloured(s streams) bool {
	o, ok := s.out.(*output)
	if !ok {
		return false
	}
	f, ok := o.Writer.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && s.env("NO_COLOR") == ""
}

func hasVariant(groups []*report.Group, name string) bool {
	return slices.ContainsFunc(groups, func(g *report.Group) bool {
		return slices.ContainsFunc(g.Variants, func(s report.Variant) bool { return s.Name == name || s.Label == name })
	})
}

func variantNames(groups []*report.Group) string {
	var names []string
	for _, g := range groups {
		for _, s := range g.Variants {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}
