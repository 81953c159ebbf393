// Package bench prepares and runs a benchmark. It takes settings and what the program
// has to offer (environment, observer, callbacks) and gives a Recording. It judges
// nothing, prints nothing and knows no command line: what its user must know goes through
// callbacks, and its errors name settings.
//
// More than twenty names are exported: the stages of a run are eight, and each thing that a
// caller may be shown or told has a type.
package bench

import (
	"context"
	"time"

	"loadgen/internal/gpu"
	"loadgen/internal/health"
	"loadgen/internal/load"
	"loadgen/internal/recording"
	"loadgen/internal/wire"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// Options are what a benchmark needs. Callbacks that are nil are not called.
type Options struct {
	Settings recording.Settings
	// BaseURL is the server's, in place of the settings' base URL, host and port.
	BaseURL string
	// Env looks up an environment variable: the API key, proxies, tokenizers' places.
	Env func(name string) (string, bool)
	// Version is the program's.
	Version string
	// Machine describes where the run takes place.
	Machine recording.Machine
	// Now is the calendar.
	Now func() time.Time
	// Dial is nil for the system's connections.
	Dial wire.DialFunc
	// KernelStamps says that the kernel can be expected to stamp arrivals.
	KernelStamps bool
	// Observe begins to watch the process on the given clock, until stop is called; nil
	// observes nothing.
	Observe func(now func() time.Duration) (stop func() health.Report)
	// ObserveGPU begins to sample the GPUs, through nvidia-smi or the exporter at a URL, until
	// stop is called, whose error says why nothing was sampled; nil observes nothing.
	ObserveGPU func(ctx context.Context, source string, now func() time.Duration) (stop func() (*gpu.Report, error))
	// CheckConnections says whether the system can hold so many connections at once; nil
	// does not ask.
	CheckConnections func(atOnce int) error

	// Ranks say which part of the run is this process's, and how it begins with the others.
	Ranks Ranks

	// Memory is how many bytes of requests, and of results, are kept in memory; more of them
	// wait on the disk. 0 is 32 MiB.
	Memory int

	// OnStage is called as a run goes through its stages, in order.
	OnStage func(Stage)
	// OnNote is called with what the user should know at once; some of it is kept in the
	// Recording.
	OnNote func(recording.Note)
	// Hub is how long the hub may take to say what a model has that was named and whose
	// tokenizer is not here, before it is downloaded; 0 downloads nothing.
	Hub time.Duration
	// OnWait is called when something begins that may take long: what it is, and how long it
	// may take, 0 for any time; again when there is more to say of it; and with "" when it
	// has ended.
	OnWait func(what string, limit time.Duration)
	// OnDownload is called as a download goes on: the file, and how many of its bytes are
	// here; total is negative where it is not known.
	OnDownload func(file string, done, total int64)
	// OnStart is called before the first measured request, OnDone on a request's own
	// goroutine when it is done, OnEnd after the last.
	OnStart func(w Watch)
	OnDone  func(i int, r *client.Result)
	OnEnd   func()
	// OnAnswered is called when the last of the measured requests is done, before anything
	// else is waited for, with what is known of the run by then: it can be kept and written.
	OnAnswered func(rec *recording.Recording)
}

// Watch is what can be seen of the measured requests while they run. Its functions are safe
// for concurrent use.
type Watch struct {
	// Planned is how many there are, 0 where time alone decides that; Most is how long they
	// are sent for at most, 0 for no limit; End is the end of their schedule, 0 where all are
	// due at once.
	Planned   int
	Most, End time.Duration
	// UnderWay is how many are under way, and how many events with choices have come.
	UnderWay func() (requests, chunks int64)
	// Queued is how many are due and wait for a slot.
	Queued func() int
}

// Stage is a point that a run has reached.
type Stage int

// The stages, in the order of a run.
const (
	TestSkipped Stage = iota
	TestStarting
	TestCompleted
	ProfilerStarting
	ProfilerStarted
	TrafficStarting
	ProfilerStopping
	ProfilerStopped
)

// Bench is a benchmark. Connect, Prepare and Run are called in this order, Close at the
// end, whatever they return.
type Bench struct {
	o         Options
	s         *recording.Settings
	model     string // "" where it is not known: a dry run without a server
	tokenizer dataset.Tokenizer
	// tokenizerName is where the tokenizer is from, "" without one.
	tokenizerName string
	template      *template           // applied to the prompts, nil for none
	chat          *recording.Template // what the server's template adds, nil where that is not known
	client        *client.Client      // of the first server
	awaited       bool                // it has been waited for
	urls          []string            // the servers'
	servers       *servers
	probe         *client.Prepared    // nil where none are sent
	probesKept    error               // why results of probes are in memory that were to be in a file
	test          *client.Prepared    // the test request and the profiler's body: prompt 0, no LoRA name
	requests      requests            // the measured requests
	planned       []recording.Planned // their lengths and places
	prompts       string              // their digest
	cancel        recording.Cancellation
	shape         *shape       // the load over time, nil for one load for a number of requests
	arrivals      []float64    // their due times and the end of the schedule, in seconds as drawn
	recorded      []float64    // the same, of a trace; else nil
	turns         []load.Turn  // their places in conversations, nil where there are none
	set           *dataset.Set // what conversations are made of, nil where there are none
	mine          []int        // the places in the plan of the requests that are this process's; nil for all
	notes         []recording.Note
}

// New returns a benchmark. It reads the settings until it is closed.
func New(o Options) *Bench {
	b := &Bench{o: o}
	b.s = &b.o.Settings
	if b.o.Env == nil {
		b.o.Env = func(string) (string, bool) { return "", false }
	}
	if b.o.Memory == 0 {
		b.o.Memory = 32 << 20
	}
	if b.o.Now == nil {
		b.o.Now = time.Now
	}
	return b
}

// Close ends the idle connections and lets go of the requests.
func (b *Bench) Close() {
	if b.client != nil {
		b.client.Close()
	}
	b.requests.close()
}

// Settings are those that were given.
func (b *Bench) Settings() *recording.Settings { return b.s }

// Model is the model's name, "" where it is not known.
func (b *Bench) Model() string { return b.model }

// Requests is the number of the measured requests of this process, once they are prepared;
// where time alone decides that, of those that are prepared.
func (b *Bench) Requests() int {
	if n := b.own(); n != load.Unlimited {
		return n
	}
	return b.o.Ranks.Share(len(b.planned))
}

// CountTokens counts the tokens of a text, special ones left out; 0 without a tokenizer.
func (b *Bench) CountTokens(text []byte) int { return len(b.tokenizer.Encode(string(text), false)) }

func (b *Bench) env(name string) string {
	value, _ := b.o.Env(name)
	return value
}

func (b *Bench) stage(s Stage) {
	if b.o.OnStage != nil {
		b.o.OnStage(s)
	}
}

// wait says what is waited for from now on, "" for nothing.
func (b *Bench) wait(what string, limit time.Duration) {
	if b.o.OnWait != nil {
		b.o.OnWait(what, limit)
	}
}

// say hands a note to the user, and keep keeps it in the Recording as well.
func (b *Bench) say(n recording.Note) {
	if b.o.OnNote != nil {
		b.o.OnNote(n)
	}
}

func (b *Bench) keep(n recording.Note) {
	b.notes = append(b.notes, n)
	b.say(n)
}

// stopped is why a context ended, nil while it has not.
func stopped(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
