package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"loadgen/internal/argparse"
	"loadgen/internal/golden"
	"loadgen/internal/pyjson"
)

// sameArguments compares the namespace with the data, member by member.
func sameArguments(t *testing.T, got pyjson.Object, want map[string]any, known func(key string) bool) {
	t.Helper()
	text := pyjson.Append(nil, got)
	have := golden.JSON(t, text).(map[string]any)
	for key, w := range want {
		if known(key) && !reflect.DeepEqual(have[key], w) && fmt.Sprint(have[key]) != fmt.Sprint(w) {
			t.Errorf("%s: got %v, want %v", key, have[key], w)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%d arguments, want %d", len(have), len(want))
	}
}

// wantError compares an error with the last line that argparse printed.
func wantError(t *testing.T, diffs golden.Differences, name string, err error, line string) {
	t.Helper()
	_, words, _ := strings.Cut(strings.TrimSpace(line), "error: ")
	if head, choices, found := strings.Cut(words, "argument --dataset-name: invalid choice: "); found && head == "" {
		value, choices, _ := strings.Cut(choices, " ")
		words = "argument --dataset-name: invalid choice: " + value + " " + diffs.Want(name, "choices", choices).(string)
	}
	if diffs.Has(name, "error", words) {
		// --model is not required: there may be no error, or the next one.
		if err != nil && !errors.As(err, new(*argparse.Unrecognized)) {
			t.Errorf("got %v", err)
		}
		return
	}
	got := ""
	if err != nil {
		got = strings.TrimSpace(err.Error())
	}
	if got != strings.TrimSpace(words) {
		t.Errorf("error: got  %s\n       want %s", got, words)
	}
}

func TestGoldenArgparse(t *testing.T) {
	dir := golden.Dir(t, "argparse")
	diffs := golden.LoadDifferences(t, "argparse")
	var defaults struct{ Namespace json.RawMessage }
	golden.Read(t, filepath.Join(dir, "defaults.json"), &defaults)
	base := golden.JSON(t, defaults.Namespace).(map[string]any)
	var cases []struct {
		ID     any
		Argv   []string
		Exit   int
		Diff   json.RawMessage
		Stdout string
		Stderr string `json:"stderr_after_usage"`
	}
	golden.Read(t, filepath.Join(dir, "cases.json"), &cases)
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		name := fmt.Sprint(c.Argv)
		t.Run(fmt.Sprint(c.ID), func(t *testing.T) {
			cfg, err := readFlags(c.Argv)
			switch {
			case c.Exit == 2:
				wantError(t, diffs, name, err, c.Stderr)
			case c.Stdout == "@help.txt":
				if !errors.Is(err, argparse.ErrHelp) {
					t.Errorf("%v: %v, want the help", c.Argv, err)
				}
			case err != nil:
				t.Errorf("%v: %v", c.Argv, err)
			default:
				want := map[string]any{}
				for k, v := range base {
					want[k] = v
				}
				for k, v := range golden.JSON(t, c.Diff).(map[string]any) {
					want[k] = v
				}
				sameArguments(t, cfg.namespace(), want, func(string) bool { return true })
			}
		})
	}
	t.Logf("%d command lines", len(cases))
}

func TestGoldenCLI(t *testing.T) {
	diffs := golden.LoadDifferences(t, "cli")
	cases := 0
	for _, file := range golden.Files(t, "cli", "cli*.json") {
		var all []struct {
			Argv   []string
			Exit   int `json:"exit_code"`
			Parsed json.RawMessage
			Stderr string `json:"stderr_last_line"`
		}
		golden.Read(t, file, &all)
		for i, c := range all {
			cases++
			t.Run(fmt.Sprintf("%s/%d", golden.Name(file), i), func(t *testing.T) {
				cfg, err := readFlags(c.Argv)
				if c.Exit == 2 {
					wantError(t, diffs, fmt.Sprint(c.Argv), err, c.Stderr)
					return
				}
				if err != nil {
					t.Fatalf("%v: %v", c.Argv, err)
				}
				sameArguments(t, cfg.namespace(), golden.JSON(t, c.Parsed).(map[string]any), func(string) bool { return true })
			})
		}
	}
	t.Logf("%d command lines", cases)
}
