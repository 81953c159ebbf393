package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"loadgen/internal/suggest"
)

// meantCommand says what a word was probably meant to be that is no subcommand, "" where nothing
// is near.
func meantCommand(word string, commands []string) string {
	if near := suggest.Nearest(word, commands); near != "" {
		return fmt.Sprintf("did you mean loadgen %s?", near)
	}
	if u, err := url.Parse(word); err == nil && u.Host != "" {
		return "a server's URL needs its flag: loadgen --base-url URL"
	}
	if info, err := os.Stat(word); err != nil || info.IsDir() {
		return ""
	}
	switch filepath.Ext(word) {
	case ".json", ".timeline", ".hlog":
		return "loadgen report " + word + " reports a result"
	case ".yaml", ".yml":
		return "loadgen compare " + word + " runs a plan, loadgen --config " + word + " takes flags from a file"
	}
	return ""
}

// elsewhereSLO are what objectives of loadgen slo may be called.
var elsewhereSLO = map[string]string{"--ttft": "--p99-ttft", "--tpot": "--p99-tpot", "--itl": "--p99-itl", "--e2el": "--p99-e2el", "--latency": "--p99-e2el"}

// withCommandHint adds to the error of a subcommand that reads the benchmark's flags as well
// which flags were probably meant.
func withCommandHint(c *cli.Command, err error) error {
	var usage usageError
	if !c.SkipFlagParsing || !errors.As(err, &usage) || strings.Contains(err.Error(), "\nhint: ") {
		return err
	}
	own := map[string]string{}
	if c.Name == "slo" {
		maps.Copy(own, elsewhereSLO)
	}
	for _, f := range c.Flags {
		own["--"+f.Names()[0]] = "--" + f.Names()[0]
	}
	hint := meant(err, own)
	if hint == "" {
		return err
	}
	return usageError{fmt.Errorf("%w\nhint: %s", err, hint)}
}

// planHint says where a plan has what a flag of the benchmark sets, "" for any other flag.
func planHint(name string) string {
	ours := cmp.Or(elsewhere[name], name)
	if key := planKeys[ours]; key != "" {
		return fmt.Sprintf("\nhint: %s: the plan's key %s sets it", name, key)
	}
	for _, f := range flagTable() {
		if f.Name == ours {
			return fmt.Sprintf("\nhint: %s: the plan's flags set it, as %s there", name, strings.TrimPrefix(ours, "--"))
		}
	}
	return ""
}
