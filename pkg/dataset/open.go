package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
)

// input is a file of text: decompressed, without a byte order mark, cut into
// pieces with their line numbers.
type input struct {
	name string
	r    *bufio.Reader
	line int // of the next byte, from 1
	buf  []byte
	end  func()
}

// Texts longer than this are taken for a file without its quotes or brackets.
const maxRecord = 1 << 28

// open opens a text file, compressed by gzip or zstd or not.
func open(path string) (*input, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	}
	in, err := newInput(path, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	end := in.end
	in.end = func() { end(); f.Close() }
	return in, nil
}

func newInput(name string, f io.Reader) (*input, error) {
	in := &input{name: name, line: 1, end: func() {}}
	raw := bufio.NewReaderSize(f, 1<<16)
	head, err := raw.Peek(4)
	if err != nil && err != io.EOF {
		return nil, &Error{Kind: Unreadable, File: name, Text: "cannot read the data set", Err: err}
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, &Error{Kind: Unreadable, File: name, Text: "not a gzip file, though it begins as one", Err: err}
		}
		in.r = bufio.NewReaderSize(z, 1<<16)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, &Error{Kind: Unreadable, File: name, Text: "not a zstd file, though it begins as one", Err: err}
		}
		in.r, in.end = bufio.NewReaderSize(z, 1<<16), z.Close
	default:
		in.r = raw
	}
	switch head, _ := in.r.Peek(3); {
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		in.r.Discard(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		in.end()
		return nil, &Error{Kind: Malformed, File: name, Line: 1, Text: "this is UTF-16 text", Want: "UTF-8 (iconv -f UTF-16 -t UTF-8 makes it)"}
	}
	return in, nil
}

func (in *input) close() { in.end() }

// at is the position of what comes next.
func (in *input) at() position { return position{file: in.name, line: in.line} }

// broken is the error for a read that failed.
func (in *input) broken(err error) error {
	text := "cannot read on"
	if errors.Is(err, io.ErrUnexpectedEOF) {
		text = "the compressed file is cut off"
	}
	return &Error{Kind: Unreadable, File: in.name, Line: in.line, Text: text, Err: err}
}

// first returns the first byte that is not white space and leaves it there; 0
// at the end.
func (in *input) first() (byte, error) {
	for {
		c, err := in.r.ReadByte()
		switch {
		case err == io.EOF:
			return 0, nil
		case err != nil:
			return 0, in.broken(err)
		case c == '\n':
			in.line++
		case !isSpace(c):
			return c, in.r.UnreadByte()
		}
	}
}

// readLine returns the next line without its end; io.EOF after the last. The
// bytes hold until the next read.
func (in *input) readLine() ([]byte, position, error) {
	at := in.at()
	in.buf = in.buf[:0]
	for {
		piece, err := in.r.ReadSlice('\n')
		in.buf = append(in.buf, piece...)
		switch {
		case len(in.buf) > maxRecord:
			return nil, at, in.tooLong(at)
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(in.buf) == 0:
			return nil, at, io.EOF
		case err != nil && err != io.EOF:
			return nil, at, in.broken(err)
		}
		in.line++
		line := bytes.TrimSuffix(bytes.TrimSuffix(in.buf, []byte("\n")), []byte("\r"))
		return line, at, checkUTF8(line, at)
	}
}

func (in *input) tooLong(at position) error {
	return at.malformed("", "the text that begins here goes on for more than %d MB: a quote, a bracket or a line end may be missing", maxRecord>>20)
}

// readValue returns the next JSON value as it is written: up to the bracket that
// closes it, or for other values up to white space or a comma.
func (in *input) readValue() ([]byte, position, error) {
	at := in.at()
	in.buf = in.buf[:0]
	depth, inText, escaped := 0, false, false
	for {
		ahead, err := in.r.Peek(max(1, in.r.Buffered()))
		if len(ahead) == 0 {
			if err != io.EOF {
				return nil, at, in.broken(err)
			}
			if depth > 0 || inText {
				return nil, at, at.malformed("", "the file is cut off: the entry that begins here has no end")
			}
			return in.buf, at, checkUTF8(in.buf, at)
		}
		n, done := 0, false
		for n < len(ahead) && !done {
			c := ahead[n]
			switch {
			case inText && escaped:
				escaped = false
			case inText:
				switch c {
				case '\\':
					escaped = true
				case '"':
					inText = false
					done = depth == 0
				}
			case c == '"':
				inText = true
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				if depth--; depth < 0 {
					n--
				}
				done = depth <= 0
			case depth == 0 && (isSpace(c) || c == ','):
				n--
				done = true
			}
			n++
			if inText && !escaped && n < len(ahead) { // the rest of a text at once
				if k := bytes.IndexAny(ahead[n:], "\"\\"); k > 0 {
					n += k
				} else if k < 0 {
					n = len(ahead)
				}
			}
		}
		in.buf = append(in.buf, ahead[:n]...)
		in.line += bytes.Count(ahead[:n], []byte{'\n'})
		in.r.Discard(n)
		if done {
			return in.buf, at, checkUTF8(in.buf, at)
		}
		if len(in.buf) > maxRecord {
			return nil, at, in.tooLong(at)
		}
	}
}

// spool copies a file that can be read once only (a pipe) into a temporary file
// and returns its path and what removes it.
func spool(path string) (string, func(), error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", nil, &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	case info.Mode().IsRegular() || info.IsDir():
		return path, func() {}, nil
	}
	from, err := os.Open(path)
	if err != nil {
		return "", nil, &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	}
	defer from.Close()
	to, err := os.CreateTemp("", "loadgen-dataset-*")
	if err != nil {
		return "", nil, &Error{Kind: Unreadable, Text: "cannot keep a copy of " + path, Err: err}
	}
	kept := to.Name()
	done := func() { to.Close(); os.Remove(to.Name()) }
	open := fmt.Sprintf("/proc/self/fd/%d", to.Fd())
	if _, err := os.Stat(open); err == nil {
		kept = open
		os.Remove(to.Name()) // nothing is left of it, however the process ends
	}
	if _, err = io.Copy(to, from); err != nil {
		done()
		return "", nil, &Error{Kind: Unreadable, Text: fmt.Sprintf("cannot copy %s to %s", path, to.Name()), Err: err}
	}
	return kept, done, nil
}
