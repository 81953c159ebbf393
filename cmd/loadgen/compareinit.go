package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	plans "loadgen/examples"
	"loadgen/internal/compare"
	"loadgen/internal/plain"
	"loadgen/internal/suggest"
)

// examplePlans are the names of the plans that --init writes, the first without --example.
var examplePlans = []string{"engine-vs-pytorch", "speculative-decoding", "trtllm-vllm-sglang"}

// exampleFiles are the files that a plan's commands need, which are written next to it.
var exampleFiles = map[string][]string{"speculative-decoding": {"config/eagle3.yaml"}}

// checkInit checks the flags of --init.
func checkInit(c *cli.Context) error {
	if name := c.String("example"); c.IsSet("example") && !slices.Contains(examplePlans, name) {
		hint := ""
		if near := suggest.Nearest(name, examplePlans); near != "" {
			hint = "\nhint: did you mean --example " + near + "?"
		}
		return fmt.Errorf("--example: %q is not one of %s%s", name, strings.Join(examplePlans, ", "), hint)
	}
	if !c.Bool("init") && c.IsSet("example") {
		return errors.New("--example is for --init: loadgen compare --init --example NAME")
	}
	for _, other := range []string{"demo", "dry-run", "resume", "overwrite"} {
		if c.Bool("init") && c.Bool(other) {
			return fmt.Errorf("--init writes a plan and does nothing else: it is not allowed with --%s", other)
		}
	}
	return nil
}

// initPlan writes a plan with comments, and the files that it needs, next to what is there.
func initPlan(file, example string, s streams) error {
	if file == "" {
		file = compare.SavedName
	}
	text, err := plans.Plans.ReadFile(example + ".yaml")
	if err == nil {
		err = writeNew(file, []byte(strings.ReplaceAll(string(text), "PLAN.yaml", file)))
	}
	if err != nil {
		return err
	}
	written := []string{file}
	for _, name := range exampleFiles[example] {
		path := filepath.Join(filepath.Dir(file), filepath.FromSlash(name))
		text, err := plans.Plans.ReadFile(name)
		if err == nil {
			err = writeNew(path, text)
		}
		switch {
		case errors.Is(err, fs.ErrExist): // the user's own
			fmt.Fprintf(s.err, "loadgen: %s is left as it is\n", path)
		case err != nil:
			return err
		default:
			written = append(written, path)
		}
	}
	fmt.Fprintf(s.err, "loadgen: wrote %s; next: adapt it, then loadgen compare %s --dry-run\n", strings.Join(written, ", "), plain.Word(file))
	return nil
}

// writeNew writes a file that is not there yet, and makes its directory if need be.
func writeNew(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return fmt.Errorf("--init: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return &existsError{fmt.Sprintf("--init: %s already exists, and is left as it is; name another file: loadgen compare --init FILE", file)}
	}
	if err != nil {
		return fmt.Errorf("--init: %w; name another file: loadgen compare --init FILE", err)
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// existsError is the error of a file that would be replaced.
type existsError struct{ text string }

func (e *existsError) Error() string { return e.text }
func (e *existsError) Unwrap() error { return fs.ErrExist }
