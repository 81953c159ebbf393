//go:build unix

package outfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestNewFilesHaveUsualPermissions: those that the process's umask leaves, which is
// never changed for it.
func TestNewFilesHaveUsualPermissions(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	path := filepath.Join(t.TempDir(), "r.json")
	if err := Write(path, func(w io.Writer) error {
		if mask := syscall.Umask(0o027); mask != 0o027 {
			t.Errorf("umask %o while the file is written", mask)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v, want 0640", info.Mode(), err)
	}
}

// TestPipes: one that nobody reads is found before the run, one that is read stays open
// until it is released.
func TestPipes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err := Prove(path); !errors.As(err, &e) || !e.Name {
		t.Fatalf("a pipe that nobody reads: %v", err)
	}
	if err := Write(path, func(io.Writer) error { return nil }); !errors.Is(err, syscall.ENXIO) {
		t.Fatalf("a pipe that nobody reads: %v", err)
	}
	got := make(chan string)
	go func() {
		f, err := os.Open(path)
		if err != nil {
			got <- err.Error()
			return
		}
		text, _ := io.ReadAll(f)
		got <- string(text)
	}()
	release, err := Prove(path)
	for ; errors.Is(err, syscall.ENXIO); release, err = Prove(path) { // the reader is on its way
		runtime.Gosched()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(path, func(w io.Writer) error { _, err := io.WriteString(w, "result"); return err }); err != nil {
		t.Fatal(err)
	}
	release()
	if text := <-got; text != "result" {
		t.Errorf("read %q", text)
	}
}

// TestTogether: a directory is held by one at a time, and not for ever.
func TestTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	for held, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Hour: togetherMost} {
		synctest.Test(t, func(t *testing.T) {
			release := Together(path)
			time.AfterFunc(held, release)
			began := time.Now()
			second := Together(path)
			if waited := time.Since(began); waited < want || waited > want+togetherLook {
				t.Errorf("held for %v, it waited for %v", held, waited)
			}
			second()
			time.Sleep(held)
		})
	}
	Together(filepath.Join(path, "missing", "r.json"))()
}
