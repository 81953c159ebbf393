// Package observe samples GPUs while a run lasts: through nvidia-smi, or the exporter of
// NVIDIA's DCGM. It takes a source and a clock and gives a gpu.Report; it computes nothing.
package observe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"loadgen/internal/fetch"
	"loadgen/internal/gpu"
	"loadgen/internal/prom"
)

// Every is the time between two samples of nvidia-smi, and exporterEvery of an exporter, which
// itself reads the GPUs that often at best.
const (
	Every         = 200 * time.Millisecond
	exporterEvery = time.Second
)

// exporterLimit bounds one look at an exporter.
const exporterLimit = 5 * time.Second

// Start begins to sample, with nvidia-smi where source is "", else the exporter at that URL.
// stop ends it, waits, and returns what was sampled; the error says why nothing was.
func Start(ctx context.Context, source string, now func() time.Duration) (stop func() (*gpu.Report, error)) {
	s := &sampler{now: now, report: gpu.Report{Source: source}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	if source == "" {
		s.report.Source = "nvidia-smi"
		done.Go(func() { s.err = s.nvidiaSMI(ctx) })
	} else {
		done.Go(func() { s.err = s.exporter(ctx, source) })
	}
	return func() (*gpu.Report, error) {
		cancel()
		done.Wait()
		if len(s.report.Samples) == 0 {
			if s.err == nil {
				s.err = fmt.Errorf("%s gave no sample during the run", s.report.Source)
			}
			return nil, s.err
		}
		return &s.report, nil
	}
}

// sampler collects samples. Its goroutine owns it until stop has waited for it.
type sampler struct {
	now    func() time.Duration
	report gpu.Report
	err    error
}

// nvidiaSMI runs one nvidia-smi that prints a line for each GPU over and over.
func (s *sampler) nvidiaSMI(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=index,name,power.draw,memory.used", "--format=csv,noheader,nounits",
		"--loop-ms="+strconv.FormatInt(Every.Milliseconds(), 10))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return errors.New("there is no nvidia-smi on the PATH: run loadgen on the machine with the GPUs, or name the URL of its DCGM exporter")
		}
		return err
	}
	lines := bufio.NewScanner(io.LimitReader(out, 1<<30))
	odd := ""
	for lines.Scan() {
		if sample, ok := parseSMI(lines.Text()); ok {
			sample.At = s.now()
			s.report.Samples = append(s.report.Samples, sample)
		} else if odd == "" {
			odd = strings.TrimSpace(lines.Text())
		}
	}
	err = cmd.Wait()
	if ctx.Err() != nil && odd == "" {
		return nil // it was stopped
	}
	return fmt.Errorf("nvidia-smi: %.200s%.200s (%v)", odd, strings.TrimSpace(stderr.String()), err)
}

// parseSMI reads INDEX, NAME, WATTS, MIB, where what a GPU does not support is in brackets.
func parseSMI(line string) (s gpu.Sample, ok bool) {
	fields := strings.Split(line, ",")
	if len(fields) < 4 {
		return s, false
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	n := len(fields)
	if _, err := strconv.Atoi(fields[0]); err != nil {
		return s, false
	}
	number := func(text string) (float64, bool) {
		if strings.HasPrefix(text, "[") || text == "N/A" {
			return -1, true
		}
		x, err := strconv.ParseFloat(text, 64)
		return x, err == nil && x >= 0
	}
	watts, isWatts := number(fields[n-2])
	memory, isMemory := number(fields[n-1])
	return gpu.Sample{GPU: fields[0], Name: strings.Join(fields[1:n-2], ","), Watts: watts, Memory: memory}, isWatts && isMemory
}

// exporter reads DCGM's exporter once a second.
func (s *sampler) exporter(ctx context.Context, url string) error {
	client := fetch.New(fetch.Options{Env: os.Getenv, Timeout: exporterLimit})
	defer client.Close()
	var failed error
	for {
		samples, err := scrape(ctx, client, url)
		if err != nil && ctx.Err() == nil {
			failed = err
		}
		at := s.now()
		for _, sample := range samples {
			sample.At = at
			s.report.Samples = append(s.report.Samples, sample)
		}
		select {
		case <-time.After(exporterEvery):
		case <-ctx.Done():
			return failed
		}
	}
}

func scrape(ctx context.Context, client *fetch.Client, url string) ([]gpu.Sample, error) {
	answer, text, err := client.Text(ctx, fetch.Request{URL: url})
	if err != nil {
		return nil, err
	}
	if answer.Status != 200 {
		return nil, fmt.Errorf("%s answers %v", url, answer)
	}
	all, err := prom.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s is no Prometheus text: %w", url, err)
	}
	samples := dcgm(all)
	if len(samples) == 0 {
		return nil, fmt.Errorf("%s has neither DCGM_FI_DEV_POWER_USAGE nor DCGM_FI_DEV_FB_USED", url)
	}
	return samples, nil
}

// dcgm finds the GPUs in DCGM's metrics. Of a GPU that is cut up (MIG) the values of its
// parts have other names; the whole counts.
func dcgm(all []prom.Sample) (out []gpu.Sample) {
	for _, m := range all {
		if m.Name != "DCGM_FI_DEV_POWER_USAGE" && m.Name != "DCGM_FI_DEV_FB_USED" {
			continue
		}
		label := func(name string) string {
			i := slices.IndexFunc(m.Labels, func(l prom.Label) bool { return l.Name == name })
			if i < 0 {
				return ""
			}
			return m.Labels[i].Value
		}
		name := label("gpu")
		if host := label("Hostname"); host != "" {
			name = host + "/" + name
		}
		i := slices.IndexFunc(out, func(s gpu.Sample) bool { return s.GPU == name })
		if i < 0 {
			out = append(out, gpu.Sample{GPU: name, Name: label("modelName"), Watts: -1, Memory: -1})
			i = len(out) - 1
		}
		if !(m.Value >= 0 && m.Value < 1e12) {
			continue
		}
		if m.Name == "DCGM_FI_DEV_POWER_USAGE" {
			out[i].Watts = m.Value
		} else {
			out[i].Memory = max(out[i].Memory, m.Value)
		}
	}
	return out
}
