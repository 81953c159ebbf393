package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// limitMemory makes the collector work harder near the memory limit of the cgroup that the
// process is in, before the kernel ends it. GOMEMLIMIT, where it is set, stands.
func limitMemory(env func(string) string) {
	if env("GOMEMLIMIT") != "" {
		return
	}
	if limit := cgroupMemory("/proc/self/cgroup", "/sys/fs/cgroup"); limit > 0 {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// cgroupMemory is the lowest memory limit of a process's cgroup and those around it, of
// either version; 0 where there is none.
func cgroupMemory(membership, root string) (least int64) {
	text, err := os.ReadFile(membership)
	if err != nil {
		return 0
	}
	consider := func(dir, file string) {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return
		}
		// No limit is "max", or a number near 2^63.
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && limit > 0 && limit < 1<<60 && (least == 0 || limit < least) {
			least = limit
		}
	}
	for line := range strings.Lines(string(text)) { // ID:CONTROLLERS:PATH
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, file := root, "memory.max"
		if parts[1] != "" { // the first version
			if !strings.Contains(","+parts[1]+",", ",memory,") {
				continue
			}
			base, file = filepath.Join(root, "memory"), "memory.limit_in_bytes"
		}
		for dir := filepath.Join("/", parts[2]); ; dir = filepath.Dir(dir) {
			consider(filepath.Join(base, dir), file)
			if dir == "/" {
				break
			}
		}
	}
	return least
}
