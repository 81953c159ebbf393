package recording

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"

	"loadgen/pkg/client"
)

// ErrFormat is the error of a file that is no timeline.
var ErrFormat = errors.New("not a loadgen timeline")

// ErrCut is the error of a timeline that ends before anything of its run was written: of a file
// that was not copied as a whole, or on a disk that was full.
var ErrCut = errors.New("it ends before its header does: nothing of the run is in it")

// IsFile reports whether a file that begins so is a timeline, of this version or another.
func IsFile(start []byte) bool { return strings.HasPrefix(string(start), family) }

// Read reads a file up to its last whole record. Of a run that was killed, what is known
// only after a run is missing, and Killed is set.
func Read(in io.Reader) (*Recording, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	magic := make([]byte, len(Magic))
	if n, err := io.ReadFull(r, magic); err != nil || string(magic) != Magic {
		if err != nil && strings.HasPrefix(Magic, string(magic[:n])) {
			return nil, ErrCut
		}
		if IsFile(magic) {
			return nil, fmt.Errorf("%w of this version: its first line is %q, which another version of loadgen wrote and reads", ErrFormat, strings.TrimSpace(string(magic)))
		}
		return nil, ErrFormat
	}
	f := reading{out: &Recording{Killed: true}}
	for {
		record, size, err := next(r)
		if err == io.EOF {
			break
		}
		if err != nil {
			rest, _ := io.Copy(io.Discard, r)
			f.out.Lost = size + rest
			break
		}
		if err := f.take(record[0], record[1:]); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
	}
	if !f.begun {
		return nil, ErrCut
	}
	for _, number := range slices.Sorted(maps.Keys(f.probes)) {
		f.out.Probes = append(f.out.Probes, f.probes[number])
	}
	if err := f.repeat(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if f.out.Killed {
		f.killed()
	}
	return f.out, nil
}

// repeat fills in the plan of a run that ended by time, as far as it is known.
func (f *reading) repeat() error {
	if !f.out.Repeats {
		return nil
	}
	n := f.requests
	for i := range f.results {
		n = max(n, i+1)
	}
	if n > repeatsMost+64*len(f.results) || n > 0 && len(f.out.Planned) == 0 {
		return fmt.Errorf("%d requests of %d that were prepared", n, len(f.out.Planned))
	}
	f.out.Repeat(n)
	for i, r := range f.results {
		f.out.Results[i] = r
	}
	return nil
}

// repeatsMost bounds the requests that were planned and not sent, of which there is no record.
const repeatsMost = 1 << 24

// reading is a recording in the making.
type reading struct {
	out                    *Recording
	begun, planned, turned bool
	// Of a run that ended by time, of which it is not known before its end how many there are:
	results  map[int]*client.Result
	requests int

	probes map[int]*client.Result
}

// take takes in a record.
func (f *reading) take(kind byte, content []byte) (err error) {
	r := f.out
	switch {
	case kind == kindHeader && !f.begun:
		f.begun = true
		h := header{Settings: &r.Settings}
		if err := json.Unmarshal(content, &h); err != nil {
			return fmt.Errorf("its header: %w", err)
		}
		r.Began, r.Version, r.Go, r.Machine, r.TokenizerID, r.Prompts, r.KernelStamps, r.Notes, r.Template, r.Repeats, r.Stages = h.Date, h.Version, h.Go, h.Machine, h.TokenizerID, h.Prompts, h.Kernel, h.Notes, h.Template, h.Repeats, h.Stages
		r.Rank, r.Parts = h.Rank, h.Parts
		return r.checkRanks()
	case kind == kindPlan && f.begun && !f.planned:
		f.planned = true
		if r.Planned, err = decodePlan(content); err != nil {
			return err
		}
		if r.Repeats {
			f.results = map[int]*client.Result{}
		} else {
			r.Results = make([]*client.Result, len(r.Planned))
		}
	case kind == kindTurns && f.planned && !f.turned:
		f.turned = true
		return decodeTurns(content, r.Planned)
	case kind == kindRequest && f.planned:
		index, result, err := decode(content)
		if err != nil {
			return fmt.Errorf("a request: %w", err)
		}
		switch {
		case r.Repeats && 0 <= index && index < 1<<32 && f.results[index] == nil:
			f.results[index] = result
		case index < 0 || index >= len(r.Results) || r.Results[index] != nil:
			return fmt.Errorf("request %d of %d", index, len(r.Results))
		default:
			r.Results[index] = result
		}
	case kind == kindProbe && f.planned:
		number, result, err := decode(content)
		if err != nil {
			return fmt.Errorf("a probe: %w", err)
		}
		if f.probes == nil {
			f.probes = map[int]*client.Result{}
		}
		f.probes[number] = result
	case kind == kindEnd && f.planned && r.Killed:
		var e end
		if err := json.Unmarshal(content, &e); err != nil {
			return fmt.Errorf("its end: %w", err)
		}
		if !plausible(e.Start) || !plausible(e.Elapsed) || e.Requests < 0 {
			return errors.New("its end: a run of years")
		}
		f.requests = e.Requests
		r.Killed = false
		r.Ended, r.Start, r.Elapsed, r.Interrupted, r.Health, r.Before, r.After, r.Server, r.GPU, r.Notes = e.Date, e.Start, e.Elapsed, e.Interrupted, e.Health, e.Before, e.After, e.Server, e.GPU, e.Notes
	case strings.IndexByte("hptrbe", kind) < 0:
		return fmt.Errorf("a record of kind %q: a newer loadgen wrote it", kind)
	default:
		return fmt.Errorf("a record of kind %q is out of order", kind)
	}
	return nil
}

// killed fills in, from the requests that are there, when a run that was killed began and
// for how long it is known.
func (f *reading) killed() {
	r, any := f.out, false
	for _, q := range r.Results {
		if q == nil {
			continue
		}
		if r.Elapsed = max(r.Elapsed, q.End); !any || q.Due < r.Start {
			any, r.Start = true, q.Due
		}
	}
	if r.Rank != nil { // whose first request is not the schedule's first
		r.Start = r.Rank.At
	}
	r.Interrupted = true
	r.Elapsed = max(r.Elapsed-r.Start, 0)
	r.Ended = r.Began.Add(r.Elapsed)
}

var errTorn = errors.New("the record is not whole")

// next reads a record, and returns how many bytes of one that is not whole there were.
func next(r *bufio.Reader) (record []byte, size int64, err error) {
	n, err := binary.ReadUvarint(r)
	switch {
	case err == io.EOF:
		return nil, 0, err
	case err != nil, n == 0, n > recordMost:
		return nil, 1, errTorn
	}
	// Not more is asked for than there is.
	record, err = io.ReadAll(io.LimitReader(r, int64(n)+4))
	if err != nil || uint64(len(record)) != n+4 {
		return nil, int64(len(record)) + 1, errTorn
	}
	if record, sum := record[:n], record[n:]; crc32.Checksum(record, castagnoli) == binary.LittleEndian.Uint32(sum) {
		return record, 0, nil
	}
	return nil, int64(len(record)) + 1, errTorn
}
