package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"loadgen/internal/breakdown"
	"loadgen/internal/gpu"
	"loadgen/internal/prom"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// serverReader reads what the server notes of the run: records and steps.
type serverReader struct {
	b      *Bench
	wanted recording.Records
	sizes  map[string]int64 // of the files of records before the run
	raw    []byte           // what the route answered

	steps, peak int                   // of the engine
	metrics     *recording.Exposition // nil until a route with metrics was found
}

// newServerReader takes note of what is there before the run and is not the run's.
func (b *Bench) newServerReader(ctx context.Context) *serverReader {
	s := &serverReader{b: b, wanted: b.s.Wanted()}
	if !s.wanted.Asked {
		return s
	}
	_, _ = b.client.PerfMetrics(ctx, s.room())
	s.scrape(ctx)
	s.steps, s.peak = 0, 0 // those of the test request
	if s.wanted.Dir != "" {
		s.sizes = map[string]int64{}
		for _, name := range recordFiles(s.wanted.Dir) {
			if info, err := os.Stat(name); err == nil {
				s.sizes[name] = info.Size()
			}
		}
	}
	return s
}

// recordFiles are the files of records in the server's perf_metrics_output_dir. Some scripts
// give it a directory of that name below the one that they name.
func recordFiles(dir string) (names []string) {
	for _, pattern := range []string{"perf_metrics-*.jsonl", "perf_metrics/perf_metrics-*.jsonl"} {
		found, _ := filepath.Glob(filepath.Join(escapeGlob(dir), pattern))
		names = append(names, found...)
	}
	return names
}

// escapeGlob makes a path that stands for itself in a pattern.
func escapeGlob(path string) string {
	var out []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// read reads what the server noted of so many requests, in an answer or in files. A note says
// what is missing.
func (s *serverReader) read(ctx context.Context, rec *recording.Recording) {
	if !s.wanted.Asked {
		return
	}
	done := 0
	for _, r := range rec.All() {
		if r.Err == nil {
			done++
		}
	}
	out := &recording.Server{}
	s.afterwards(ctx, done)
	out.Iterations, out.PeakActive, out.Exposition = s.steps, s.peak, s.metrics
	records, source, err := s.records(ctx, done)
	out.Raw = s.raw
	out.Source, out.Requests = source, breakdown.Newest(records, s.b.requests.len())
	if err == nil || s.steps > 0 || s.metrics != nil {
		rec.Server = out
	}
	needed := s.metrics == nil || s.b.s.TimeBreakdown.Asked
	switch {
	case err != nil && needed:
		s.b.keep(recording.Note{Code: "no_server_metrics", Text: fmt.Sprintf("the server's own times cannot be read: %v", err)})
	case len(records) == 0 && needed:
		s.b.keep(recording.Note{Code: "no_server_metrics", Text: "the server keeps no times of its requests: return_perf_metrics, and perf_metrics_max_requests or perf_metrics_output_dir, in its YAML turn them on"})
	}
}

// expositions are where servers have metrics. trtllm-serve has the engine's steps at the first,
// as JSON.
var expositions = []string{"/metrics", "/prometheus/metrics"}

// scrape reads the server's metrics and steps as they are now, and keeps the former as those
// before the run if there are none yet, else as those after it.
func (s *serverReader) scrape(ctx context.Context) {
	if !s.b.s.ServerMetrics.Asked {
		return
	}
	var empty *recording.Exposition // one without series that are known, as before the first request
	for _, route := range expositions {
		if s.metrics != nil && s.metrics.Route != route && route != expositions[0] {
			continue
		}
		text, err := s.b.client.Text(ctx, route)
		if err != nil {
			continue
		}
		if steps, peak, ok := iterations(text); ok {
			s.steps, s.peak = s.steps+steps, max(s.peak, peak)
			continue
		}
		samples, err := prom.Parse(text)
		if err != nil {
			continue
		}
		switch now, ok := prom.Read(samples); {
		case s.metrics != nil && s.metrics.Route == route:
			s.metrics.After = now
		case s.metrics == nil && ok:
			s.metrics = &recording.Exposition{Route: route, Before: now}
			return
		case empty == nil && len(samples) > 0:
			empty = &recording.Exposition{Route: route}
		}
	}
	if s.metrics == nil {
		s.metrics = empty
	}
}

// iterations reads the statistics of the engine's steps: how many, and the most requests in one.
func iterations(text []byte) (steps, peak int, ok bool) {
	var all []struct {
		Active int `json:"numActiveRequests"`
	}
	if json.Unmarshal(text, &all) != nil {
		return 0, 0, false
	}
	for _, step := range all {
		peak = max(peak, step.Active)
	}
	return len(all), peak, true
}

// afterwards reads the metrics after the run, again while they count fewer requests than have
// been answered, for a time.
func (s *serverReader) afterwards(ctx context.Context, done int) {
	for waited := time.Duration(0); ; waited += settleEvery {
		s.scrape(ctx)
		if s.metrics == nil || waited >= settle || ctx.Err() != nil {
			break
		}
		changes := s.metrics.After.Since(s.metrics.Before)
		if c, ok := prom.Find(changes, prom.Requests); !ok || int(c.Count) >= done {
			break
		}
		select {
		case <-time.After(settleEvery):
		case <-ctx.Done():
		}
	}
	if s.metrics != nil && len(s.metrics.After.Values) == 0 {
		s.metrics = nil // metrics of something else
	}
}

// settle is how long records may come late, and settleEvery how often they are looked for.
const (
	settle      = 3 * time.Second
	settleEvery = 100 * time.Millisecond
)

// What the records of a run may take, in bytes: those of earlier requests, and of each.
const (
	recordsBase       = 64 << 20
	recordsPerRequest = 16 << 10
)

// room is how many bytes of records may still come.
func (s *serverReader) room() int {
	return recordsBase + recordsPerRequest*s.b.Requests() - len(s.raw)
}

// records reads the records of at least so many requests, fewer if they do not come in time:
// from the endpoint, or else from the files.
func (s *serverReader) records(ctx context.Context, want int) (all []breakdown.Record, source string, err error) {
	read := func() ([]breakdown.Record, error) { return nil, nil }
	route := func() ([]breakdown.Record, error) {
		text, err := s.b.client.PerfMetrics(ctx, s.room())
		more, _ := breakdown.Parse(text)
		s.raw = appendArray(s.raw, text)
		return append(all, more...), err
	}
	all, errRoute := route()
	if errRoute == nil {
		source, read = "/perf_metrics", route
		if len(all) == 0 && s.wanted.Dir == "" {
			return nil, source, nil // it keeps none
		}
	}
	if len(all) == 0 {
		if s.wanted.Dir == "" {
			return nil, "", errRoute
		}
		source = s.wanted.Dir
		read = func() ([]breakdown.Record, error) { return s.files() }
		if all, err = read(); err != nil {
			return nil, "", errors.Join(errRoute, err)
		}
	}
	for waited := time.Duration(0); len(breakdown.Merge(all)) < want && waited < settle && ctx.Err() == nil; waited += settleEvery {
		select {
		case <-time.After(settleEvery):
		case <-ctx.Done():
		}
		more, err := read()
		if err != nil {
			break
		}
		all = more
	}
	return breakdown.Merge(all), source, nil
}

// appendArray joins two JSON arrays.
func appendArray(all, more []byte) []byte {
	more = bytes.TrimSpace(more)
	if len(more) < 2 || more[0] != '[' || len(bytes.TrimSpace(more[1:len(more)-1])) == 0 {
		return all
	}
	if len(all) == 0 {
		return bytes.Clone(more)
	}
	return append(append(all[:len(all)-1], ','), more[1:]...)
}

// files reads what was added to the files of records since the run began.
func (s *serverReader) files() (all []breakdown.Record, err error) {
	names := recordFiles(s.wanted.Dir)
	if len(names) == 0 {
		return nil, fmt.Errorf("no file perf_metrics-*.jsonl in %s: the server's perf_metrics_output_dir must name this directory, and return_perf_metrics be true", s.wanted.Dir)
	}
	for _, name := range names {
		text, err := tail(name, s.sizes[name])
		if err != nil {
			return nil, err
		}
		records, _ := breakdown.Parse(text)
		all = append(all, records...)
	}
	return all, nil
}

// tail reads a file from a byte on, all of one that has become shorter, and of what is there
// only whole lines.
func tail(name string, from int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.Size() < from {
		from = 0
	}
	text, err := io.ReadAll(io.NewSectionReader(f, from, recordBytes))
	if err != nil {
		return nil, err
	}
	return text[:bytes.LastIndexByte(text, '\n')+1], nil
}

// recordBytes bounds what is read of one file.
const recordBytes = 1 << 30

// observeGPU begins to sample the GPUs if that is asked for.
func (b *Bench) observeGPU(ctx context.Context) (stop func() *gpu.Report) {
	if b.s.GPUMetrics == nil || b.o.ObserveGPU == nil {
		return func() *gpu.Report { return nil }
	}
	end := b.o.ObserveGPU(ctx, *b.s.GPUMetrics, b.client.Now)
	return func() *gpu.Report {
		r, err := end()
		if err != nil {
			text := err.Error()
			if url := *b.s.GPUMetrics; url != "" {
				text = client.HideURL(text, url)
			}
			b.keep(recording.Note{Code: "no_gpu_metrics", Text: "power and memory of the GPUs are not known: " + text})
		} else if *b.s.GPUMetrics != "" {
			r.Source = client.Redact(r.Source)
		}
		return r
	}
}
