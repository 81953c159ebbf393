//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// checkConnections says before the run that the system cannot hold as many
// connections at once as it needs: by files, and by ports where that is known.
func checkConnections(atOnce int) error {
	const others = 32 // descriptors for all else
	var files syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files) == nil && uint64(atOnce)+others > uint64(files.Cur) {
		return fmt.Errorf("%d connections at once need more files than this process may open (%d): raise ulimit -n, or bound the run with --max-concurrency", atOnce, files.Cur)
	}
	var low, high int
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return nil
	}
	if _, err := fmt.Sscan(string(data), &low, &high); err == nil && atOnce > high-low+1 {
		return fmt.Errorf("%d connections at once need more local ports than there are (%d, net.ipv4.ip_local_port_range): bound the run with --max-concurrency", atOnce, high-low+1)
	}
	return nil
}
