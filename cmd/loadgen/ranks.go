package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"loadgen/internal/barrier"
	"loadgen/internal/bench"
	"loadgen/internal/outfile"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
	"loadgen/internal/timesync"
)

// findRank finds out which process of several this is. A launcher's variables count only where
// the command line asks for a common start: without one, a run within a job of a cluster is
// a whole run. note is what a user should know of that.
func (c *config) findRank(s streams) (note string, err error) {
	common := c.Barrier != nil || c.StartAt != nil
	if c.Rank != nil {
		if c.part, err = ranks.Parse(*c.Rank); err != nil {
			return "", fmt.Errorf("argument --rank: %q: %w", *c.Rank, err)
		}
		return fmt.Sprintf("%v (--rank)", c.part), nil
	}
	found, err := ranks.Find(s.lookup)
	switch {
	case !common && err == nil && !found.Alone():
		return fmt.Sprintf("this is %v (%s), and sends the whole load all the same: with --barrier DIR the ranks share it (docs/scale.md)", found, found.From), nil
	case !common:
		return "", nil
	case errors.Is(err, ranks.ErrNone) && c.Barrier == nil: // one process that starts at a given time
		return "", nil
	case errors.Is(err, ranks.ErrNone):
		return "", fmt.Errorf("argument --barrier: which process this is, and of how many, is not known: give --rank I/N, or start it with srun, mpirun or as an indexed Job, which set one of %s", strings.Join(ranks.Variables(), ", "))
	case err != nil:
		return "", fmt.Errorf("the rank cannot be read from the environment: %w; --rank I/N goes before it", err)
	}
	c.part = found
	return fmt.Sprintf("%v (%s)", found, found.From), nil
}

// rankLines say which process this is, and what of the run is its own.
func (c *config) rankLines(note string) []string {
	switch {
	case note == "" || c.repeated:
		return nil
	case c.part.Alone():
		return []string{note}
	}
	note += fmt.Sprintf(": every %s request", ordinal(c.part.Size))
	if n := c.Concurrency(); n > 0 {
		note += fmt.Sprintf(", %d of %d at a time", c.part.Share(n), n)
	}
	return []string{note}
}

// ordinal is 2nd, 3rd, 4th, ...
func ordinal(n int) string {
	ending := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			ending = "st"
		case 2:
			ending = "nd"
		case 3:
			ending = "rd"
		}
	}
	return strconv.Itoa(n) + ending
}

// checkStart checks that the common start is in the future.
func (c *config) checkStart(now time.Time) error {
	if c.start.IsZero() || c.DryRun || now.Before(c.start) {
		return nil
	}
	return fmt.Errorf("argument --start-at: %s was %v ago: name a later time, or let the ranks meet at a --barrier", *c.StartAt, now.Sub(c.start).Round(time.Millisecond))
}

// checkRank checks what several processes cannot do together.
func (c *config) checkRank() error {
	if c.StartAt != nil {
		at, err := parseInstant(*c.StartAt)
		if err != nil {
			return fmt.Errorf("argument --start-at: %w", err)
		}
		c.start = at
	}
	if c.part.Alone() {
		return nil
	}
	each := fmt.Sprintf("not for one of %d ranks: ", c.part.Size)
	for _, f := range []struct {
		name, why string
		given     bool
	}{
		{"--sim", "each would have a server of its own; start loadgen sim once and give its --base-url", c.Sim != nil},
		{"--selftest", "run loadgen selftest on each host before", c.SelfTest},
		{"--profile", "each would start and stop the server's profiler", c.Profile},
		{"--server-metrics", "reading them empties the server's records for the other ranks", c.ServerMetrics.Asked},
		{"--save-request-time-breakdown", "reading the server's records empties them for the other ranks", c.TimeBreakdown.Asked},
		{"--probe-request-rate", "they go on until the load of the last rank is over, which only --barrier DIR shows", c.ProbeRate > 0 && c.Barrier == nil},
		{"--append", "a line is a whole run's; loadgen merge makes it of all ranks'", c.appendTo != nil},
		{"--cache-salt", "the salt has to be the same for all, which --barrier DIR sees to", c.CacheSalt && c.Barrier == nil},
	} {
		if f.given {
			return fmt.Errorf("argument %s: %s%s", f.name, each, f.why)
		}
	}
	if n := c.Concurrency(); n > 0 && n < c.part.Size {
		return fmt.Errorf("argument --max-concurrency: %d is fewer than the %d ranks, of which each needs a slot", n, c.part.Size)
	}
	if c.NumPrompts < c.part.Size && !(c.Timed() && c.NumPrompts == 0) {
		return fmt.Errorf("argument --num-prompts: %d is fewer than the %d ranks, of which each needs a request", c.NumPrompts, c.part.Size)
	}
	if c.DryRun || c.Barrier != nil {
		return nil
	}
	if c.StartAt == nil {
		return fmt.Errorf("argument --rank: %d ranks need a common start: --barrier DIR, a directory that all of them see, or --start-at TIME", c.part.Size)
	}
	if c.seedAssumed {
		return errors.New("argument --start-at: the ranks need a common --seed N, as they do not meet; or --barrier DIR, where they do")
	}
	return nil
}

// parseInstant reads seconds since 1970, or a date and time of RFC 3339.
func parseInstant(text string) (time.Time, error) {
	if x, err := strconv.ParseFloat(text, 64); err == nil && 0 < x && x < 1e11 {
		whole := int64(x)
		return time.Unix(whole, int64((x-float64(whole))*1e9)), nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, fmt.Errorf("%q is neither a number of seconds since 1970 (date +%%s) nor a time such as 2026-11-30T12:00:00Z", text)
	}
	return at, nil
}

// rankFiles gives each rank files of its own: a recording in any case, as that is what ranks
// are merged from.
func (c *config) rankFiles() {
	if c.part.Alone() {
		return
	}
	if recording.Text(c.SaveTimeline) == "" {
		dir := cmp.Or(recording.Text(c.ResultDir), recording.Text(c.Barrier), ".")
		c.SaveTimeline = new(filepath.Join(dir, "loadgen.timeline"))
	}
	c.SaveTimeline = new(c.rankFile(*c.SaveTimeline))
	if name := recording.Text(c.ResultFilename); name != "" && name != stdoutName {
		c.ResultFilename = new(c.rankFile(name))
	}
	if name := recording.Text(c.saveRequests); name != "" {
		c.saveRequests = new(c.rankFile(name))
	}
}

// rankFile is a file's name with the rank before its extension.
func (c *config) rankFile(name string) string {
	if c.part.Alone() || outfile.Special(name) {
		return name
	}
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s-rank-%d-of-%d%s", strings.TrimSuffix(name, ext), c.part.Index, c.part.Size, ext)
}

// hello is what ranks say when they join: rank 0's seed is that of all.
type hello struct{ Seed int }

// join meets the other ranks, where there is a barrier, and takes over rank 0's seed.
func (m *benchmark) join(ctx context.Context) (err error) {
	c := m.cfg
	m.ranks = bench.Ranks{Rank: c.part, Start: c.start}
	if m.ranks.Host, err = os.Hostname(); err != nil {
		m.ranks.Host = "an unknown host"
	}
	if !c.part.Alone() {
		m.ranks.UTC = m.system.utc
	}
	if c.Barrier == nil || c.DryRun {
		return nil
	}
	w := &waits{to: m.s.status()}
	var g *barrier.Gathering
	m.ranks.Barrier, g, err = barrier.Join(ctx, barrier.Options{Dir: *c.Barrier, Rank: c.part, Host: m.ranks.Host, Now: m.system.now,
		Limit: recording.Seconds(c.BarrierTimeout), OnWait: w.on}, hello{c.Seed})
	if err != nil {
		return m.barrierError(err)
	}
	var first hello
	if err := json.Unmarshal(g.Said[0], &first); err != nil {
		return fmt.Errorf("rank 0 on %s: %w", g.Hosts[0], err)
	}
	switch {
	case first.Seed == c.Seed:
	case c.given("--seed"):
		return fmt.Errorf("the ranks have different seeds: rank 0 on %s has %d, rank %d on %s has %d (--seed)", g.Hosts[0], first.Seed, c.part.Index, m.ranks.Host, c.Seed)
	default:
		c.Seed = first.Seed
		m.log("--seed %d, as rank 0 on %s has drawn", c.Seed, g.Hosts[0])
	}
	return nil
}

// barrierError adds to an error of the barrier what to do about it.
func (m *benchmark) barrierError(err error) error {
	if errors.As(err, new(*barrier.TimeoutError)) {
		return fmt.Errorf("%w (--barrier, --barrier-timeout)", err)
	}
	return err
}

// leave tells the other ranks that this one failed before the run.
func (m *benchmark) leaveBarrier(err error) {
	if b := m.ranks.Barrier; b != nil && err != nil {
		b.Leave(err)
	}
}

// askUTC is what keeps this host's clock.
func askUTC(ctx context.Context) ranks.Clock { return timesync.Ask(ctx, timesync.Command) }

// shared reports whether a flag is about the processes of one run.
func (f flag) shared() bool {
	switch f.Name {
	case "--rank", "--barrier", "--barrier-timeout", "--start-at":
		return true
	}
	return false
}
