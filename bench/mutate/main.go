// Mutate breaks one rule of the program at a time and runs the test that guards it:
// a mutation that its test does not notice is a rule without a guard.
//
// Mutations are listed in mutations.txt, in blocks:
//
//	FILE
//	- LINE          the line as it is, white space at its ends aside; it must occur once
//	+ LINE          the line to put in its place
//	test PACKAGE TEST
//
// The tree is never changed: go test -overlay reads the mutated copy in place of the file.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed mutations.txt
var list string

// mutation replaces one line of a file; test in pkg must notice.
type mutation struct{ file, old, new, pkg, test string }

func main() {
	only := flag.String("only", "", "try only mutations whose file or test matches this `REGEXP`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	all, err := parse(list)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	count := map[string]int{}
	passes := map[string]bool{}
	for _, m := range all {
		if !pattern.MatchString(m.file) && !pattern.MatchString(m.test) {
			continue
		}
		if key := m.pkg + " " + m.test; !passes[key] {
			if out, err := goTest(ctx, m); err != nil {
				return fmt.Errorf("%s fails without any mutation: %w\n%s", key, err, out)
			}
			passes[key] = true
		}
		word := "survived"
		switch ok, err := m.try(ctx, dir); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			word = "not run"
			fmt.Fprintf(os.Stderr, "%s: %s: %v\n", m.file, m.new, err)
		case ok:
			word = "caught"
		}
		count[word]++
		fmt.Printf("%-8s %-34s %s\n         %-34s %s\n", word, m.file, m.new, "", m.test)
	}
	fmt.Printf("%d caught, %d survived, %d not run\n", count["caught"], count["survived"], count["not run"])
	if len(count) != 1 || count["caught"] == 0 {
		return errors.New("not every mutation was caught")
	}
	return nil
}

// parse reads the list.
func parse(text string) (all []mutation, err error) {
	var m mutation
	for n, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "- "):
			m.old = strings.TrimSpace(line[2:])
		case strings.HasPrefix(line, "+ "):
			m.new = strings.TrimSpace(line[2:])
		case strings.HasPrefix(line, "test "):
			fields := strings.Fields(line)
			if len(fields) != 3 || m.file == "" || m.old == "" || m.new == "" {
				return nil, fmt.Errorf("mutations.txt:%d: a block needs FILE, - LINE, + LINE and test PACKAGE TEST", n+1)
			}
			m.pkg, m.test = fields[1], fields[2]
			all = append(all, m)
			m.old, m.new = "", "" // the file stays for the blocks that follow
		default:
			m = mutation{file: strings.TrimSpace(line)}
		}
	}
	return all, nil
}

// mutated is the file with the mutation.
func (m mutation) mutated() ([]byte, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	found := 0
	for i, line := range lines {
		if strings.TrimSpace(line) == m.old {
			found++
			lines[i] = m.new
		}
	}
	if found != 1 {
		return nil, fmt.Errorf("the line %q occurs %d times, not once", m.old, found)
	}
	return []byte(strings.Join(lines, "\n")), nil
}

// try reports whether the test notices the mutation.
func (m mutation) try(ctx context.Context, dir string) (caught bool, err error) {
	text, err := m.mutated()
	if err != nil {
		return false, err
	}
	mutated := filepath.Join(dir, "mutated.go")
	if err := os.WriteFile(mutated, text, 0o600); err != nil {
		return false, err
	}
	path, err := filepath.Abs(m.file)
	if err != nil {
		return false, err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutated}})
	if err != nil {
		return false, err
	}
	config := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(config, overlay, 0o600); err != nil {
		return false, err
	}
	out, err := goTest(ctx, m, "-overlay", config)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err == nil:
		return false, nil
	case bytes.Contains(out, []byte("--- FAIL: "+m.test)) || bytes.Contains(out, []byte("panic:")):
		return true, nil
	}
	return false, fmt.Errorf("the test did not run: %w\n%s", err, out)
}

// goTest runs the mutation's test.
func goTest(ctx context.Context, m mutation, flags ...string) ([]byte, error) {
	args := append([]string{"test", "-count=1", "-run", "^" + m.test + "$"}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, m.pkg)...)
	out, err := cmd.CombinedOutput()
	if err == nil && bytes.Contains(out, []byte("no tests to run")) {
		return out, errors.New("there is no such test")
	}
	return out, err
}
