// Package timeline keeps the raw timelines of a run in a file that grows while the
// run lasts and can be read up to its last whole record, whatever ended the program.
//
// A file is the line "loadgen timeline 1" and records: their length as a varint,
// their bytes, the first of which is the kind, and a CRC-32C of these, little
// endian. Kind 'h' is the header and comes first, kind 'r' a request, kind 'e' the
// end; header and end are JSON. docs/timeline.md has the fields of a request, for
// those who read files with other programs.
package timeline

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"time"

	"loadgen/pkg/client"
)

// Magic is the first line of a file.
const Magic = "loadgen timeline 1\n"

// The kinds of records.
const (
	kindHeader  = 'h'
	kindRequest = 'r'
	kindEnd     = 'e'
)

// recordMost bounds a record; answers are bounded, too.
const recordMost = 256 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Request is a request's place in the run, what was asked for, and its timeline.
type Request struct {
	Index, PromptLen, OutputLen int
	Result                      *client.Result
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

// Create begins a file with a header, which is JSON.
func Create(path string, header []byte) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: f, out: bufio.NewWriterSize(f, 64<<10), flushed: time.Now()}
	_, w.err = w.out.WriteString(Magic)
	w.write(append([]byte{kindHeader}, header...))
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err != nil {
		f.Close()
		return nil, w.err
	}
	return w, nil
}

// Add writes a request. The first error is kept, and Close returns it.
func (w *Writer) Add(r Request) {
	record := encode(r)
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

// Close writes the end, which is JSON, unless it is nil, and closes the file.
func (w *Writer) Close(end []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if end != nil {
		w.write(append([]byte{kindEnd}, end...))
	}
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return errors.Join(w.err, w.file.Close())
}

// File is what was read of a file. End is nil where the program was ended before.
type File struct {
	Header, End []byte
	Requests    []Request
	// Lost is how many bytes at the end are no whole record.
	Lost int64
}

// ErrFormat is the error of what is no timeline.
var ErrFormat = errors.New("this is no loadgen timeline")

// Read reads a file up to its last whole record.
func Read(in io.Reader) (*File, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	magic := make([]byte, len(Magic))
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != Magic {
		return nil, ErrFormat
	}
	f := &File{}
	for {
		record, size, err := next(r)
		if err == io.EOF {
			break
		}
		if err != nil {
			rest, _ := io.Copy(io.Discard, r)
			f.Lost = size + rest
			break
		}
		switch record[0] {
		case kindHeader:
			f.Header = record[1:]
		case kindEnd:
			f.End = record[1:]
		case kindRequest:
			q, err := decode(record)
			if err != nil {
				return nil, fmt.Errorf("%w: request %d: %w", ErrFormat, len(f.Requests), err)
			}
			f.Requests = append(f.Requests, q)
		default:
			return nil, fmt.Errorf("%w: a record of kind %q: a newer loadgen wrote it", ErrFormat, record[0])
		}
	}
	if f.Header == nil {
		return nil, fmt.Errorf("%w: it has no header", ErrFormat)
	}
	return f, nil
}

var errTorn = errors.New("the record is not whole")

// next reads a record, and tells how many bytes it took.
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
