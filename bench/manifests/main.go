// Manifests decodes manifests of Kubernetes with the types of its own API and of JobSet's: a field
// that is not theirs, a value of another type or a quantity that cannot be read is an error. It is a
// module of its own, so that none of this becomes part of loadgen's.
//
//	make manifests
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	jobset "sigs.k8s.io/jobset/api/jobset/v1alpha2"
	"sigs.k8s.io/yaml"
)

func main() {
	failed := false
	for _, name := range os.Args[1:] {
		if err := check(name); err != nil {
			fmt.Fprintf(os.Stderr, "manifests: %s: %v\n", name, err)
			failed = true
		}
	}
	if failed || len(os.Args) < 2 {
		os.Exit(1)
	}
}

// kind is what an object says that it is.
type kind struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// check decodes all objects of a file.
func check(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for n := 1; ; n++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var k kind
		if err := yaml.Unmarshal(document, &k); err != nil {
			return fmt.Errorf("object %d: %w", n, err)
		}
		if k == (kind{}) { // comments alone
			continue
		}
		if err := decode(k, document); err != nil {
			return fmt.Errorf("object %d, %s %s: %w", n, k.APIVersion, k.Kind, err)
		}
		fmt.Printf("%s: %s %s\n", name, k.APIVersion, k.Kind)
	}
}

// decode decodes an object strictly and checks what its types do not say.
func decode(k kind, document []byte) error {
	switch k {
	case kind{"batch/v1", "Job"}:
		var o batchv1.Job
		if err := yaml.UnmarshalStrict(document, &o); err != nil {
			return err
		}
		return checkJob(&o.Spec)
	case kind{"jobset.x-k8s.io/v1alpha2", "JobSet"}:
		var o jobset.JobSet
		if err := yaml.UnmarshalStrict(document, &o); err != nil {
			return err
		}
		for i := range o.Spec.ReplicatedJobs {
			if err := checkJob(&o.Spec.ReplicatedJobs[i].Template.Spec); err != nil {
				return fmt.Errorf("job %s: %w", o.Spec.ReplicatedJobs[i].Name, err)
			}
		}
		return nil
	case kind{"v1", "PersistentVolumeClaim"}:
		return yaml.UnmarshalStrict(document, new(corev1.PersistentVolumeClaim))
	case kind{"v1", "ConfigMap"}:
		return yaml.UnmarshalStrict(document, new(corev1.ConfigMap))
	}
	return errors.New("this kind is not known here: add its type")
}

// checkJob checks what the API server requires of a job.
func checkJob(s *batchv1.JobSpec) error {
	pod := &s.Template.Spec
	switch {
	case pod.RestartPolicy != corev1.RestartPolicyNever && pod.RestartPolicy != corev1.RestartPolicyOnFailure:
		return fmt.Errorf("restartPolicy is %q: a job's is Never or OnFailure", pod.RestartPolicy)
	case s.CompletionMode != nil && *s.CompletionMode == batchv1.IndexedCompletion && s.Completions == nil:
		return errors.New("an indexed job needs completions")
	case len(pod.Containers) == 0:
		return errors.New("there is no container")
	}
	volumes := map[string]bool{}
	for i := range pod.Volumes {
		volumes[pod.Volumes[i].Name] = true
	}
	for i := range pod.Containers {
		for _, m := range pod.Containers[i].VolumeMounts {
			if !volumes[m.Name] {
				return fmt.Errorf("container %s mounts %s, and there is no such volume", pod.Containers[i].Name, m.Name)
			}
		}
	}
	return nil
}
