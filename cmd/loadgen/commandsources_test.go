package main

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// sourcesOf are the words of a subcommand with variables and a file.
func sourcesOf(t *testing.T, name, file string, variables map[string]string, argv ...string) ([]string, error) {
	t.Helper()
	s := streams{lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok }}
	if file != "" {
		argv = append(argv, "--config", planFile(t, file))
	}
	return withSources(newApp(context.Background(), s).Command(name), argv, s)
}

// TestCommandSources: variables go before the file, the command line before both; the values of
// a flag that can be repeated are those of one source.
func TestCommandSources(t *testing.T) {
	for _, c := range []struct {
		file      string
		variables map[string]string
		argv      string
		want      string
	}{
		{"", nil, "plan.yaml --resume", "plan.yaml --resume"},
		{"compare: {gate: [a<=1, b<=2], origin_compatible: true}", nil, "p", "--origin-compatible=true --gate=a<=1 --gate=b<=2 p"},
		{"compare: {gate: [a<=1], results: x}", map[string]string{"LOADGEN_COMPARE_GATE": "c<=3\nd<=4\n", "LOADGEN_COMPARE_PARTIAL": "1"}, "p", "--partial=true --gate=c<=3 --gate=d<=4 --results=x p"},
		{"compare: {gate: [a<=1], results: x}", map[string]string{"LOADGEN_COMPARE_GATE": "c<=3"}, "p --gate e<=5 --results=y", "p --gate e<=5 --results=y"},
		{"compare: {resume: true, partial: false}", map[string]string{"LOADGEN_COMPARE_RESUME": "false"}, "p", "p"},
		{"report: {gate: [a<=1]}", map[string]string{"LOADGEN_REPORT_GATE": "x"}, "p", "p"},
		{"compare: {results: x}", map[string]string{simParent: "1"}, "p", "p"},
	} {
		got, err := sourcesOf(t, "compare", c.file, c.variables, strings.Fields(c.argv)...)
		if c.variables[simParent] != "" {
			got = got[:1]
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q %v", c, got, err)
		}
	}
	for file, want := range map[string]string{
		"compare: {results: }":         "compare: --results has no value",
		"compare: {results: {a: b}}":   "compare: --results needs a value, not a table",
		"compare: {results: true}":     "compare: --results needs a value",
		"compare: {resume: maybe}":     `compare: --resume: "maybe" is neither true nor false`,
		"compare: {results: [a]}":      "compare: --results takes one value, not a list",
		"compare: {reslts: a}":         "compare: there is no flag --reslts; did you mean results?",
		"compare: {config: other}":     "compare: there is no flag --config",
		"compare: {log-format: json}":  "compare: there is no flag --log-format",
		"compare: [a]":                 "compare is the section of loadgen compare",
		"compare: {gate: [a<=1], \"\"": "line 1",
	} {
		if _, err := sourcesOf(t, "compare", file, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", file, err, want)
		}
	}
}

// TestVariablesDoNotCollide: no subcommand's variable is one of the benchmark's, or of another.
func TestVariablesDoNotCollide(t *testing.T) {
	seen := map[string]string{simParent: "the simulator's parent"}
	for _, f := range flagTable() {
		seen[envName(f.Name)] = f.Name
	}
	for _, c := range newApp(context.Background(), streams{}).Commands {
		for _, f := range c.Flags {
			name := commandVariable(c, f.Names()[0])
			if isShared(f.Names()[0]) {
				continue
			}
			if other := seen[name]; other != "" {
				t.Errorf("%s is the variable of loadgen %s --%s and of %s", name, c.Name, f.Names()[0], other)
			}
			seen[name] = c.Name
		}
	}
}

// TestTakeFlag: what follows a "--" are files, and the last value counts.
func TestTakeFlag(t *testing.T) {
	rest, value, found, err := takeFlag([]string{"a", "--x", "1", "--x=2", "--", "--x", "3"}, "--x")
	if err != nil || !found || value != "2" || !slices.Equal(rest, []string{"a", "--", "--x", "3"}) {
		t.Error(rest, value, found, err)
	}
}
