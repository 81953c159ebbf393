package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"loadgen/internal/faults"
)

// The load of a chaos run: requests at a rate, some of which get one fault or another.
const (
	chaosRate  = 50 // requests a second
	chaosEvery = 7  // requests of which one gets a fault
	// chaosMost is by how much the median timings of good answers may be off on an idle machine.
	chaosMost = 5 * time.Millisecond
)

// chaosSeeds runs so many seeds from the first on, some at a time. One that fails is run once
// more by itself: runs that share a busy machine can be late. A line of each goes to out.
func chaosSeeds(ctx context.Context, binary, dir string, first uint64, seeds, parallel int, length time.Duration, out io.Writer) error {
	if seeds == 1 {
		return chaos(ctx, binary, dir, first, length, out)
	}
	reports, problems, next := make([]bytes.Buffer, seeds), make([]error, seeds), make(chan int)
	one := func(i int) {
		reports[i].Reset()
		own := filepath.Join(dir, fmt.Sprint("seed", i))
		problems[i] = errors.Join(os.RemoveAll(own), os.Mkdir(own, 0o755))
		if problems[i] == nil {
			problems[i] = chaos(ctx, binary, own, first+uint64(i), length, &reports[i])
		}
	}
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for i := range next {
				one(i)
			}
		})
	}
	for i := range seeds {
		next <- i
	}
	close(next)
	workers.Wait()
	failed := 0
	for i := range seeds {
		if problems[i] != nil && ctx.Err() == nil {
			one(i)
		}
		if problems[i] != nil {
			failed++
			fmt.Fprintf(out, "%sFAILED seed %d: %v\n", reports[i].String(), first+uint64(i), problems[i])
			continue
		}
		lines := strings.Split(strings.TrimSpace(reports[i].String()), "\n")
		fmt.Fprintf(out, "seed %d: %s\n", first+uint64(i), lines[len(lines)-1])
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d seeds failed", failed, seeds)
	}
	return ctx.Err()
}

// chaos mixes the faults of a seed under load, and checks the books: every request that was
// sent is a success or a failure of a class, exactly those with a fault that fails have
// failed, the tokens counted are those that the server sent, and the timings of good
// answers are what the server knows.
func chaos(ctx context.Context, binary, dir string, seed uint64, length time.Duration, out io.Writer) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	all := faults.All()
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	kept := rng.IntN(2) == 1
	if kept { // these are answers to the next request, as far as HTTP goes
		all = slices.DeleteFunc(all, func(f faults.Fault) bool {
			return strings.HasPrefix(f.Name, "second_answer") || strings.HasPrefix(f.Name, "garbage") || f.Name == "reset_after_answer"
		})
	}
	mix := all[:16+rng.IntN(16)]
	chat, whole := rng.IntN(2) == 1, rng.IntN(4) == 0
	names := make([]string, len(mix))
	for i, f := range mix {
		names[i] = f.Name
	}
	fmt.Fprintf(out, "seed %d: %v at %d requests/s, keep-alive %v, chat %v, whole %v, one of %d requests with one of: %s\n",
		seed, length, chaosRate, kept, chat, whole, chaosEvery, strings.Join(names, ", "))
	server, err := faults.StartMix("127.0.0.1:0", mix, chaosEvery)
	if err != nil {
		return err
	}
	defer server.Close()
	n := int(length.Seconds() * chaosRate)
	args := strings.Fields(fmt.Sprintf("--model m --tokenizer llama3 --dataset-name random --random-ids --random-input-len 16 --random-output-len %d"+
		" --num-prompts %d --request-rate %d --seed %d --no-test-input --ignore-eos --percentile-metrics ttft,tpot,itl,e2el --save-result --save-detailed"+
		" --result-filename r.json --timeout 5 --idle-timeout 2 --base-url %s --result-dir %s", faults.Tokens, n, chaosRate, seed%(1<<32), server.URL(), dir))
	for flag, on := range map[string]bool{"--backend=openai-chat": chat, "--non-streaming": whole, "--keep-alive": kept} {
		if on {
			args = append(args, flag)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, length+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stderr = out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the run: %w", errors.Join(err, context.Cause(ctx)))
	}
	text, err := os.ReadFile(filepath.Join(dir, "r.json"))
	if err != nil {
		return err
	}
	var r result
	if err := json.Unmarshal(text, &r); err != nil {
		return err
	}
	return r.checkMix(server, n, whole, out)
}

// checkMix holds a chaos run to what the server knows.
func (r *result) checkMix(server *faults.Server, n int, whole bool, out io.Writer) error {
	if err := r.balanced(n); err != nil {
		return err
	}
	_, faulty := server.Count()
	good := n - faulty
	least, most := server.Bounds(whole)
	if r.Completed < good+least || r.Completed > good+most {
		return fmt.Errorf("%d of %d completed: %d got a fault, of which %d to %d succeed", r.Completed, n, faulty, least, most)
	}
	fmt.Fprintf(out, "%d sent, %d with a fault; %d completed, %d failed by class: %v; %d tokens counted\n", n, faulty, r.Completed, r.Loadgen.Failures.Total, r.Loadgen.Failures.ByClass, r.TotalOutput)
	// Faults that succeed bring other counts; answers without one bring exactly their tokens.
	exact := 0
	for i, problem := range r.Errors {
		if problem == "" && r.OutputLens[i] == faults.Tokens {
			exact++
		}
	}
	if exact < good {
		return fmt.Errorf("%d answers have the %d tokens that the server sent, and %d should", exact, faults.Tokens, good)
	}
	if whole {
		return nil
	}
	return r.checkMedians(server, chaosMost)
}
