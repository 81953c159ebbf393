package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/pyjson"
	"loadgen/internal/timeline"
	"loadgen/pkg/report"
)

func reportCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "show what result files say, and what is to be known of it",
		ArgsUsage: "FILE|DIR...",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "text", Usage: "text for people, json for programs: an object a line, one for each file"},
			&cli.StringFlag{Name: "out", Usage: "write to `FILE` in place of standard output"},
		},
		Action: func(c *cli.Context) error {
			format := c.String("format")
			if format != "text" && format != "json" {
				return usageError{fmt.Errorf("--format: %q is neither text nor json", format)}
			}
			if c.NArg() == 0 {
				return usageError{errors.New("report wants result files, or directories of them")}
			}
			for _, arg := range c.Args().Slice() {
				if strings.HasPrefix(arg, "-") {
					return usageError{fmt.Errorf("%s comes after a file: flags come first", arg)}
				}
			}
			files, err := resultFiles(c.Args().Slice())
			if err != nil {
				return err
			}
			write := func(w io.Writer) error { return writeReports(w, files, format, s) }
			if out := c.String("out"); out != "" {
				return report.WriteFile(out, write)
			}
			return write(s.out)
		},
	}
}

// resultFiles are the files named, and those beneath the directories named.
func resultFiles(args []string) (files []string, err error) {
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() { // what is not there is told when its turn comes
			files = append(files, arg)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".json") && !strings.HasSuffix(path, ".pytorch.json") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("there are no result files (*.json) in %s", arg)
		}
	}
	return files, nil
}

// readResult reads a result file, or computes the result of a timeline.
func readResult(name string, s streams) (*report.Stored, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	if start, _ := in.Peek(len(timeline.Magic)); string(start) == timeline.Magic {
		return recompute(name, in, s)
	}
	return report.ReadStored(name)
}

// writeReports shows one file after the other. One that cannot be read does not
// keep the others from being shown.
func writeReports(w io.Writer, files []string, format string, s streams) error {
	var failed []error
	for i, name := range files {
		stored, err := readResult(name, s)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if format == "json" {
			if _, err := w.Write(append(pyjson.Append(nil, stored.JSON()), '\n')); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(w)
		}
		stored.WriteText(w)
	}
	return errors.Join(failed...)
}
