package compare

import (
	"context"
	"errors"
	"io"

	"loadgen/internal/result"
)

// Bench is the benchmark whose runs are compared.
type Bench interface {
	// CheckGate reports what is wrong with the text of a gate, or why it could not hold after
	// so many repeats of a run; the run is nil where none is known yet.
	CheckGate(text string, run Settled, repeats int) error
	// Settle completes the settings of a run. What is wrong with a flag is a FlagError.
	Settle(Load) (Settled, error)
	// Mask returns flags with what may be secret in their values replaced.
	Mask(Flags) Flags
}

// Settled is a run with complete and valid settings.
type Settled interface {
	// Requests is how many the run sends, without those that warm up.
	Requests() int
	// CommandLine is what makes the same run by itself, with secrets masked.
	CommandLine() []string
	// Identity is what the settings say of the server, secrets included.
	Identity() []any
	// CheckOutput reports why the run's files could not be written.
	CheckOutput() error
	// Stored reads the result that is in the run's file.
	Stored() (Stored, error)
	// Run makes the run. Its console text goes to text; about, called after the run,
	// is what is known of the server, for the result. The error is ErrAllFailed, or
	// wraps it, if every request failed and that has been reported.
	Run(ctx context.Context, text io.Writer, about func() *result.Server) error
}

// Stored is what a comparison needs to know of a result that exists.
type Stored struct {
	Complete bool
	// ClientLimited reports whether the client could not keep up.
	ClientLimited bool
	Server        string // the digest of its server
	Differs       string // the first setting that differs, and how; "" for none
}

// ErrAllFailed is the error of a run all of whose requests failed, when that has been
// reported.
var ErrAllFailed = errors.New("every request failed")
