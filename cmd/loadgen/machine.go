package main

import (
	"os"
	"runtime"
	"strings"

	"loadgen/internal/result"
)

// machine describes where the run took place; what cannot be read is null.
func machine() *result.Machine {
	return &result.Machine{
		OS:           runtime.GOOS,
		Arch:         runtime.GOARCH,
		Kernel:       firstLine("/proc/sys/kernel/osrelease", ""),
		CPU:          firstLine("/proc/cpuinfo", "model name"),
		CPUs:         runtime.NumCPU(),
		GoMaxProcs:   runtime.GOMAXPROCS(0),
		CgroupCPUMax: firstLine("/sys/fs/cgroup/cpu.max", ""),
	}
}

// firstLine is the first line of a file, or the value of the first line of the
// form "key : value"; nil where there is none.
func firstLine(path, key string) *string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(data), "\n") {
		if key == "" {
			return new(strings.TrimSpace(line))
		}
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == key {
			return new(strings.TrimSpace(value))
		}
	}
	return nil
}
