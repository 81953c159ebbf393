package trtsim

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
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
	{Name: "ideal", Step: 4500 * time.Microsecond, PerRequest: 30 * time.Microsecond, Prefill: 10 * time.Millisecond / 512,
		MaxBatch: 256, MaxTokens: 8192, MaxLen: 131072, Blocks: 32},
	{Name: "origin-pytorch", Step: 4600 * time.Microsecond, PerRequest: 30 * time.Microsecond, Prefill: 9400 * time.Microsecond / 512,
		MaxBatch: 256, MaxTokens: 1 << 17, MaxLen: 8192, Blocks: 32, Gather: 12 * time.Millisecond, HostCost: 140 * time.Microsecond},
	{Name: "origin-trt", Step: 5350 * time.Microsecond, Prefill: 7500 * time.Microsecond / 512,
		MaxBatch: 8, MaxTokens: 8192, MaxLen: 8192, Blocks: 32},
}

var ideal = profiles[0]

// profileFile is a profile as a YAML file has it; durations as 4.5ms.
type profileFile struct {
	Base           string         `yaml:"base"`
	Name           string         `yaml:"name"`
	Step           *time.Duration `yaml:"step"`
	PerRequest     *time.Duration `yaml:"per_request"`
	Prefill        *time.Duration `yaml:"prefill_per_token"`
	MaxBatch       *int           `yaml:"max_batch"`
	MaxTokens      *int           `yaml:"max_num_tokens"`
	WholePrompts   *bool          `yaml:"whole_prompts"`
	MaxLen         *int           `yaml:"max_seq_len"`
	Blocks         *int           `yaml:"tokens_per_block"`
	StreamInterval *int           `yaml:"stream_interval"`
	TokensPerStep  *float64       `yaml:"tokens_per_step"`
	HostCost       *time.Duration `yaml:"host_cost"`
	Gather         *time.Duration `yaml:"gather"`
}

// ReadProfile reads a profile from YAML: what it does not say is its base's, ideal
// unless named.
func ReadProfile(r io.Reader) (Profile, error) {
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	f := profileFile{Base: ideal.Name}
	if err := d.Decode(&f); err != nil {
		return Profile{}, fmt.Errorf("not a profile: %w", err)
	}
	p, err := FindProfile(f.Base)
	if err != nil {
		return p, fmt.Errorf("base: %w", err)
	}
	p.Name = f.Name
	give(&p.Step, f.Step)
	give(&p.PerRequest, f.PerRequest)
	give(&p.Prefill, f.Prefill)
	give(&p.HostCost, f.HostCost)
	give(&p.Gather, f.Gather)
	give(&p.MaxBatch, f.MaxBatch)
	give(&p.MaxTokens, f.MaxTokens)
	give(&p.MaxLen, f.MaxLen)
	give(&p.Blocks, f.Blocks)
	give(&p.StreamInterval, f.StreamInterval)
	give(&p.WholePrompts, f.WholePrompts)
	give(&p.TokensPerStep, f.TokensPerStep)
	if p.Step <= 0 || p.PerRequest < 0 || p.Prefill < 0 || p.HostCost < 0 || p.Gather < 0 || p.MaxBatch < 1 || p.MaxTokens < 1 || p.MaxLen < 2 || p.Blocks < 0 {
		return p, errors.New("a profile wants step, max_batch, max_num_tokens and max_seq_len above 0, and nothing negative")
	}
	return p, nil
}

func give[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
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
	return Profile{}, fmt.Errorf("unknown profile %q: %s%s", name, there, strings.Join(Profiles(), ", "))
}

// Faster is the profile sped up.
func (p Profile) Faster(by float64) Profile {
	for _, d := range []*time.Duration{&p.Step, &p.PerRequest, &p.Prefill, &p.HostCost, &p.Gather} {
		*d = time.Duration(float64(*d) / by)
	}
	return p
}
