package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/pyjson"
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
			write := func(w io.Writer) error { return writeReports(w, files, format) }
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

// writeReports shows one file after the other. One that cannot be read does not
// keep the others from being shown.
func writeReports(w io.Writer, files []string, format string) error {
	var failed []error
	for i, name := range files {
		stored, err := report.ReadStored(name)
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
