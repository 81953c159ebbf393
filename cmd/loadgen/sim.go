package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"loadgen/internal/trtsim"
)

// simParent is set for a simulator that a benchmark started: it ends when its
// standard input does, so that it never outlives the benchmark.
const simParent = "LOADGEN_SIM_PARENT"

func simCommand(ctx context.Context, s streams) *cli.Command {
	return &cli.Command{
		Name:  "sim",
		Usage: "run a simulated trtllm-serve",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "host", Value: "127.0.0.1", Usage: "address to listen on"},
			&cli.IntFlag{Name: "port", Value: 8000, Usage: "port to listen on; 0 picks a free one"},
			&cli.StringFlag{Name: "profile", Value: "ideal", Usage: "timing of the simulated engine: " + strings.Join(trtsim.Profiles(), ", ")},
			&cli.StringFlag{Name: "model", Value: trtsim.DefaultModel, Usage: "name of the model to serve"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usageError{fmt.Errorf("unexpected argument %q", c.Args().First())}
			}
			return serveSim(ctx, c.String("host"), c.Int("port"), c.String("profile"), c.String("model"), s)
		},
	}
}

// serveSim serves until a signal, or the end of the parent's pipe, stops it.
func serveSim(ctx context.Context, host string, port int, profile, model string, s streams) error {
	p, err := trtsim.FindProfile(profile)
	if err != nil {
		return usageError{fmt.Errorf("--profile: %w", err)}
	}
	if port < 0 || port > 65535 {
		return usageError{fmt.Errorf("--port: %d is not between 0 and 65535", port)}
	}
	ctx, stop := withSignals(ctx, io.Discard)
	defer stop()
	if s.env(simParent) != "" {
		quiet, cancel := context.WithCancel(ctx)
		defer cancel()
		ctx = quiet
		go func() {
			io.Copy(io.Discard, s.in)
			cancel()
		}()
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	fmt.Fprintf(s.out, "listening on http://%s\n", l.Addr())
	return trtsim.New(trtsim.Options{Profile: p, Model: model}).Serve(ctx, l)
}

func checkProfile(name string) error {
	_, err := trtsim.FindProfile(name)
	return err
}

// startSim starts a simulator in a process of its own on a free port, and
// returns its URL and what stops it.
func startSim(ctx context.Context, profile string, stderr io.Writer) (url string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("cannot start the simulator: %w", err)
	}
	cmd := exec.Command(self, "sim", "--host", "127.0.0.1", "--port", "0", "--profile", profile)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), simParent+"=1")
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
