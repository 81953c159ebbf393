package bench

import (
	"bufio"
	"fmt"
	"os"

	"loadgen/internal/outfile"
	"loadgen/pkg/client"
)

// requests are the measured requests in order: the first in memory, and those beyond a bound
// in a file without a name, from which each is read when it is about to be sent.
type requests struct {
	client *client.Client
	most   int  // bytes in memory
	whole  bool // all are kept in memory: later turns of conversations are built again

	kept  []*client.Prepared
	bytes int
	file  *os.File
	out   *bufio.Writer
	ends  []int64 // of those in the file
	buf   []byte
}

// add takes in the next request.
func (q *requests) add(p *client.Prepared) (err error) {
	const each = 600 // of a request without its body, about
	q.bytes += len(p.Body) + each
	if q.whole || q.bytes <= q.most {
		q.kept = append(q.kept, p)
		return nil
	}
	if q.file == nil {
		if q.file, err = outfile.Temporary(); err != nil {
			return unwritten(err)
		}
		q.out, q.ends = bufio.NewWriterSize(q.file, 1<<20), []int64{0}
	}
	if q.buf, err = p.AppendBinary(q.buf[:0]); err == nil {
		_, err = q.out.Write(q.buf)
	}
	if err != nil {
		return unwritten(err)
	}
	q.ends = append(q.ends, q.ends[len(q.ends)-1]+int64(len(q.buf)))
	return nil
}

// done ends the adding.
func (q *requests) done() error {
	if q.out == nil {
		return nil
	}
	err := q.out.Flush()
	q.out, q.buf = nil, nil
	if err != nil {
		return unwritten(err)
	}
	return nil
}

func unwritten(err error) error {
	return fmt.Errorf("the requests are too many for memory and cannot be written to a temporary file: %w; TMPDIR names another directory", err)
}

func (q *requests) len() int { return len(q.kept) + max(len(q.ends)-1, 0) }

// at is a request by its place. It is safe for concurrent use.
func (q *requests) at(i int) (*client.Prepared, error) {
	if i < len(q.kept) {
		return q.kept[i], nil
	}
	i -= len(q.kept)
	data := make([]byte, q.ends[i+1]-q.ends[i])
	if _, err := q.file.ReadAt(data, q.ends[i]); err != nil {
		return nil, fmt.Errorf("a request cannot be read back from its temporary file: %w", err)
	}
	return q.client.Restore(data)
}

// release lets go of a request's bytes.
func (q *requests) release(i int) {
	if i < len(q.kept) {
		q.kept[i].Release()
	}
}

func (q *requests) close() {
	if q.file != nil {
		q.file.Close()
	}
}
