package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"loadgen/internal/fetch"
	"loadgen/internal/lazy"
	"loadgen/internal/pause"
)

// File returns the path of a repository's file on this machine. A file of a
// commit that is in the cache is not asked for again; of a branch, the hub is
// asked whether it has a newer one, and where it cannot be reached the cache's
// is taken.
func (c *Client) File(ctx context.Context, r Repo, file string) (string, error) {
	cached, err := c.Cached(r, file)
	switch {
	case err != nil:
		return "", err
	case cached != "" && (c.Offline || commitForm.Get().MatchString(r.revision())):
		return cached, nil
	case c.Offline:
		return "", c.offline(r, file)
	}
	info, err := c.stat(ctx, r, file)
	if err != nil && cached != "" && ctx.Err() == nil && !final(err) {
		return cached, nil
	} else if err != nil {
		return "", err
	}
	return c.store(ctx, r, file, info)
}

// Download writes a repository's file to a path of the caller's, unless it is
// there already.
func (c *Client) Download(ctx context.Context, r Repo, file, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	if err := r.check(file); err != nil {
		return err
	}
	if c.Offline {
		return c.offline(r, file)
	}
	info, err := c.stat(ctx, r, file)
	if err != nil {
		return err
	}
	return c.fetch(ctx, r, file, info, to)
}

var etagForm = lazy.Regexp(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// store puts a file into the cache: the content under its hash, a link to it in
// the commit's snapshot, and the commit under the revision's name.
func (c *Client) store(ctx context.Context, r Repo, file string, info fileInfo) (string, error) {
	folder := c.folder(r)
	blob := filepath.Join(folder, "blobs", info.etag)
	unlock, err := lock(ctx, filepath.Join(c.Cache, ".locks", r.folderName(), info.etag+".lock"))
	if err != nil {
		return "", fmt.Errorf("cannot lock the Hugging Face cache: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(blob); errors.Is(err, fs.ErrNotExist) {
		if err := c.fetch(ctx, r, file, info, blob); err != nil {
			return "", err
		}
	} else if err != nil {
		return "", fmt.Errorf("cannot read the Hugging Face cache: %w", err)
	}
	name := filepath.Join(folder, "snapshots", info.commit, filepath.FromSlash(file))
	if err := link(blob, name); err != nil {
		return "", fmt.Errorf("cannot write to the Hugging Face cache: %w", err)
	}
	if r.revision() != info.commit {
		if err := writeFile(filepath.Join(folder, "refs", filepath.FromSlash(r.revision())), info.commit); err != nil {
			return "", fmt.Errorf("cannot write to the Hugging Face cache: %w", err)
		}
	}
	return name, nil
}

// link makes name a relative link to blob, or a copy where links cannot be made.
func link(blob, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	to, err := filepath.Rel(filepath.Dir(name), blob)
	if err != nil {
		return err
	}
	if have, err := os.Readlink(name); err == nil && have == to {
		return nil
	}
	temporary := name + ".loadgen-new"
	os.Remove(temporary)
	if err := os.Symlink(to, temporary); err != nil {
		if err := os.Link(blob, temporary); err != nil {
			return err
		}
	}
	return os.Rename(temporary, name)
}

// writeFile writes a small file in one step.
func writeFile(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	temporary := name + ".loadgen-new"
	if err := os.WriteFile(temporary, []byte(text), 0o666); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

// attempts is how often a download is begun without getting any further.
const attempts = 5

// fetch downloads a file to a path: first beside it under .incomplete, where a
// later call goes on, then, its size and hash checked, by its name.
func (c *Client) fetch(ctx context.Context, r Repo, file string, info fileInfo, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return fmt.Errorf("cannot store %s: %w", path.Join(r.ID, file), err)
	}
	part := to + ".incomplete"
	most := size(part) // that was ever there: an attempt may begin anew
	for failed := 0; ; {
		err := c.part(ctx, file, info, part)
		if err == nil {
			break
		}
		if n := size(part); n > most {
			most, failed = n, 0
		}
		failed++
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, syscall.ENOSPC):
			os.Remove(part)
			return fmt.Errorf("cannot store %s (%d bytes) in %s: %w", path.Join(r.ID, file), info.size, filepath.Dir(to), err)
		case final(err) || failed == attempts:
			if errors.Is(err, ErrDamaged) {
				os.Remove(part)
			}
			return fmt.Errorf("cannot download %s: %w", path.Join(r.ID, file), err)
		}
		if err := pause.For(ctx, c.pause<<(failed-1)); err != nil {
			return err
		}
	}
	if err := verify(part, info); err != nil {
		os.Remove(part)
		return fmt.Errorf("cannot download %s: %w", path.Join(r.ID, file), err)
	}
	if err := os.Rename(part, to); err != nil {
		return fmt.Errorf("cannot store %s: %w", path.Join(r.ID, file), err)
	}
	return nil
}

func size(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// part gets what is missing of a file, appended to what is there.
func (c *Client) part(ctx context.Context, file string, info fileInfo, part string) (err error) {
	f, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return &localError{err}
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = &localError{closeErr}
		}
	}()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return &localError{err}
	}
	if info.size >= 0 && have > info.size {
		have = 0
	}
	if have == info.size && have > 0 {
		return nil
	}
	w := &counted{w: f, total: info.size, report: func(done, total int64) {
		if c.Progress != nil {
			c.Progress(file, done, total)
		}
	}}
	request := fetch.Request{URL: info.url, Most: mostStored, Body: func(a *fetch.Answer) (io.Writer, error) {
		w.done, err = begin(f, a, have)
		return w, err
	}}
	if have > 0 {
		request.Range = fmt.Sprintf("bytes=%d-", have)
	}
	if _, err := c.ask(ctx, request); err != nil {
		return err
	}
	if info.size >= 0 && w.done < info.size {
		return fmt.Errorf("the server ended the file after %d of %d bytes: %w", w.done, info.size, io.ErrUnexpectedEOF)
	}
	return nil
}

// mostStored bounds a file whose size the hub does not say, in bytes.
const mostStored = 1 << 42

// begin readies a file of which some bytes are there for what an answer brings, and returns how
// many are kept.
func begin(f *os.File, a *fetch.Answer, have int64) (kept int64, err error) {
	again := func(why string) (int64, error) { // from the start
		if err := f.Truncate(0); err != nil {
			return 0, &localError{err}
		}
		return 0, errors.New(why)
	}
	switch a.Status {
	case statusPartialContent:
		part := a.Header("Content-Range")
		switch {
		case !strings.HasPrefix(part, fmt.Sprintf("bytes %d-", have)):
			return 0, fmt.Errorf("the server sent another part of the file than was asked for (%q)", part)
		case a.Compressed():
			return again("the server compressed the part of the file that was asked for")
		}
		kept = have
	case statusOK:
	case statusRangeNotSatisfiable:
		return again("the server does not have the part of the file that was asked for")
	default:
		return 0, statusError(a, nil)
	}
	if err := f.Truncate(kept); err != nil {
		return 0, &localError{err}
	}
	if _, err := f.Seek(kept, io.SeekStart); err != nil {
		return 0, &localError{err}
	}
	return kept, nil
}

// localError is a failure of this machine's disk, which another attempt does not mend.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// counted counts what is written, which is no more than the hub said.
type counted struct {
	w           io.Writer
	done, total int64 // total is -1 where the hub did not say
	report      func(done, total int64)
}

func (c *counted) Write(p []byte) (int, error) {
	if c.total >= 0 && c.done+int64(len(p)) > c.total {
		return 0, &localError{fmt.Errorf("%w: it has more than %d bytes, and the hub says %d", ErrDamaged, c.total, c.total)}
	}
	n, err := c.w.Write(p)
	c.done += int64(n)
	if err != nil {
		return n, &localError{err}
	}
	c.report(c.done, c.total)
	return n, nil
}

// verify compares a file with the size and the hash that the hub gave: SHA-256
// for large files, else git's hash of a blob.
func verify(name string, info fileInfo) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	n := size(name)
	if info.size >= 0 && n != info.size {
		return fmt.Errorf("%w: it has %d bytes, and the hub says %d", ErrDamaged, n, info.size)
	}
	var h hash.Hash
	switch {
	case hexForm.Get().MatchString(info.etag) && len(info.etag) == 64:
		h = sha256.New()
	case hexForm.Get().MatchString(info.etag) && len(info.etag) == 40:
		h = sha1.New()
		fmt.Fprintf(h, "blob %d\x00", n)
	default:
		return nil
	}
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != info.etag {
		return fmt.Errorf("%w: its hash is %s, and the hub says %s", ErrDamaged, got, info.etag)
	}
	return nil
}

var hexForm = lazy.Regexp(`^[0-9a-f]+$`)
