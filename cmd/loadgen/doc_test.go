package main

import (
	"bufio"
	"bytes"
	"context"
	flags "flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
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

// stagesOfPage writes the file of stages that docs/load.md shows.
func stagesOfPage(t *testing.T) (path string) {
	page, err := os.ReadFile("../../docs/load.md")
	_, rest, found := strings.Cut(string(page), "```yaml\n")
	text, _, ended := strings.Cut(rest, "```")
	path = t.TempDir() + "/stages.yaml"
	if err != nil || !found || !ended || os.WriteFile(path, []byte(text), 0o666) != nil {
		t.Fatal("docs/load.md shows no stages", err)
	}
	return path
}

// TestManualsExamples runs the manual's examples, those that would need a server
// as dry runs.
func TestManualsExamples(t *testing.T) {
	t.Parallel()
	stages := stagesOfPage(t)
	for _, file := range []string{"doc.go", "../../docs/load.md"} {
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
			args := words(t, strings.ReplaceAll(line, "stages.yaml", stages))
			if args[0] != "version" {
				args = append(args, "--dry-run")
			}
			if args[0] != "version" && !slices.Contains(args, "--ramp-up") { // which needs as many as it takes
				args = append(args, "--num-prompts", "2")
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

// TestHelpsExamples: what the help begins with is accepted as it stands.
func TestHelpsExamples(t *testing.T) {
	for _, e := range examples {
		argv := strings.Fields(e[0])[1:]
		if argv[0] == "compare" {
			var stdout, stderr bytes.Buffer
			if code := run(context.Background(), append([]string{"loadgen", "compare", "--dry-run"}, argv[1:]...), strings.NewReader(""), &stdout, &stderr); code != exitOK {
				t.Errorf("%s: %s", e[0], stderr.String())
			}
			continue
		}
		if _, err := parse(argv); err != nil {
			t.Errorf("%s: %v", e[0], err)
		}
	}
	if len(examples) != 5 || len(common) != 12 {
		t.Errorf("%d examples and %d flags, want 5 and 12", len(examples), len(common))
	}
}

// TestReadmesOutput runs the command whose output the README shows, and compares it line by
// line, numbers aside; "..." stands for lines left out.
func TestReadmesOutput(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<!-- output: loadgen ")
	line, rest, found2 := strings.Cut(rest, " -->\n```\n")
	want, _, found3 := strings.Cut(rest, "\n```")
	if !found || !found2 || !found3 {
		t.Fatal("the README shows no output")
	}
	cmd := command(strings.Fields(line)...)
	cmd.Dir = t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if !strings.Contains(string(out), "\nSuccessful requests:                     320 ") || !strings.Contains(stderr.String(), "320/320 requests") || strings.Contains(stderr.String(), "did not stop") {
		t.Errorf("%s%s", out, stderr.String())
	}
	numbers := regexp.MustCompile(`[0-9.]+ *$`)
	got := strings.Split(string(out), "\n")
	for i := range got {
		got[i] = numbers.ReplaceAllString(got[i], "N")
	}
	for _, w := range strings.Split(want, "\n") {
		if w == "..." {
			continue
		}
		k := slices.Index(got, numbers.ReplaceAllString(w, "N"))
		if k < 0 {
			t.Fatalf("the program does not print %q, or not in this order:\n%s", w, out)
		}
		got = got[k+1:]
	}
}

// flagsPage is docs/flags.md.
func flagsPage() string {
	var page strings.Builder
	page.WriteString("# Flags\n\nThe benchmark's flags are benchmark_serving's, read by its rules: any unambiguous prefix is\naccepted, the last of a repeated flag wins. Those marked * are loadgen's own; they are known by\ntheir full name only. Subcommands have `--help` of their own.\n")
	cell := strings.NewReplacer("|", "\\|")
	defaults := newConfig()
	for _, g := range groups {
		fmt.Fprintf(&page, "\n## %s\n\n| flag | |\n|---|---|\n", g.title)
		for _, f := range flagsOf(g) {
			fmt.Fprintf(&page, "| `%s` | %s |\n", cell.Replace(strings.TrimSuffix(f.synopsis()+" "+f.mark(), " ")), cell.Replace(f.explained(defaults)))
		}
	}
	page.WriteString("\n# Flags of subcommands\n\nAll take `--log-format text|json`, and those with flags of their own `--config FILE`: see\n[automation.md](automation.md).\n")
	for _, c := range newApp(context.Background(), streams{}).Commands {
		head := fmt.Sprintf("\n## loadgen %s\n\n| flag | |\n|---|---|\n", c.Name)
		for _, f := range flagsOfCommand(c) {
			if isShared(strings.TrimPrefix(f.name, "--")) {
				continue
			}
			fmt.Fprintf(&page, "%s| `%s` | %s |\n", head, cell.Replace(strings.TrimSpace(f.name+" "+f.value)), cell.Replace(f.about))
			head = ""
		}
	}
	return page.String()
}

// TestShellsAndManualKnowAllFlags: completions and the manual page have every subcommand with
// every flag.
func TestShellsAndManualKnowAllFlags(t *testing.T) {
	t.Parallel()
	app := newApp(context.Background(), streams{})
	var manual bytes.Buffer
	writeManual(&manual, app)
	for _, shell := range shells {
		var out bytes.Buffer
		writeCompletion(&out, shell, commandWords(app))
		for _, c := range app.Commands {
			own := out.String()
			if shell == "bash" { // each has its words on a line of their own
				_, own, _ = strings.Cut(own, "    "+c.Name+")\n")
				_, own, _ = strings.Cut(own, "words='")
				own, _, _ = strings.Cut(own, "'")
			}
			for _, f := range flagsOfCommand(c) {
				word := f.name
				if shell == "fish" {
					word = "__fish_seen_subcommand_from " + c.Name + "' -l " + strings.TrimPrefix(f.name, "--") + " "
				}
				if !strings.Contains(own, word) {
					t.Errorf("%s: loadgen %s %s is missing", shell, c.Name, f.name)
				}
			}
		}
		for _, f := range flagTable() {
			if !strings.Contains(out.String(), strings.TrimPrefix(f.Name, "--")) {
				t.Errorf("%s: %s is missing", shell, f.Name)
			}
		}
	}
	for _, c := range app.Commands {
		_, section, found := strings.Cut(manual.String(), ".SS loadgen "+c.Name+" ")
		section, _, _ = strings.Cut(section, "\n.SS ")
		for _, f := range flagsOfCommand(c) {
			if !found || !strings.Contains(section, "\n.B "+roff(f.name)) {
				t.Errorf("man: loadgen %s %s is missing", c.Name, f.name)
			}
		}
	}
	for _, f := range flagTable() {
		if !strings.Contains(manual.String(), "\n.B "+roff(f.Name)) {
			t.Errorf("man: %s is missing", f.Name)
		}
	}
}

var update = flags.Bool("update", false, "write docs/flags.md")

// TestFlagsPage holds docs/flags.md to the flag table.
func TestFlagsPage(t *testing.T) {
	const name = "../../docs/flags.md"
	want := flagsPage()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s is not current (%v): go test ./cmd/loadgen -run TestFlagsPage -update", name, err)
	}
}

// TestErrorCodesPage: docs/automation.md explains every code of an error.
func TestErrorCodesPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/automation.md")
	if err != nil {
		t.Fatal(err)
	}
	for code := range problemHints {
		if !strings.Contains(string(page), "`"+code+"`") {
			t.Errorf("the page does not have %s", code)
		}
	}
	for _, code := range errorCodes {
		if !strings.Contains(string(page), "| `"+code+"` |") {
			t.Errorf("the page does not have %s", code)
		}
	}
}
