package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"loadgen/internal/trtsim"
	"loadgen/internal/wire"
)

// simParent is set for a simulator, or a worker of one, that another process
// started: it ends when its standard input does, so that it never outlives it.
const simParent = "LOADGEN_SIM_PARENT"

// simOptions are the flags of loadgen sim.
type simOptions struct {
	host, profile, file, model, dialect string
	perfDir, metrics                    string
	port, workers                       int
	faults                              []string
	speed, watts                        float64
	loadTime, dieAfter, unhealthyAfter  time.Duration
	seed                                uint64
	hangOnStop, noEarlyStop, quiet      bool
	disaggregated                       bool
}

func simCommand(ctx context.Context, s streams) *cli.Command {
	return &cli.Command{
		Name:  "sim",
		Usage: "run a simulated trtllm-serve",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "host", Value: "127.0.0.1", Usage: "address to listen on"},
			&cli.IntFlag{Name: "port", Value: 8000, Usage: "port to listen on; 0 picks a free one"},
			choice("profile", "ideal", "timing of the simulated engine", trtsim.Profiles()...),
			&cli.StringFlag{Name: "profile-file", Usage: "timing from a YAML `FILE`, in place of --profile"},
			&cli.Float64Flag{Name: "speed", Value: 1, Usage: "run the profile `N` times as fast"},
			&cli.StringFlag{Name: "model", Value: trtsim.DefaultModel, Usage: "name of the model to serve"},
			choice("dialect", "latest", "release whose bytes are sent", "1.1", "1.2", "latest"),
			&cli.StringSliceFlag{Name: "fault", Usage: "`KIND:PROBABILITY` of answers that go wrong; can be given more than once. Kinds: " + faultNames()},
			&cli.Uint64Flag{Name: "seed", Usage: "seed of what is drawn: faults, early stops, speculation"},
			&cli.BoolFlag{Name: "no-early-stop", Usage: "always generate to the limit, not with ignore_eos alone"},
			&cli.DurationFlag{Name: "load-time", Usage: "refuse connections for so long, as while a model is loaded"},
			&cli.DurationFlag{Name: "die-after", Usage: "end without a message after so long"},
			&cli.DurationFlag{Name: "unhealthy-after", Usage: "after so long fail every request and, as the newest release does, answer /health with 503"},
			&cli.BoolFlag{Name: "hang-on-stop", Usage: "do not end on a signal"},
			&cli.IntFlag{Name: "workers", Usage: "start `N` child processes, as a server on several GPUs has"},
			&cli.Float64Flag{Name: "watts", Usage: "what the energy meter reads; without it there is no meter"},
			&cli.StringFlag{Name: "perf-metrics-dir", Usage: "write the times of each request to a file in `DIR`, as the newest release does with perf_metrics_output_dir, and have no /perf_metrics"},
			choice("metrics", "trtllm", "whose names the Prometheus metrics have, at /prometheus/metrics (trtllm) or /metrics", "trtllm", "vllm", "sglang"),
			&cli.BoolFlag{Name: "disaggregated", Usage: "give requests the ids of disaggregated serving, in their first chunk and in their times"},
			&cli.BoolFlag{Name: "quiet", Usage: "do not write the server's log to standard error"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usageError{fmt.Errorf("sim takes flags alone, and was given %q (a profile: --profile ideal)", c.Args().First())}
			}
			return serveSim(ctx, simOptions{
				host:           c.String("host"),
				port:           c.Int("port"),
				profile:        c.String("profile"),
				file:           c.String("profile-file"),
				speed:          c.Float64("speed"),
				model:          c.String("model"),
				dialect:        c.String("dialect"),
				faults:         c.StringSlice("fault"),
				seed:           c.Uint64("seed"),
				noEarlyStop:    c.Bool("no-early-stop"),
				loadTime:       c.Duration("load-time"),
				dieAfter:       c.Duration("die-after"),
				unhealthyAfter: c.Duration("unhealthy-after"),
				hangOnStop:     c.Bool("hang-on-stop"),
				workers:        c.Int("workers"),
				watts:          c.Float64("watts"),
				quiet:          c.Bool("quiet"),
				perfDir:        c.String("perf-metrics-dir"),
				metrics:        c.String("metrics"),
				disaggregated:  c.Bool("disaggregated"),
			}, s)
		},
	}
}

func faultNames() string {
	var names []string
	for _, f := range trtsim.Faults() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// options turns the flags into the simulator's; what is wrong is a usage error.
func (o *simOptions) options() (out trtsim.Options, err error) {
	bad := func(flag string, err error) (trtsim.Options, error) {
		return out, usageError{fmt.Errorf("--%s: %w", flag, err)}
	}
	if out.Profile, err = trtsim.FindProfile(o.profile); err != nil {
		return bad("profile", err)
	}
	if o.file != "" {
		f, err := os.Open(o.file)
		if err != nil {
			return bad("profile-file", err)
		}
		defer f.Close()
		if out.Profile, err = trtsim.ReadProfile(f); err != nil {
			return bad("profile-file", fmt.Errorf("%s: %w", o.file, err))
		}
	}
	if !(o.speed > 0) || o.speed > 1e6 {
		return bad("speed", fmt.Errorf("%v is not above 0 and at most 1000000", o.speed))
	}
	out.Profile = out.Profile.Faster(o.speed)
	if out.Dialect, err = trtsim.FindDialect(o.dialect); err != nil {
		return bad("dialect", err)
	}
	if out.Faults, err = trtsim.ParseFaultRates(o.faults); err != nil {
		return bad("fault", err)
	}
	if out.Exposition, err = trtsim.ParseExposition(cmp.Or(o.metrics, "trtllm")); err != nil {
		return bad("metrics", err)
	}
	switch {
	case o.port < 0 || o.port > 65535:
		return bad("port", fmt.Errorf("%d is not between 0 and 65535", o.port))
	case o.workers < 0 || o.workers > 64:
		return bad("workers", fmt.Errorf("%d is not between 0 and 64", o.workers))
	case o.perfDir != "" && !out.Dialect.PerfFiles:
		return bad("perf-metrics-dir", fmt.Errorf("release %s has GET /perf_metrics only; use --dialect latest", out.Dialect.Name))
	case !(o.watts >= 0) || o.watts > 1e9:
		return bad("watts", fmt.Errorf("%v is not between 0 and 1000000000", o.watts))
	}
	if info, err := os.Stat(o.model); err == nil && info.IsDir() {
		o.model = filepath.Base(o.model) // as the real server names a local directory
	}
	out.Model, out.Seed, out.EarlyStop, out.Watts, out.Precise = o.model, o.seed, !o.noEarlyStop, o.watts, true
	out.UnhealthyAfter, out.Disaggregated = o.unhealthyAfter, o.disaggregated
	return out, nil
}

// serveSim serves until a signal stops it: like the real server, it then waits
// for the open streams, and a SIGINT ends those.
func serveSim(ctx context.Context, o simOptions, s streams) error {
	options, err := o.options()
	if err != nil {
		return err
	}
	log := s.err
	if s.env(simParent) != "" || o.quiet {
		log = io.Discard
	}
	options.Log = log
	if o.perfDir != "" {
		f, err := o.createPerfFile()
		if err != nil {
			return err
		}
		defer f.Close()
		options.PerfLog = f
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	stop, signalled := stopSignals(ctx, o.hangOnStop, end)
	if s.env(simParent) != "" {
		go func() {
			io.Copy(io.Discard, s.in)
			end()
		}()
	}
	fmt.Fprintf(log, "[TensorRT-LLM] TensorRT-LLM version: %s\n", options.Dialect.Version)
	stopWorkers, err := startWorkers(o.workers)
	if err != nil {
		return err
	}
	defer stopWorkers()
	server := trtsim.New(options)
	server.Load()
	if o.dieAfter > 0 {
		time.AfterFunc(o.dieAfter, func() { os.Exit(exitFailed) })
	}
	l, err := o.listen(ctx, stop, options.Dialect)
	if err != nil {
		return err
	}
	if l == nil {
		return signalled()
	}
	fmt.Fprintf(s.out, "listening on http://%s\n", l.Addr())
	fmt.Fprintf(log, "INFO:     Started server process [%d]\nINFO:     Waiting for application startup.\nINFO:     Application startup complete.\n", os.Getpid())
	if !options.Dialect.BindsFirst {
		fmt.Fprintf(log, "INFO:     Uvicorn running on http://%s (Press CTRL+C to quit)\n", l.Addr())
	}
	err = server.Serve(ctx, stop, l)
	fmt.Fprintf(log, "INFO:     Waiting for application shutdown.\nINFO:     Application shutdown complete.\nINFO:     Finished server process [%d]\n", os.Getpid())
	if n, p50, p99, most := server.Lateness(); n > 0 {
		fmt.Fprintf(log, "sim: %d events, late by %.3f ms in the median, %.3f ms at p99, %.3f ms at most\n", n, p50, p99, most)
	}
	if err != nil {
		return err
	}
	return signalled()
}

// createPerfFile creates the file of the requests' times.
func (o *simOptions) createPerfFile() (*os.File, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	if err := os.MkdirAll(o.perfDir, 0o777); err != nil {
		return nil, fmt.Errorf("--perf-metrics-dir: %w", err)
	}
	f, err := os.Create(filepath.Join(o.perfDir, trtsim.PerfFileName(host, os.Getpid(), time.Now())))
	if err != nil {
		return nil, fmt.Errorf("--perf-metrics-dir: %w", err)
	}
	return f, nil
}

// listen listens when the model is loaded, unless stop ends before: then it returns
// nil. Releases that bind their port first find out at once that it is taken.
func (o *simOptions) listen(ctx, stop context.Context, d trtsim.Dialect) (net.Listener, error) {
	address := net.JoinHostPort(o.host, strconv.Itoa(o.port))
	if d.BindsFirst && o.port > 0 && o.loadTime > 0 {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("Failed to bind socket to %s: %w", address, err)
		}
		l.Close()
	}
	select {
	case <-time.After(o.loadTime):
	case <-stop.Done():
		return nil, nil
	}
	l, err := wire.Listen(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w; --port 0 picks a free port", err)
	}
	return l, nil
}

// stopSignals returns a context that the first SIGINT or SIGTERM ends; a SIGINT
// after that calls end. signalled is the error of a server that a signal ended.
func stopSignals(parent context.Context, hang bool, end func()) (stop context.Context, signalled func() error) {
	stop, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		for first := true; ; first = false {
			select {
			case got := <-signals:
				switch {
				case hang:
				case first:
					cancel(interrupted{got.(syscall.Signal)})
				case got == syscall.SIGINT:
					end()
				}
			case <-parent.Done():
				return
			}
		}
	}()
	return stop, func() error {
		var i interrupted
		if errors.As(context.Cause(stop), &i) {
			return i
		}
		return nil
	}
}

// startWorkers starts child processes that do nothing, in this process's group.
func startWorkers(n int) (stop func(), err error) {
	var started []*exec.Cmd
	stop = func() {
		for _, cmd := range started {
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	for range n {
		cmd, err := selfCommand(simParent, "sim", "--port", "0", "--quiet", "--load-time", "8760h")
		if err == nil {
			_, err = cmd.StdinPipe()
		}
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			stop()
			return nil, fmt.Errorf("cannot start a worker: %w", err)
		}
		started = append(started, cmd)
	}
	return stop, nil
}

// selfCommand is this program with other arguments, as a child that a variable tells what it is.
func selfCommand(variable string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), variable+"=1")
	return cmd, nil
}

func checkProfile(name string) error {
	_, err := trtsim.FindProfile(name)
	return err
}

// startSim starts a simulator in a process of its own on a free port, and
// returns its URL and what stops it.
func startSim(ctx context.Context, profile string, stderr io.Writer, flags ...string) (url string, stop func() error, err error) {
	cmd, err := selfCommand(simParent, append([]string{"sim", "--host", "127.0.0.1", "--port", "0", "--profile", profile}, flags...)...)
	if err != nil {
		return "", nil, fmt.Errorf("cannot start the simulator: %w", err)
	}
	cmd.Stderr = stderr
	ownGroup(cmd)
	life, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, fmt.Errorf("cannot start the simulator: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, fmt.Errorf("cannot start the simulator: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("cannot start the simulator: %w", err)
	}
	stop = func() error {
		life.Close()
		timer := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		defer timer.Stop()
		return cmd.Wait()
	}
	giveUp := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	giveUp()
	url, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !found {
		return "", nil, errors.Join(fmt.Errorf("the simulator did not start: it says %q", line), stop())
	}
	return url, stop, nil
}
