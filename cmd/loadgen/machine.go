package main

import (
	"os"
	"runtime"
	"strings"

	"loadgen/internal/recording"
)

// machine describes where the run takes place.
func machine() recording.Machine {
	return recording.Machine{
		OS: runtime.GOOS, Arch: runtime.GOARCH,
		Kernel: firstLine("/proc/sys/kernel/osrelease", ""),
		CPU:    firstLine("/proc/cpuinfo", "model name"),
		CPUs:   runtime.NumCPU(), GoMaxProcs: runtime.GOMAXPROCS(0),
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
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		switch text := strings.TrimSpace(line); {
		case key == "":
			return &text
		case strings.TrimSpace(name) == key:
			text = strings.TrimSpace(value)
			return &text
		}
	}
	return nil
}
