//go:build unix

package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestVariablesOfContainers: no value of a variable is among the words that docker is
// started with, and docker has them all in its own environment.
func TestVariablesOfContainers(t *testing.T) {
	for line, want := range map[string]string{
		"docker exec trtllm": "docker exec trtllm",
		"docker exec -e A=1 --env B=2 --env=C=3 -eD=4 -u root trtllm sh -e E=5":                        "docker exec -e A --env B --env=C -eD -u root trtllm sh -e E=5 + A=1 B=2 C=3 D=4",
		"/usr/bin/podman -H x run --rm -it -p 8000:8000 --gpus all -e A=1 --name=n image serve -e B=2": "/usr/bin/podman -H x run --rm -it -p 8000:8000 --gpus all -e A --name=n image serve -e B=2 + A=1",
		"docker exec -e A trtllm":                      "docker exec -e A trtllm",
		"docker exec -e LD_PRELOAD=x -e PATH=y trtllm": "docker exec -e LD_PRELOAD=x -e PATH=y trtllm",
		"docker exec -e":                               "docker exec -e",
		"ssh host -e A=1":                              "ssh host -e A=1",
	} {
		words, env := hideVariables(strings.Fields(line))
		got := strings.Join(words, " ")
		if len(env) > 0 {
			got += " + " + strings.Join(env, " ")
		}
		if got != want {
			t.Errorf("%s:\n%s, want\n%s", line, got, want)
		}
	}
}

func TestStartCommand(t *testing.T) {
	o := Options{Command: []string{"serve"}, Env: []string{"HF_TOKEN=SECRET", "LD_LIBRARY_PATH=/x"}}
	for prefix, want := range map[string][2]string{
		"docker exec -e KEY=OWN trtllm": {"docker exec -e HF_TOKEN -e KEY trtllm sh -c SCRIPT sh FILE  env LD_LIBRARY_PATH=/x serve", "KEY=OWN HF_TOKEN=SECRET"},
		"sudo -u x":                     {"sudo -u x sh -c SCRIPT sh FILE  env HF_TOKEN=SECRET LD_LIBRARY_PATH=/x serve", ""},
	} {
		r := newRemote(strings.Fields(prefix), "n")
		words, env := r.startCommand(&o)
		line := strings.NewReplacer(startScript, "SCRIPT", r.pidFile, "FILE").Replace(strings.Join(words, " "))
		if diff := cmp.Diff(want, [2]string{line, strings.Join(env, " ")}); diff != "" {
			t.Errorf("%s: %s", prefix, diff)
		}
	}
}
