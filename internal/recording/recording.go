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
	// Template is nil where prompts go as they are, or the template is not known.
	Template *Template
	Planned  []Planned
	Began    time.Time // on the calendar

	// Results are by planned request; nil was never sent.
	Results []*client.Result
	// Spool holds those that are too many for memory; nil without any.
	Spool *Spool

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
