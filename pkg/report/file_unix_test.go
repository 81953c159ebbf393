//go:build unix

package report

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestNewFilesHaveUsualPermissions: those that the process's umask leaves, which is
// never changed for it.
func TestNewFilesHaveUsualPermissions(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o027))
	path := filepath.Join(t.TempDir(), "r.json")
	if err := WriteFile(path, func(w io.Writer) error {
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
