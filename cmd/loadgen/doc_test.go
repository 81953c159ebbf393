package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// words splits a line of the manual as a shell does.
func words(t *testing.T, line string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "for w in "+line+"; do printf '%s\\n' \"$w\"; done").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// TestManualsExamples runs the manual's examples, those that would need a server
// as dry runs.
func TestManualsExamples(t *testing.T) {
	for _, file := range []string{"doc.go", "../../README.md"} {
		manual, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer manual.Close()
		found, fenced := 0, false
		for in := bufio.NewScanner(manual); in.Scan(); {
			if strings.HasPrefix(in.Text(), "```") {
				fenced = !fenced
			}
			line, ok := strings.CutPrefix(strings.TrimLeft(in.Text(), "\t "), "loadgen ")
			if !ok || !fenced && !strings.HasPrefix(in.Text(), "\t") {
				continue
			}
			found++
			for strings.HasSuffix(line, `\`) && in.Scan() {
				line = strings.TrimSuffix(line, `\`) + in.Text()
			}
			args := words(t, line)
			if args[0] != "version" {
				args = append(args, "--dry-run", "--num-prompts", "2")
			}
			var stdout, stderr bytes.Buffer
			if code := run(context.Background(), append([]string{"loadgen"}, args...), strings.NewReader(""), &stdout, &stderr); code != exitOK {
				t.Errorf("%s: %s: exit %d: %s", file, line, code, stderr.String())
			}
		}
		if found == 0 {
			t.Errorf("%s has no examples", file)
		}
	}
}

// TestReadmeNamesEveryOwnFlag checks that no flag of ours is left out there.
func TestReadmeNamesEveryOwnFlag(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flagTable() {
		if f.Exact && !bytes.Contains(readme, []byte("`"+f.Name)) {
			t.Errorf("the README does not name %s", f.Name)
		}
	}
}
