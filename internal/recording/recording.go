// Package recording holds the one value that a run leaves: what was set, planned, sent
// and observed. Its form on disk is the timeline file, which grows while the run lasts
// and is read up to its last whole record, whatever ended the program. The package
// derives nothing, judges nothing and reads no clock.
//
// More than twenty names are exported: the settings have a type for each form of value, and
// Recording, Writer and Read share the types of what a run leaves.
package recording

import (
	"time"

	"loadgen/internal/gpu"
	"loadgen/internal/health"
	"loadgen/pkg/client"
)

// Recording is a run. All durations that are instants are on the run's clock.
type Recording struct {
	Version, Go string // of loadgen and of Go
	Machine     Machine
	// Settings are the effective ones, after what was assumed; secrets are masked.
	Settings Settings
	// TokenizerID is the tokenizer's name as it was given, or else the model's.
	TokenizerID string
	Prompts     string // digest of the prompts
	// KernelStamps is set where the kernel was expected to stamp arrivals.
	KernelStamps bool
	// Rank is nil where one process made the run, Parts are those of a merged recording.
	Rank  *Rank
	Parts []Part
	// Template is nil where prompts go as they are, or the template is not known.
	Template *Template
	Planned  []Planned
	// Repeats is set where the run ends by time: as long as it lasts, Planned are the requests
	// that were prepared, and after the last of them it begins again with the first. Repeat
	// ends that.
	Repeats bool
	// Stages are the parts of a run whose load is not the same all along; nil for one that is.
	Stages []Stage
	Began  time.Time // on the calendar

	// Results are by planned request; nil was never sent.
	Results []*client.Result
	// Spool holds those that are too many for memory; nil without any.
	Spool *Spool
	// Probes are the small requests that this process sent beside the load, in order, and
	// ProbeSpool those of a run that was not read from a file.
	Probes     []*client.Result
	ProbeSpool *Spool

	// Start is when the schedule began, Elapsed how long the run took.
	Start, Elapsed time.Duration
	Ended          time.Time // on the calendar
	Interrupted    bool
	// Killed is set where the program was killed during the run: what is known after a
	// run is missing. Lost is the number of bytes at the file's end that are no whole record.
	Killed bool
	Lost   int64
	Health health.Report
	// Before and After are readings of the server's energy meter, nil without one.
	Before, After *client.EnergyReading
	Server        *Server     // nil unless asked for and given
	GPU           *gpu.Report // nil unless asked for and there
	Notes         []Note
}

// Template is what the model's chat template adds to the prompts that a chat server is sent.
type Template struct {
	// Added is the mean number of tokens around a prompt.
	Added float64 `json:"added"`
	// Prefix is the number of tokens before the first message's text, which all prompts have
	// in common.
	Prefix int `json:"prefix"`
}

// Planned is a request of the plan.
type Planned struct {
	PromptLen int // nominal, in tokens
	OutputLen int // requested, in tokens
	// Conversation is the number of the conversation that the request is a turn of, from
	// 1; 0 for none. Turn counts its turns from 0, Think is the time from the answer before.
	Conversation, Turn int
	Think              time.Duration
}

// Stage is a part of a run with one load, and the ramp that leads to it. Instants are counted
// from the run's start.
type Stage struct {
	// Rate is in requests per second, Concurrency the bound on requests under way; one of them
	// is 0.
	Rate        float64 `json:"rate"`
	Concurrency int     `json:"concurrency"`
	// From is when the stage begins, Steady when its ramp is over and what was asked to be left
	// out, To when it ends; 0 is with the run.
	From   time.Duration `json:"from_ns"`
	Steady time.Duration `json:"steady_ns"`
	To     time.Duration `json:"to_ns"`
}

// Repeat makes the plan one of n requests, once it is known how many there were.
func (r *Recording) Repeat(n int) {
	if prepared := r.Planned; n != len(prepared) && len(prepared) > 0 {
		r.Planned = make([]Planned, n)
		for i := range r.Planned {
			r.Planned[i] = prepared[i%len(prepared)]
		}
	}
	if more := len(r.Planned) - len(r.Results); more > 0 {
		r.Results = append(r.Results, make([]*client.Result, more)...)
	}
}

// Asked is how many requests were asked for: those that there was time for, where the run
// ended by time.
func (r *Recording) Asked() int {
	switch {
	case r.Repeats:
		return r.Count()
	case r.Settings.Timed():
		return r.Sent()
	}
	return r.Settings.NumPrompts
}

// Note is something that a reader of the results should know.
type Note struct {
	Code string `json:"code"`
	Text string `json:"text"`
	// Hint names what can be done about it (see judge.Finding).
	Hint string `json:"hint,omitempty"`
}

// Machine is where a run took place; what is not known is nil.
type Machine struct {
	OS           string  `json:"os"`
	Arch         string  `json:"arch"`
	Kernel       *string `json:"kernel"`
	CPU          *string `json:"cpu"`
	CPUs         int     `json:"cpus"`
	GoMaxProcs   int     `json:"gomaxprocs"`
	CgroupCPUMax *string `json:"cgroup_cpu_max"`
}
