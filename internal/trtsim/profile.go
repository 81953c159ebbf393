package trtsim

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"loadgen/internal/suggest"
)

// Profile is the timing of an engine and of the process around it.
type Profile struct {
	Name string
	// A decoding step takes Step, and PerRequest more for each request of its batch.
	Step, PerRequest time.Duration
	// Prefill is the time for one token of a prompt; decoding stands still for it.
	Prefill time.Duration
	// MaxBatch bounds the requests that decode together; the others wait in order.
	MaxBatch int
	// MaxTokens bounds the prompt tokens of one prefill step; WholePrompts keeps a
	// prompt from being split over steps.
	MaxTokens    int
	WholePrompts bool
	// MaxLen bounds prompt and completion together.
	MaxLen int
	// Blocks is the size of a block of the KV cache, whose prompts' blocks are used
	// again; 0 keeps none.
	Blocks int
	// StreamInterval delivers tokens at the first step, every so many steps, and at
	// the end; 0 and 1 at every step.
	StreamInterval int
	// TokensPerStep is the mean number of tokens that a step makes of each request
	// (speculative decoding); below 1 is 1.
	TokensPerStep float64
	// Gather is for how long nothing more must have come before an idle engine begins.
	Gather time.Duration
	// HostCost is what the server's one event loop needs for a chunk. It takes up
	// what has come, works on all of it, and sends all of it.
	HostCost time.Duration
}

// profiles are made to resemble, in this order: NVIDIA's published figures for
// Llama-3-8B on a well-tuned server; the PyTorch backend and the TensorRT engine
// of the runs in testdata/golden/origin_results.
var profiles = []Profile{
	ideal,
	{Name: "origin-pytorch", Step: 4600 * time.Microsecond, PerRequest: 30 * time.Microsecond, Prefill: 9400 * time.Microsecond / 512,
		MaxBatch: 256, MaxTokens: 1 << 17, MaxLen: 8192, Blocks: 32, Gather: 12 * time.Millisecond, HostCost: 140 * time.Microsecond},
	{Name: "origin-trt", Step: 5350 * time.Microsecond, Prefill: 7500 * time.Microsecond / 512,
		MaxBatch: 8, MaxTokens: 8192, MaxLen: 8192, Blocks: 32},
}

var ideal = Profile{Name: "ideal", Step: 4500 * time.Microsecond, PerRequest: 30 * time.Microsecond, Prefill: 10 * time.Millisecond / 512,
	MaxBatch: 256, MaxTokens: 8192, MaxLen: 131072, Blocks: 32}

// profileField is one of a profile's in a file: where it goes, what it may be, and
// from where on.
type profileField struct {
	to    any
	kind  string
	least float64
}

// mostOf is more than any field can mean; durations are in ns.
const mostOf = 1e15

// fields are those of a profile file but for name and base.
func (p *Profile) fields() map[string]profileField {
	const duration, whole, number = "a duration such as 4.5ms", "a whole number", "a number"
	return map[string]profileField{
		"step":              {&p.Step, duration, 1},
		"per_request":       {&p.PerRequest, duration, 0},
		"prefill_per_token": {&p.Prefill, duration, 0},
		"host_cost":         {&p.HostCost, duration, 0},
		"gather":            {&p.Gather, duration, 0},
		"max_batch":         {&p.MaxBatch, whole, 1},
		"max_num_tokens":    {&p.MaxTokens, whole, 1},
		"max_seq_len":       {&p.MaxLen, whole, 2},
		"tokens_per_block":  {&p.Blocks, whole, 0},
		"stream_interval":   {&p.StreamInterval, whole, 0},
		"tokens_per_step":   {&p.TokensPerStep, number, 1},
		"whole_prompts":     {&p.WholePrompts, "true or false", 0},
	}
}

// ReadProfile reads a profile from YAML: what it does not say is its base's, ideal
// unless named.
func ReadProfile(r io.Reader) (Profile, error) {
	var file yaml.Node
	d := yaml.NewDecoder(r)
	if err := d.Decode(&file); err != nil && err != io.EOF {
		return Profile{}, fmt.Errorf("not a profile: %w", err)
	}
	if len(file.Content) == 0 || file.Content[0].Kind != yaml.MappingNode {
		return Profile{}, errors.New("not a profile: it has no lines of a key and a value")
	}
	if err := d.Decode(&yaml.Node{}); err != io.EOF {
		return Profile{}, errors.New("not a profile: it has more than one document")
	}
	lines := file.Content[0].Content // key, value, key, value, ...
	p := ideal
	for i := 0; i < len(lines); i += 2 {
		if lines[i].Value == "base" {
			var err error
			if p, err = FindProfile(lines[i+1].Value); err != nil {
				return p, fmt.Errorf("line %d: base: %w", lines[i+1].Line, err)
			}
		}
	}
	fields, seen := p.fields(), map[string]bool{}
	for i := 0; i < len(lines); i += 2 {
		key, value := lines[i], lines[i+1]
		if seen[key.Value] {
			return p, fmt.Errorf("line %d: %s is given twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		f, known := fields[key.Value]
		switch {
		case known:
			if err := f.set(value); err != nil {
				return p, fmt.Errorf("line %d: %s: %w", value.Line, key.Value, err)
			}
		case key.Value == "name" && value.Kind == yaml.ScalarNode:
			p.Name = value.Value
		case key.Value == "name":
			return p, fmt.Errorf("line %d: name is not a text", value.Line)
		case key.Value != "base":
			return p, fmt.Errorf("line %d: field %s not found: there are name, base, %s", key.Line, key.Value, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
	}
	return p, nil
}

// set sets the field to a value.
func (f profileField) set(value *yaml.Node) error {
	err := value.Decode(f.to)
	x := f.least
	switch to := f.to.(type) {
	case *time.Duration:
		x = float64(*to)
	case *int: // of a fraction the decoder takes what is before the point
		if x = float64(*to); value.ShortTag() == "!!float" {
			err = errors.New("a fraction")
		}
	case *float64:
		x = *to
	}
	switch {
	case err != nil || value.Tag == "!!null":
		return fmt.Errorf("%q is not %s", value.Value, f.kind)
	case !(x >= f.least):
		return fmt.Errorf("%s is too small", value.Value)
	case x > mostOf:
		return fmt.Errorf("%s is too great", value.Value)
	}
	return nil
}

// Profiles are the names of the profiles.
func Profiles() (names []string) {
	for _, p := range profiles {
		names = append(names, p.Name)
	}
	return names
}

// FindProfile returns the profile of a name.
func FindProfile(name string) (Profile, error) {
	for _, p := range profiles {
		if p.Name == name {
			return p, nil
		}
	}
	there := "there are "
	if len(profiles) == 1 {
		there = "there is "
	}
	meant := ""
	if near := suggest.Nearest(name, Profiles()); near != "" {
		meant = fmt.Sprintf("; did you mean %q?", near)
	}
	return Profile{}, fmt.Errorf("unknown profile %q: %s%s%s", name, there, strings.Join(Profiles(), ", "), meant)
}

// Faster is the profile sped up.
func (p Profile) Faster(by float64) Profile {
	for _, d := range []*time.Duration{&p.Step, &p.PerRequest, &p.Prefill, &p.HostCost, &p.Gather} {
		*d = time.Duration(float64(*d) / by)
	}
	return p
}
