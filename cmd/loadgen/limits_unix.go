//go:build unix

package main

import (
	"fmt"
	"math"
	"os"
	"syscall"
)

// checkConnections says before the run that the system cannot hold as many
// connections at once as it needs: by files, and by ports where that is known.
func checkConnections(atOnce int) error {
	limit := syscall.Rlimit{Cur: math.MaxUint64}
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) // without it there is no bound
	ports, _ := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	return fits(atOnce, limit.Cur, string(ports))
}

// fits is the same for a number of files that may be open, and a range of ports: "LOW
// HIGH", or what is no range where it is not known.
func fits(atOnce int, files uint64, ports string) error {
	const others = 32 // descriptors for all else
	if uint64(atOnce)+others > files {
		return fmt.Errorf("%d connections at once need more files than this process may open (%d): raise ulimit -n, or bound the run with --max-concurrency", atOnce, files)
	}
	var low, high int
	if _, err := fmt.Sscan(ports, &low, &high); err == nil && atOnce > high-low+1 {
		return fmt.Errorf("%d connections at once need more local ports than there are (%d, net.ipv4.ip_local_port_range): bound the run with --max-concurrency", atOnce, high-low+1)
	}
	return nil
}
