package main

import (
	"os"
	"runtime"
	"strings"

	"loadgen/internal/pyjson"
)

// machine describes where the run took place; what cannot be read is null.
func machine() pyjson.Object {
	return pyjson.Object{
		{Key: "os", Value: runtime.GOOS}, {Key: "arch", Value: runtime.GOARCH},
		{Key: "kernel", Value: firstLine("/proc/sys/kernel/osrelease", "")},
		{Key: "cpu", Value: firstLine("/proc/cpuinfo", "model name")},
		{Key: "cpus", Value: runtime.NumCPU()}, {Key: "gomaxprocs", Value: runtime.GOMAXPROCS(0)},
		{Key: "cgroup_cpu_max", Value: firstLine("/sys/fs/cgroup/cpu.max", "")},
	}
}

// firstLine is the first line of a file, or the value of the first line of the
// form "key : value".
func firstLine(path, key string) any {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(string(data), "\n") {
		if key == "" {
			return strings.TrimSpace(line)
		}
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return nil
}
