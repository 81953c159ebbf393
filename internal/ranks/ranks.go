// Package ranks is what one process of several that make a run together is: which of them, of
// how many, what its share of the run is, and how far its clock is from theirs. It takes an
// environment, or a text, and numbers; it reads no clock, does no I/O and starts nothing.
package ranks

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Rank is one process of several. The zero value is a run's only process.
type Rank struct {
	Index int `json:"rank"` // from 0
	Size  int `json:"size"` // how many there are; 0, as 1, is one alone
	// From are the variables that say so, "" where the command line does.
	From string `json:"from,omitempty"`
}

// MostRanks bounds the processes of a run.
const MostRanks = 1 << 16

// Alone reports whether there is no other process.
func (r Rank) Alone() bool { return r.Size <= 1 }

func (r Rank) String() string { return fmt.Sprintf("rank %d of %d", r.Index, max(r.Size, 1)) }

// Share is this process's part of a number of slots or requests. The lowest ranks have one
// more where it cannot be divided, so that the shares of all are the number.
func (r Rank) Share(total int) int {
	if r.Alone() {
		return total
	}
	share := total / r.Size
	if r.Index < total%r.Size {
		share++
	}
	return share
}

// Has reports whether a request of the plan is this process's, by its place in the plan and
// the conversation that it is a turn of, from 1; 0 for none.
func (r Rank) Has(place, conversation int) bool {
	return r.Alone() || Owner(place, conversation, r.Size) == r.Index
}

// Owner is the rank, of so many, that sends a request: every size-th one, and every size-th
// conversation, whose turns stay together.
func Owner(place, conversation, size int) int {
	if conversation > 0 {
		place = conversation - 1
	}
	return place % max(size, 1)
}

// ErrNone is the error of an environment that has no rank.
var ErrNone = errors.New("the environment has no rank")

// launchers are the variables that what starts several processes gives them, the innermost
// first: mpirun within a Slurm job counts its own processes.
var launchers = []struct {
	name, index string
	sizes       []string // the first that is there
}{
	{"Open MPI", "OMPI_COMM_WORLD_RANK", []string{"OMPI_COMM_WORLD_SIZE"}},
	{"MPICH, Intel MPI", "PMI_RANK", []string{"PMI_SIZE"}},
	{"Slurm", "SLURM_PROCID", []string{"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}},
	{"a Kubernetes Job", "JOB_COMPLETION_INDEX", []string{SizeVariable}},
}

// SizeVariable is how many processes there are where only the rank has a variable: the
// completions of a Kubernetes Job.
const SizeVariable = "LOADGEN_SIZE"

// Variables are all that a rank or a size can come from.
func Variables() (names []string) {
	for _, l := range launchers {
		names = append(append(names, l.index), l.sizes...)
	}
	return names
}

// Find reads the rank from an environment. The error is ErrNone where no launcher started
// this process, or what is wrong with its variables.
func Find(lookup func(name string) (string, bool)) (Rank, error) {
	value := func(name string) string {
		text, _ := lookup(name)
		return strings.TrimSpace(text)
	}
	for _, l := range launchers {
		index := value(l.index)
		if index == "" {
			continue
		}
		size, from := "", ""
		for _, name := range l.sizes {
			if size, from = value(name), name; size != "" {
				break
			}
		}
		if size == "" {
			return Rank{}, fmt.Errorf("%s is %s, as %s sets it, and %s is not set: it must be the number of processes", l.index, index, l.name, l.sizes[len(l.sizes)-1])
		}
		r, err := rank(index, size)
		if err != nil {
			return Rank{}, fmt.Errorf("%s is %q and %s is %q: %w", l.index, index, from, size, err)
		}
		r.From = l.index + ", " + from
		return r, nil
	}
	return Rank{}, ErrNone
}

// Parse reads a rank as I/N.
func Parse(text string) (Rank, error) {
	index, size, ok := strings.Cut(text, "/")
	if !ok {
		return Rank{}, errors.New("expected I/N, of N processes the one with number I, from 0: 0/4 to 3/4")
	}
	return rank(index, size)
}

func rank(index, size string) (r Rank, err error) {
	if r.Size, err = strconv.Atoi(size); err != nil || r.Size < 1 || r.Size > MostRanks {
		return Rank{}, fmt.Errorf("the number of processes must be 1 to %d", MostRanks)
	}
	if r.Index, err = strconv.Atoi(index); err != nil || r.Index < 0 || r.Index >= r.Size {
		return Rank{}, fmt.Errorf("ranks count from 0: of %d processes they are 0 to %d", r.Size, r.Size-1)
	}
	return r, nil
}

// List names ranks: rank 3, ranks 1 and 3.
func List(all []int) string {
	words := make([]string, len(all))
	for i, r := range all {
		words[i] = strconv.Itoa(r)
	}
	const most = 10
	switch n := len(words); {
	case n == 1:
		return "rank " + words[0]
	case n > most:
		return fmt.Sprintf("%d ranks (%s, ...)", n, strings.Join(words[:most], ", "))
	default:
		return "ranks " + strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
