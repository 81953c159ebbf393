package observe

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Everything here reads Linux's files; where there are none, nothing is known.

// machineTime is the time of all processors, in ticks.
type machineTime struct{ all, idle, steal uint64 }

func readMachine() machineTime {
	data, _ := os.ReadFile("/proc/stat")
	return parseStat(string(data))
}

// parseStat reads the first line of /proc/stat: user nice system idle iowait irq
// softirq steal. Guests are counted in user.
func parseStat(text string) (m machineTime) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return m
	}
	for i, f := range fields[1:9] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return machineTime{}
		}
		m.all += n
		switch i {
		case 3, 4:
			m.idle += n
		case 7:
			m.steal = n
		}
	}
	return m
}

// throttling is what a control group's limit has done so far.
type throttling struct {
	cores   float64 // 0 for no limit
	stopped time.Duration
	periods int
}

// cgroupRoot is where control groups are mounted.
const cgroupRoot = "/sys/fs/cgroup"

func readThrottling() throttling {
	own, _ := os.ReadFile("/proc/self/cgroup")
	v2, v1 := cgroupPaths(string(own))
	// In a container the group's own path often names the host's tree, and the
	// files stand at the root.
	for _, dir := range []string{filepath.Join(cgroupRoot, v2), cgroupRoot} {
		if limit, err := os.ReadFile(filepath.Join(dir, "cpu.max")); err == nil {
			stat, _ := os.ReadFile(filepath.Join(dir, "cpu.stat"))
			if t := parseV2(string(limit), string(stat)); t.cores > 0 {
				return t
			}
		}
	}
	for _, dir := range []string{filepath.Join(cgroupRoot, "cpu", v1), filepath.Join(cgroupRoot, "cpu")} {
		if quota, err := os.ReadFile(filepath.Join(dir, "cpu.cfs_quota_us")); err == nil {
			whole, _ := os.ReadFile(filepath.Join(dir, "cpu.cfs_period_us"))
			stat, _ := os.ReadFile(filepath.Join(dir, "cpu.stat"))
			if t := parseV1(string(quota), string(whole), string(stat)); t.cores > 0 {
				return t
			}
		}
	}
	return throttling{}
}

// cgroupPaths finds the process's group in /proc/self/cgroup, of both versions.
func cgroupPaths(text string) (v2, v1 string) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[0] == "0" && parts[1] == "":
			v2 = parts[2]
		case strings.Contains(","+parts[1]+",", ",cpu,"):
			v1 = parts[2]
		}
	}
	return v2, v1
}

func parseV2(limit, stat string) (t throttling) {
	fields := strings.Fields(limit)
	if len(fields) == 2 && fields[0] != "max" {
		t.cores = ratio(fields[0], fields[1])
	}
	t.stopped = time.Duration(figure(stat, "throttled_usec")) * time.Microsecond
	t.periods = int(figure(stat, "nr_throttled"))
	return t
}

func parseV1(quota, period, stat string) (t throttling) {
	t.cores = ratio(strings.TrimSpace(quota), strings.TrimSpace(period))
	t.stopped = time.Duration(figure(stat, "throttled_time"))
	t.periods = int(figure(stat, "nr_throttled"))
	return t
}

// ratio divides two numbers; 0 where one of them is none or not above 0.
func ratio(a, b string) float64 {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX != nil || errY != nil || !(x > 0) || !(y > 0) {
		return 0
	}
	return x / y
}

// figure is the value of a key in lines of "key value".
func figure(text, key string) int64 {
	for line := range strings.Lines(text) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == key {
			n, _ := strconv.ParseInt(value, 10, 64)
			return n
		}
	}
	return 0
}

// clockSource is what the kernel reads the time from.
func clockSource() string {
	data, _ := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	return strings.TrimSpace(string(data))
}
