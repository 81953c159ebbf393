package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPipesWithoutAWriterAreNamed: what reads a pipe that nobody writes says so, and goes on when
// somebody does.
func TestPipesWithoutAWriterAreNamed(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		args        []string
		input, want string
		code        int
	}{
		"report":   {[]string{"report"}, "{}", "not a result", 1},
		"data set": {[]string{"--dry-run", "--model", "m", "--tokenizer", "llama3", "--dataset-name", "jsonl", "--dataset-path"}, "{\"prompt\": \"a\"}\n", "", 0},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			pipe := filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := command(append(c.args, pipe)...)
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines, said := bufio.NewReader(stderr), ""
			for !strings.Contains(said, pipe+" is a pipe: waiting for a program that writes it") {
				line, err := lines.ReadString('\n')
				if said += line; err != nil {
					t.Fatalf("it said %q", said)
				}
			}
			if err := os.WriteFile(pipe, []byte(c.input), 0); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(lines)
			if cmd.Wait(); cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(rest), c.want) {
				t.Errorf("%v: %s", cmd.ProcessState, rest)
			}
		})
	}
}
