package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"loadgen/internal/result"
)

// version is set by the linker.
var version = ""

// versionText is the program's version, of the build or of the module.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func versionCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as one JSON object: version, commit, Go's version, system, and the schema of result files"}},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usageError{fmt.Errorf("version takes no arguments")}
			}
			if c.Bool("json") {
				return writeVersionJSON(s.out)
			}
			return writeVersion(s.out)
		},
	}
}

func writeVersion(w io.Writer) error {
	_, err := fmt.Fprintf(w, "loadgen %s (%s, %s/%s)\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// writeVersionJSON writes what a script asks of a build. What the build does not know is left out.
func writeVersionJSON(w io.Writer) error {
	v := struct {
		Version  string `json:"version"`
		Commit   string `json:"commit,omitempty"`
		Time     string `json:"commit_time,omitempty"`
		Modified bool   `json:"modified,omitempty"`
		Go       string `json:"go"`
		OS       string `json:"os"`
		Arch     string `json:"arch"`
		Schema   int    `json:"result_schema"`
	}{Version: versionText(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Schema: result.SchemaVersion}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.time":
				v.Time = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
