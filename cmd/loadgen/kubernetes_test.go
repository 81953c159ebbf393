package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// What of Kubernetes' objects the examples use. A field that is not here is a slip.
type (
	kubeMeta struct {
		Name   string            `yaml:"name"`
		Labels map[string]string `yaml:"labels"`
	}
	kubeContainer struct {
		Name  string   `yaml:"name"`
		Image string   `yaml:"image"`
		Args  []string `yaml:"args"`
		Env   []struct {
			Name  string `yaml:"name"`
			Value string `yaml:"value"`
		} `yaml:"env"`
		Resources struct {
			Requests map[string]string `yaml:"requests"`
			Limits   map[string]string `yaml:"limits"`
		} `yaml:"resources"`
		VolumeMounts []struct {
			Name      string `yaml:"name"`
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
	kubePod struct {
		RestartPolicy             string `yaml:"restartPolicy"`
		TopologySpreadConstraints []struct {
			MaxSkew           int    `yaml:"maxSkew"`
			TopologyKey       string `yaml:"topologyKey"`
			WhenUnsatisfiable string `yaml:"whenUnsatisfiable"`
			LabelSelector     struct {
				MatchLabels map[string]string `yaml:"matchLabels"`
			} `yaml:"labelSelector"`
		} `yaml:"topologySpreadConstraints"`
		Containers []kubeContainer `yaml:"containers"`
		Volumes    []struct {
			Name                  string `yaml:"name"`
			PersistentVolumeClaim struct {
				ClaimName string `yaml:"claimName"`
			} `yaml:"persistentVolumeClaim"`
		} `yaml:"volumes"`
	}
	kubeJob struct {
		CompletionMode string `yaml:"completionMode"`
		Completions    int    `yaml:"completions"`
		Parallelism    int    `yaml:"parallelism"`
		BackoffLimit   *int   `yaml:"backoffLimit"`
		Template       struct {
			Spec kubePod `yaml:"spec"`
		} `yaml:"template"`
	}
	kubeObject struct {
		APIVersion string    `yaml:"apiVersion"`
		Kind       string    `yaml:"kind"`
		Metadata   kubeMeta  `yaml:"metadata"`
		Spec       yaml.Node `yaml:"spec"`
	}
	kubeClaim struct {
		AccessModes []string `yaml:"accessModes"`
		Resources   struct {
			Requests map[string]string `yaml:"requests"`
		} `yaml:"resources"`
	}
	kubeJobSet struct {
		FailurePolicy struct {
			MaxRestarts int `yaml:"maxRestarts"`
		} `yaml:"failurePolicy"`
		ReplicatedJobs []struct {
			Name      string `yaml:"name"`
			Replicas  int    `yaml:"replicas"`
			DependsOn []struct {
				Name   string `yaml:"name"`
				Status string `yaml:"status"`
			} `yaml:"dependsOn"`
			Template struct {
				Spec kubeJob `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"replicatedJobs"`
	}
)

// strictly decodes a node and takes no field that is not known.
func strictly(t *testing.T, node *yaml.Node, v any) {
	t.Helper()
	text, err := yaml.Marshal(node)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil {
		t.Error(err)
	}
}

// kubeObjects are the objects of a file.
func kubeObjects(t *testing.T, name string) (all []kubeObject) {
	t.Helper()
	text, err := os.ReadFile(scaleExamples + name)
	if err != nil {
		t.Fatal(err)
	}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o kubeObject
		d.KnownFields(true)
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, o)
	}
}

// checkRanks checks a Job of ranks: all pods run at once, know how many they are, are not
// restarted, and share a directory in which they meet.
func checkRanks(t *testing.T, j *kubeJob) {
	t.Helper()
	pod := j.Template.Spec
	if j.CompletionMode != "Indexed" || j.Completions < 2 || j.Parallelism != j.Completions || j.BackoffLimit == nil || *j.BackoffLimit != 0 || pod.RestartPolicy != "Never" || len(pod.Containers) != 1 {
		t.Fatalf("%+v", j)
	}
	c := pod.Containers[0]
	if len(c.Env) != 1 || c.Env[0].Name != "LOADGEN_SIZE" || c.Env[0].Value != fmt.Sprint(j.Completions) {
		t.Errorf("%d pods, %+v", j.Completions, c.Env)
	}
	cfg, err := parse(c.Args)
	if err != nil {
		t.Fatal(err)
	}
	note, err := cfg.findRank(streams{lookup: func(name string) (string, bool) {
		return map[string]string{"LOADGEN_SIZE": c.Env[0].Value, "JOB_COMPLETION_INDEX": "1"}[name], true
	}})
	if err != nil || cfg.part.Index != 1 || cfg.part.Size != j.Completions || cfg.checkRank() != nil {
		t.Errorf("%s, %v, %v", note, err, cfg.checkRank())
	}
	if mount := c.VolumeMounts[0]; !strings.HasPrefix(*cfg.Barrier, mount.MountPath+"/") || mount.Name != pod.Volumes[0].Name {
		t.Errorf("the ranks meet in %s, which is on no volume", *cfg.Barrier)
	}
}

// checkMerge checks the Job that merges what ranks have recorded.
func checkMerge(t *testing.T, j *kubeJob, ranks *kubeJob) {
	t.Helper()
	c := j.Template.Spec.Containers[0]
	cfg, err := parse(ranks.Template.Spec.Containers[0].Args)
	if err != nil || c.Args[0] != "merge" || c.Args[len(c.Args)-1] != *cfg.Barrier || j.Template.Spec.RestartPolicy != "Never" {
		t.Errorf("%q merges what is not in %s, %v", c.Args, *cfg.Barrier, err)
	}
	if c.Image != ranks.Template.Spec.Containers[0].Image || j.Template.Spec.Volumes[0] != ranks.Template.Spec.Volumes[0] {
		t.Error("another image or volume")
	}
	args := append([]string{"merge", "--output", "json"}, c.Args[1:len(c.Args)-1]...) // stops at the directory
	out, _ := command(append(args, "/nowhere")...).CombinedOutput()
	if !strings.Contains(string(out), "/nowhere: no such file") {
		t.Errorf("%q: %s", args, out)
	}
}

// TestKubernetesExamples holds the manifests to the fields that Kubernetes and JobSet have.
func TestKubernetesExamples(t *testing.T) {
	t.Parallel()
	objects := kubeObjects(t, "kubernetes-job.yaml")
	kinds := ""
	for _, o := range objects {
		kinds += o.APIVersion + " " + o.Kind + ", "
	}
	if kinds != "v1 PersistentVolumeClaim, batch/v1 Job, batch/v1 Job, " {
		t.Fatal(kinds)
	}
	var claim kubeClaim
	var ranks, merge kubeJob
	strictly(t, &objects[0].Spec, &claim)
	strictly(t, &objects[1].Spec, &ranks)
	strictly(t, &objects[2].Spec, &merge)
	if !slices.Equal(claim.AccessModes, []string{"ReadWriteMany"}) || objects[0].Metadata.Name != ranks.Template.Spec.Volumes[0].PersistentVolumeClaim.ClaimName {
		t.Errorf("%+v", claim)
	}
	checkRanks(t, &ranks)
	checkMerge(t, &merge, &ranks)
	if labels := ranks.Template.Spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels; labels["job-name"] != objects[1].Metadata.Name {
		t.Errorf("pods of another Job are spread: %v", labels)
	}

	objects = kubeObjects(t, "kubernetes-jobset.yaml")
	var set kubeJobSet
	if len(objects) != 1 || objects[0].APIVersion != "jobset.x-k8s.io/v1alpha2" || objects[0].Kind != "JobSet" {
		t.Fatalf("%+v", objects)
	}
	strictly(t, &objects[0].Spec, &set)
	all := set.ReplicatedJobs
	if len(all) != 2 || all[0].Replicas != 1 || all[1].Replicas != 1 || all[0].DependsOn != nil || len(all[1].DependsOn) != 1 || all[1].DependsOn[0].Name != all[0].Name || all[1].DependsOn[0].Status != "Complete" || set.FailurePolicy.MaxRestarts != 0 {
		t.Fatalf("%+v", all)
	}
	checkRanks(t, &all[0].Template.Spec)
	checkMerge(t, &all[1].Template.Spec, &all[0].Template.Spec)
}
