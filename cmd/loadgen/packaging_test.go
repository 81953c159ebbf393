package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// scripts are the texts for a shell in a YAML value: what run and script hold.
func scripts(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			text, isText := value.(string)
			list, isList := value.([]any)
			switch {
			case key == "run" && isText:
				all = append(all, text)
			case key == "script" && isList:
				for _, line := range list {
					if text, ok := line.(string); ok {
						all = append(all, text)
					}
				}
			default:
				all = append(all, scripts(value)...)
			}
		}
	case []any:
		for _, value := range v {
			all = append(all, scripts(value)...)
		}
	}
	return all
}

// dryRun checks a command line of the benchmark as far as nothing is sent.
func dryRun(t *testing.T, place string, argv []string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	argv = append([]string{"loadgen"}, append(argv, "--dry-run", "--num-prompts", "2")...)
	if code := run(context.Background(), argv, strings.NewReader(""), &stdout, &stderr); code != exitOK || stdout.Len() == 0 {
		t.Errorf("%s: %s: exit %d: %s", place, strings.Join(argv, " "), code, stderr.String())
	}
}

// TestCIExamples: the examples for CI are YAML, their scripts are shell, and their command
// lines are right.
func TestCIExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/ci/*.yml")
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := yaml.Unmarshal(text, &v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		runs, reports := 0, 0
		for _, script := range scripts(v) {
			script = regexp.MustCompile(`\$\{\{.*?\}\}`).ReplaceAllString(script, "x")
			check := exec.Command("bash", "-n")
			check.Stdin = strings.NewReader(script)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", file, err, out)
			}
			for line := range strings.Lines(script) {
				line, ok := strings.CutPrefix(strings.TrimSpace(line), "loadgen ")
				if !ok {
					continue
				}
				argv := words(t, strings.ReplaceAll(line, "$SERVER_URL", "http://127.0.0.1:1"))
				if argv[0] != "report" {
					runs++
					dryRun(t, file, argv)
					continue
				}
				reports++ // there is no result yet: that is what must be wrong, and not the command line
				var stderr bytes.Buffer
				if code := run(context.Background(), append([]string{"loadgen"}, argv...), strings.NewReader(""), &bytes.Buffer{}, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "new.json") {
					t.Errorf("%s: %s: exit %d: %s", file, line, code, stderr.String())
				}
			}
		}
		if runs != 1 || reports != 1 {
			t.Errorf("%s has %d runs and %d reports", file, runs, reports)
		}
	}
}

// TestKubernetesExample: the job is YAML, and its arguments are right.
func TestKubernetesExample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/kubernetes/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job struct {
		Kind string
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Command, Args []string
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &job); err != nil || job.Kind != "Job" || len(job.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%v: %+v", err, job)
	}
	args := job.Spec.Template.Spec.Containers[0].Args
	for i := range args { // no name is looked up
		args[i] = strings.Replace(args[i], "http://trtllm:8000", "http://127.0.0.1:1", 1)
	}
	dryRun(t, "job.yaml", args)
}

// TestSlurmExample: the script is shell, and what it types is right.
func TestSlurmExample(t *testing.T) {
	t.Parallel()
	const file = "../../examples/slurm/loadgen.sbatch"
	if out, err := exec.Command("bash", "-n", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^  loadgen ((?:.*\\\n)*.*)$`).FindStringSubmatch(string(text))
	if m == nil {
		t.Fatal("no command line")
	}
	line := strings.NewReplacer("\\\n", " ", "$concurrency", "8", "$((10 * concurrency))", "80", "$MODEL", "m", "$RESULTS", t.TempDir()).Replace(m[1])
	dryRun(t, file, words(t, line))
}

// TestDockerfile: a stage that builds, and one from scratch with what it needs of it.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages, last := []string{}, ""
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		switch f[0] {
		case "FROM":
			last = f[1]
			if len(f) == 4 && f[2] == "AS" {
				stages = append(stages, f[3])
			}
		case "COPY":
			if from, ok := strings.CutPrefix(f[1], "--from="); ok && !slices.Contains(stages, from) {
				t.Errorf("no stage %s: %s", from, line)
			}
		case "RUN":
			if last == "scratch" || !strings.HasPrefix(line, "RUN make build ") {
				t.Errorf("what is this: %s", line)
			}
		case "ENTRYPOINT":
			var argv []string
			if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "ENTRYPOINT")), &argv); err != nil || !slices.Equal(argv, []string{"/loadgen"}) {
				t.Errorf("%s: %v", line, err)
			}
		case "WORKDIR", "ENV":
		default:
			t.Errorf("what is this: %s", line)
		}
	}
	if last != "scratch" {
		t.Errorf("the image is from %s", last)
	}
}

// TestEveryMetricIsExplained: docs/metrics.md has each key of the metrics beyond the original's.
func TestEveryMetricIsExplained(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var defs struct {
		Defs map[string]struct{ Properties map[string]any } `json:"$defs"`
	}
	schema, err := os.ReadFile("../../docs/result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(schema, &defs); err != nil || len(defs.Defs["Extended"].Properties) < 10 {
		t.Fatalf("%v: the schema has no metrics", err)
	}
	for key := range defs.Defs["Extended"].Properties {
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("docs/metrics.md does not have %s", key)
		}
	}
}

// TestLinks: what the pages link to is there.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob("../../*.md")
	listed, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)
	for _, page := range append(pages, more...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
		if name := filepath.Base(page); filepath.Base(filepath.Dir(page)) == "docs" && !strings.Contains(string(listed), "(docs/"+name+")") {
			t.Errorf("the README does not link docs/%s", name)
		}
	}
}
