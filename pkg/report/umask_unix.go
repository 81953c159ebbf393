//go:build unix

package report

import (
	"os"
	"syscall"
)

// umask is what the process takes away from the rights of new files.
func umask() os.FileMode {
	mask := syscall.Umask(0)
	syscall.Umask(mask)
	return os.FileMode(mask)
}
