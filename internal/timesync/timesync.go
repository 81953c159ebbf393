// Package timesync asks the services that keep a host's clock how far it can be from the true
// time: chrony, by chronyc, and linuxptp, by pmc. It runs these two commands, where they are
// installed, and nothing else; it sets no clock.
package timesync

import (
	"context"
	"encoding/csv"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"loadgen/internal/ranks"
)

// Run runs a command and returns its standard output.
type Run func(ctx context.Context, name string, args ...string) ([]byte, error)

// Command runs a command of this host.
func Command(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	return cmd.Output()
}

// askLimit is how long a service may take to answer.
const askLimit = 2 * time.Second

// Ask returns what chrony says of this host's clock against UTC, or else PTP against its
// grandmaster; not known where neither keeps it.
func Ask(ctx context.Context, run Run) ranks.Clock {
	for _, service := range []struct {
		command []string
		read    func(text string) (ranks.Clock, bool)
	}{
		{[]string{"chronyc", "-n", "-c", "tracking"}, chrony},
		{[]string{"pmc", "-u", "-b", "0", "GET CURRENT_DATA_SET"}, ptp},
	} {
		ctx, cancel := context.WithTimeout(ctx, askLimit)
		text, err := run(ctx, service.command[0], service.command[1:]...)
		cancel()
		if err != nil {
			continue
		}
		if c, ok := service.read(string(text)); ok {
			return c
		}
	}
	return ranks.Clock{}
}

// The fields of chronyc's tracking report as comma-separated values, from 0.
const (
	referenceID    = 0
	systemTime     = 4
	rootDelay      = 10
	rootDispersion = 11
	leapStatus     = 13
)

// ownClock is the reference of a clock that follows nothing but itself (chrony's local), which
// its report calls exact.
const ownClock = "7F7F0101"

// chrony reads chronyc's tracking report. By chrony's manual the clock is off by at most its
// offset, the root dispersion and half the root delay.
func chrony(text string) (ranks.Clock, bool) {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	fields, err := csv.NewReader(strings.NewReader(line)).Read()
	if err != nil || len(fields) <= leapStatus || strings.HasPrefix(fields[leapStatus], "Not sync") || fields[referenceID] == ownClock {
		return ranks.Clock{}, false
	}
	offset, ok1 := number(fields[systemTime])
	delay, ok2 := number(fields[rootDelay])
	dispersion, ok3 := number(fields[rootDispersion])
	if !ok1 || !ok2 || !ok3 {
		return ranks.Clock{}, false
	}
	return ranks.Clock{Source: "chrony", Uncertainty: seconds(math.Abs(offset) + dispersion + delay/2)}, true
}

// ptp reads pmc's CURRENT_DATA_SET: the offset from the master and the path's mean delay, in
// nanoseconds. A clock that is no step away from the grandmaster is the grandmaster itself.
func ptp(text string) (ranks.Clock, bool) {
	values := map[string]float64{}
	for _, line := range strings.Split(text, "\n") {
		if f := strings.Fields(line); len(f) == 2 {
			if x, ok := number(f[1]); ok {
				values[f[0]] = x
			}
		}
	}
	offset, ok1 := values["offsetFromMaster"]
	delay, ok2 := values["meanPathDelay"]
	if !ok1 || !ok2 {
		return ranks.Clock{}, false
	}
	return ranks.Clock{Source: "ptp", Uncertainty: seconds((math.Abs(offset) + math.Abs(delay)) / 1e9)}, true
}

func number(text string) (float64, bool) {
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && !math.IsNaN(x) && !math.IsInf(x, 0)
}

func seconds(s float64) time.Duration { return time.Duration(math.Ceil(min(s, 1e9) * 1e9)) }
