package main

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/rivo/uniseg"
)

// Help is read on terminals of 80 columns.
func TestHelpFitsTheTerminal(t *testing.T) {
	asked := [][]string{{}, {"--help"}, {"--help-all"}}
	for _, c := range commandList(newApp(t.Context(), streams{})) {
		asked = append(asked, []string{"help", c}, []string{c, "--help"}, []string{c, "help"})
	}
	for _, g := range groups {
		asked = append(asked, []string{"help", g.topic})
	}
	for _, args := range asked {
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"loadgen"}, args...), strings.NewReader(""), &out, io.Discard); code != exitOK || out.Len() == 0 {
			t.Errorf("loadgen %v: exit %d, %d bytes", args, code, out.Len())
		}
		for line := range strings.Lines(out.String()) {
			if uniseg.StringWidth(strings.TrimRight(line, "\n")) > helpWidth {
				t.Errorf("loadgen %v has a line of more than %d columns: %s", args, helpWidth, line)
			}
		}
	}
}

// Two runs in one process share nothing, which the race detector sees here.
func TestRunsShareNothing(t *testing.T) {
	t.Parallel()
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() {
			var out, errs bytes.Buffer
			if code := run(t.Context(), []string{"loadgen", "version", "--json"}, strings.NewReader(""), &out, &errs); code != exitOK || out.Len() == 0 || errs.Len() > 0 {
				t.Errorf("exit %d: %s%s", code, &out, &errs)
			}
		})
	}
	runs.Wait()
}

func TestFitKeepsExamples(t *testing.T) {
	long := strings.Repeat("word ", 20)
	const example = "  loadgen completion zsh > a file whose name is so long that the line has more than 80 columns"
	got := fit(long + "\nand more\n\n" + example + "\n")
	if want := strings.TrimSpace(strings.Repeat("word ", 16)) + "\nword word word word and more\n\n" + example + "\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
