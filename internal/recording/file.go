package recording

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"sync"
	"time"

	"loadgen/internal/health"
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
	kindRequest = 'r'
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
	Server      *client.ServerMetrics `json:"server"`
	Notes       []Note                `json:"notes"`
}

// Writer writes a file. It is safe for concurrent use.
type Writer struct {
	mu      sync.Mutex
	file    *os.File
	out     *bufio.Writer
	flushed time.Time
	err     error
}

// flushEvery is how much of a run a crash may cost.
const flushEvery = time.Second

// Create begins a file with what is known before the run.
func Create(path string, r *Recording) (*Writer, error) {
	head, err := json.Marshal(header{r.Began, r.Version, r.Go, r.Machine, &r.Settings, r.TokenizerID, r.Prompts, r.KernelStamps, r.Notes})
	if err != nil {
		return nil, err
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: f, out: bufio.NewWriterSize(f, 64<<10), flushed: time.Now()}
	_, w.err = w.out.WriteString(Magic)
	w.write(append([]byte{kindHeader}, head...))
	w.write(encodePlan(r.Planned))
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err != nil {
		f.Close()
		return nil, w.err
	}
	return w, nil
}

// Add writes a request that is done, by its place in the plan. The first error is kept,
// and Close returns it.
func (w *Writer) Add(index int, r *client.Result) {
	record := encode(index, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.write(record)
	if now := time.Now(); w.err == nil && now.Sub(w.flushed) > flushEvery {
		w.flushed = now
		w.err = w.out.Flush()
	}
}

// write appends a record. The lock is held, or nobody else knows of the writer.
func (w *Writer) write(record []byte) {
	if w.err != nil {
		return
	}
	var head [binary.MaxVarintLen64]byte
	sum := binary.LittleEndian.AppendUint32(nil, crc32.Checksum(record, castagnoli))
	for _, part := range [][]byte{head[:binary.PutUvarint(head[:], uint64(len(record)))], record, sum} {
		if _, w.err = w.out.Write(part); w.err != nil {
			return
		}
	}
}

// Close writes what is known after the run, unless r is nil, and closes the file.
func (w *Writer) Close(r *Recording) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r != nil {
		last, err := json.Marshal(end{r.Ended, r.Start, r.Elapsed, r.Interrupted, r.Health, r.Before, r.After, r.Server, r.Notes})
		if err != nil {
			w.err = cmp.Or(w.err, err)
		}
		w.write(append([]byte{kindEnd}, last...))
	}
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return errors.Join(w.err, w.file.Close())
}
