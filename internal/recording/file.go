package recording

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"loadgen/internal/gpu"
	"loadgen/internal/health"
	"loadgen/internal/outfile"
	"loadgen/pkg/client"
)

// Magic is the first line of a file.
const Magic = "loadgen timeline 2\n"

// family begins the first line of a file of any version.
const family = "loadgen timeline "

// The kinds of records.
const (
	kindHeader  = 'h'
	kindPlan    = 'p'
	kindTurns   = 't' // after the plan, where there are conversations
	kindRequest = 'r'
	kindProbe   = 'b' // as a request
	kindEnd     = 'e'
)

// recordMost bounds a record; answers are bounded, too.
const recordMost = 256 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what is known before the run.
type header struct {
	Date        time.Time `json:"date"`
	Version     string    `json:"version"`
	Go          string    `json:"go"`
	Machine     Machine   `json:"machine"`
	Settings    *Settings `json:"effective"`
	TokenizerID string    `json:"tokenizer_id"`
	Prompts     string    `json:"prompts"`
	Kernel      bool      `json:"kernel_stamps"` // were expected
	Notes       []Note    `json:"notes"`
	Template    *Template `json:"template"`
	Repeats     bool      `json:"repeats,omitempty"`
	Stages      []Stage   `json:"stages,omitempty"`
	Rank        *Rank     `json:"rank,omitempty"`
	Parts       []Part    `json:"parts,omitempty"`
}

// end is what is known after it.
type end struct {
	Date        time.Time             `json:"date"`
	Start       time.Duration         `json:"start_ns"`
	Elapsed     time.Duration         `json:"elapsed_ns"`
	Interrupted bool                  `json:"interrupted"`
	Health      health.Report         `json:"health"`
	Before      *client.EnergyReading `json:"energy_before"`
	After       *client.EnergyReading `json:"energy_after"`
	Server      *Server               `json:"server"`
	GPU         *gpu.Report           `json:"gpu,omitempty"`
	Notes       []Note                `json:"notes"`
	// Requests is how many there were, where the run ended by time.
	Requests int `json:"requests,omitempty"`
}

// ErrExists is the error of a file that Create was not told to overwrite, ErrShared that of
// one which another process writes.
var (
	ErrExists = errors.New("the timeline file is there already")
	ErrShared = errors.New("another run writes this timeline file")
)

// errSlow is the error of a file that takes data more slowly than the run makes it.
var errSlow = errors.New("the timeline file takes no more data: what it has is whole up to there")

const (
	// flushEvery is how much of a run a crash may cost.
	flushEvery = time.Second
	// writeAt is how much is written without waiting for that, pendingMost how much waits
	// for a slow disk.
	writeAt, pendingMost = 64 << 10, 64 << 20
	// stallLimit is how long the end of a run waits for a disk that takes nothing.
	stallLimit = 10 * time.Second
)

// Writer writes a file on a goroutine of its own, so that no request waits for a disk. It is
// safe for concurrent use.
type Writer struct {
	file       io.WriteCloser
	stallLimit time.Duration
	wake       chan struct{} // there is something to write
	done       chan struct{} // the file is closed

	mu      sync.Mutex
	pending []byte
	written int64
	ending  bool
	err     error
}

// CheckNew reports a file that is there already and not empty as ErrExists.
func CheckNew(path string) error {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return ErrExists
	}
	return nil
}

// Create begins a file with what is known before the run. A file that is there and not
// empty is left alone unless overwrite is set, and one that another process writes always.
func Create(path string, r *Recording, overwrite bool) (*Writer, error) {
	start, err := opening(r)
	if err != nil {
		return nil, err
	}
	f, err := open(path, overwrite)
	if err != nil {
		return nil, err
	}
	_ = f.SetWriteDeadline(time.Now().Add(stallLimit)) // a pipe's; files have none
	if _, err := f.Write(start); err != nil {
		f.Close()
		return nil, err
	}
	_ = f.SetWriteDeadline(time.Time{})
	return startWriter(f, stallLimit), nil
}

// opening is what a file begins with: what is known before the run.
func opening(r *Recording) ([]byte, error) {
	head, err := json.Marshal(header{r.Began, r.Version, r.Go, r.Machine, &r.Settings, r.TokenizerID, r.Prompts, r.KernelStamps, r.Notes, r.Template, r.Repeats, r.Stages, r.Rank, r.Parts})
	if err != nil {
		return nil, err
	}
	start := frame(frame([]byte(Magic), append([]byte{kindHeader}, head...)), encodePlan(r.Planned))
	if turns := encodeTurns(r.Planned); turns != nil {
		start = frame(start, turns)
	}
	return start, nil
}

// ending is the record of what is known after the run.
func ending(r *Recording) ([]byte, error) {
	last, err := json.Marshal(end{r.Ended, r.Start, r.Elapsed, r.Interrupted, r.Health, r.Before, r.After, r.Server, r.GPU, r.Notes, repeated(r)})
	return append([]byte{kindEnd}, last...), err
}

// Save writes a whole recording, whole or not at all. A file that is there is replaced.
func Save(path string, r *Recording) error { return outfile.Write(path, r.Write) }

// open opens the file, for this process alone.
func open(path string, overwrite bool) (*os.File, error) {
	if outfile.Special(path) {
		return outfile.Open(path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if lock := outfile.Lock(f); errors.Is(lock, outfile.ErrLocked) {
		err = ErrShared // a file system without locks is no error
	} else if err == nil && info.Size() > 0 {
		if err = ErrExists; overwrite {
			err = f.Truncate(0)
		}
	}
	if err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "create", Path: path, Err: err}
	}
	return f, nil
}

func startWriter(f io.WriteCloser, stallLimit time.Duration) *Writer {
	w := &Writer{file: f, stallLimit: stallLimit, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// run writes what is pending, each second and when there is much of it, until the end.
func (w *Writer) run() {
	defer close(w.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	var out []byte
	for ending := false; !ending; {
		select {
		case <-tick.C:
		case <-w.wake:
		}
		w.mu.Lock()
		out, w.pending, ending = w.pending, out[:0], w.ending
		w.mu.Unlock()
		for part := range slices.Chunk(out, writeAt) {
			n, err := w.file.Write(part)
			w.mu.Lock()
			w.written += int64(n)
			w.err = cmp.Or(w.err, err)
			failed := w.err != nil
			w.mu.Unlock()
			if failed {
				break
			}
		}
	}
	err := w.file.Close()
	w.mu.Lock()
	w.err = cmp.Or(w.err, err)
	w.mu.Unlock()
}

// Add writes a request that is done, by its place in the plan. The first error is kept,
// and Close returns it.
func (w *Writer) Add(index int, r *client.Result) { w.write(encode(index, r)) }

// AddProbe writes a probe that is done, by its number.
func (w *Writer) AddProbe(number int, r *client.Result) { w.write(encodeAs(kindProbe, number, r)) }

func (w *Writer) write(record []byte) {
	w.mu.Lock()
	w.add(record)
	much := len(w.pending) >= writeAt
	w.mu.Unlock()
	if much {
		w.awaken()
	}
}

// add makes a record pending. The lock is held.
func (w *Writer) add(record []byte) {
	if w.err == nil && len(w.pending)+len(record) > max(pendingMost, 2*len(record)) {
		w.err = errSlow
	}
	if w.err == nil {
		w.pending = frame(w.pending, record)
	}
}

func (w *Writer) awaken() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// frame appends a record with its length and its checksum.
func frame(to, record []byte) []byte {
	to = append(binary.AppendUvarint(to, uint64(len(record))), record...)
	return binary.LittleEndian.AppendUint32(to, crc32.Checksum(record, castagnoli))
}

// repeated is how many requests there were in a run that ended by time, 0 of another.
func repeated(r *Recording) int {
	if r.Repeats {
		return len(r.Planned)
	}
	return 0
}

// Close writes what is known after the run, unless r is nil, and closes the file. It does
// not wait for a disk or a pipe that takes nothing for ten seconds.
func (w *Writer) Close(r *Recording) error {
	var last []byte
	var err error
	if r != nil {
		last, err = ending(r)
	}
	w.mu.Lock()
	if w.err = cmp.Or(w.err, err); r != nil {
		w.add(last)
	}
	w.ending = true
	before := w.written
	w.mu.Unlock()
	w.awaken()
	for {
		timer := time.NewTimer(w.stallLimit)
		select {
		case <-w.done:
			timer.Stop()
			return w.err
		case <-timer.C:
		}
		w.mu.Lock()
		now := w.written
		w.mu.Unlock()
		if now == before {
			if pipe, ok := w.file.(*os.File); ok { // ends a write to a pipe; one to a disk is left behind
				_ = pipe.SetWriteDeadline(time.Unix(1, 0))
			}
			return errSlow
		}
		before = now
	}
}
