package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"runtime"
	"strings"
	"time"

	"loadgen/internal/argparse"
	"loadgen/internal/health"
	"loadgen/internal/judge"
	"loadgen/internal/load"
	"loadgen/internal/pyjson"
	"loadgen/internal/result"
	"loadgen/internal/timeline"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/client"
	"loadgen/pkg/report"
)

// timelineHeader is what a timeline file knows before the run.
type timelineHeader struct {
	Date      time.Time       `json:"date"`
	Version   string          `json:"version"`
	Go        string          `json:"go"`
	Machine   json.RawMessage `json:"machine"`
	Effective json.RawMessage `json:"effective"` // the flags
	Model     string          `json:"model"`
	Tokenizer *string         `json:"tokenizer"` // as given
	Metadata  [][2]string     `json:"metadata"`
	Planned   int             `json:"planned"` // requests
	Prompts   string          `json:"prompts"` // their digest
	Notes     []judge.Finding `json:"notes"`
}

// timelineEnd is what it knows after the run.
type timelineEnd struct {
	Date          time.Time             `json:"date"`
	Start         time.Duration         `json:"start_ns"`
	Elapsed       time.Duration         `json:"elapsed_ns"`
	Interrupted   bool                  `json:"interrupted"`
	Health        health.Report         `json:"health"`
	Before, After *client.EnergyReading `json:",omitempty"`
	Server        *client.ServerMetrics `json:"server"`
	Notes         []judge.Finding       `json:"notes"`
}

// beginTimeline creates the file of --save-timeline.
func (p *plan) beginTimeline() (err error) {
	path := str(p.cfg.SaveTimeline)
	if path == "" {
		return nil
	}
	notes, err := json.Marshal(p.notes)
	if err != nil {
		return err
	}
	metadata := []any{}
	for _, m := range p.metadata {
		metadata = append(metadata, []string{m[0], m[1]})
	}
	header := pyjson.Append(nil, pyjson.Object{
		{Key: "date", Value: p.now().Format(time.RFC3339Nano)},
		{Key: "version", Value: versionText()},
		{Key: "go", Value: runtime.Version()},
		{Key: "machine", Value: result.ObjectOf(machine())},
		{Key: "effective", Value: p.effective()},
		{Key: "model", Value: p.model},
		{Key: "tokenizer", Value: p.cfg.Tokenizer},
		{Key: "metadata", Value: metadata},
		{Key: "planned", Value: len(p.requests)},
		{Key: "prompts", Value: p.prompts},
		{Key: "notes", Value: pyjson.Raw(notes)},
	})
	if p.timeline, err = timeline.Create(path, header); err != nil {
		return fmt.Errorf("--save-timeline: %w", err)
	}
	return nil
}

// keepTimeline keeps a request that is done.
func (p *plan) keepTimeline(i int, r *client.Result) {
	if p.timeline == nil {
		return
	}
	p.timeline.Add(timeline.Request{Index: i, PromptLen: p.requests[i].PromptLen, OutputLen: p.requests[i].OutputLen, Result: r})
}

// endTimeline writes what is known after the run.
func (p *plan) endTimeline(m *measured) error {
	if p.timeline == nil {
		return nil
	}
	end, err := json.Marshal(timelineEnd{Date: m.ended, Start: m.Start, Elapsed: m.elapsed, Interrupted: m.Interrupted, Health: m.health,
		Before: m.before, After: m.after, Server: m.server, Notes: p.notes})
	if err == nil {
		err = p.timeline.Close(end)
	}
	if p.timeline = nil; err == nil {
		p.note("wrote %s", *p.cfg.SaveTimeline)
	}
	return err
}

// recompute makes a run's result of its timeline file.
func recompute(name string, in io.Reader, s streams) (*report.Stored, error) {
	f, err := timeline.Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var h timelineHeader
	if err := json.Unmarshal(f.Header, &h); err != nil {
		return nil, fmt.Errorf("%s: its header: %w", name, err)
	}
	p := &plan{
		cfg:      newConfig(),
		model:    h.Model,
		prompts:  h.Prompts,
		metadata: h.Metadata,
		notes:    h.Notes,
		s:        streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard, lookup: s.lookup},
	}
	if err := p.cfg.restore(h.Effective); err != nil {
		return nil, fmt.Errorf("%s: its header: %w", name, err)
	}
	p.baseURL = str(p.cfg.BaseURL)
	p.selected, _ = p.cfg.selectedMetrics()
	if p.tok, err = tokenizer.Find(str(p.cfg.Tokenizer), s.env); err != nil {
		p.tok = tokenizer.Llama3()
		p.remark("tokenizer_assumed", "the run's tokenizer %q is not here: texts that the server did not count are counted with Llama 3's", str(p.cfg.Tokenizer))
	}
	p.cfg.Tokenizer = h.Tokenizer
	m, err := p.restoreRun(f, &h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r, j, err := p.compute(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	own := p.loadgenObject(m, r, j)
	own.Version, own.Go = h.Version, h.Go
	if err := errors.Join(result.ParseSection(h.Machine, own.Machine), result.ParseSection(h.Effective, &own.Effective)); err != nil {
		return nil, fmt.Errorf("%s: its header: %w", name, err)
	}
	file := newFile(r)
	file.Loadgen = own
	saved := file.Append(nil)
	addDetails(file, r)
	return report.Recomputed(name, file.Append(nil), saved)
}

// restoreRun puts a run together from its records. One that was ended before its
// end is an interrupted one.
func (p *plan) restoreRun(f *timeline.File, h *timelineHeader) (*measured, error) {
	var end timelineEnd
	planned := h.Planned
	if f.End != nil {
		if err := json.Unmarshal(f.End, &end); err != nil {
			return nil, fmt.Errorf("its end: %w", err)
		}
		p.notes = end.Notes
	} else {
		end.Interrupted = true
		for i, q := range f.Requests {
			if end.Elapsed = max(end.Elapsed, q.Result.End); i == 0 || q.Result.Due < end.Start {
				end.Start = q.Result.Due
			}
		}
		end.Elapsed -= end.Start
		end.Date = h.Date.Add(end.Elapsed)
		p.remark("timeline_torn", "loadgen was ended before the run was: %d of %d requests are there, %d bytes are no whole record, and the verdict knows nothing of the machine", len(f.Requests), planned, f.Lost)
	}
	if planned < 0 || planned > 1<<28 {
		return nil, fmt.Errorf("%w: %d requests were planned", timeline.ErrFormat, planned)
	}
	m := &measured{
		Outcome: load.Outcome{Start: end.Start, Results: make([]client.Result, planned), Sent: make([]bool, planned), Interrupted: end.Interrupted},
		ended:   end.Date,
		elapsed: end.Elapsed,
		health:  end.Health,
		before:  end.Before,
		after:   end.After,
		server:  end.Server,
	}
	p.requests = make([]*client.Prepared, planned)
	for i := range p.requests {
		p.requests[i] = &client.Prepared{}
	}
	for _, q := range f.Requests {
		if q.Index < 0 || q.Index >= planned || m.Sent[q.Index] {
			return nil, fmt.Errorf("%w: request %d of %d", timeline.ErrFormat, q.Index, planned)
		}
		m.Results[q.Index], m.Sent[q.Index] = *q.Result, true
		p.requests[q.Index] = &client.Prepared{PromptLen: q.PromptLen, OutputLen: q.OutputLen}
	}
	return m, nil
}

// restore sets the flags to what a result or a timeline says they were.
func (c *config) restore(text json.RawMessage) error {
	var effective map[string]any
	if err := json.Unmarshal(text, &effective); err != nil {
		return err
	}
	for _, f := range c.table {
		value := effective[destination(f.Name)]
		if value == nil || f.Name == "--header" { // whose secrets are masked
			continue
		}
		v, err := restored(f.Kind, value)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		assign(f.bind(c), v)
	}
	return nil
}

// restored is a flag's value as the command line would have given it.
func restored(kind argparse.Kind, value any) (any, error) {
	switch v := value.(type) {
	case bool:
		if kind == argparse.Switch {
			return v, nil
		}
	case string:
		switch {
		case kind == argparse.String:
			return v, nil
		case kind == argparse.Float && v == "inf":
			return math.Inf(1), nil
		case kind == argparse.Float && v == "-inf":
			return math.Inf(-1), nil
		case kind == argparse.Float && v == "nan":
			return math.NaN(), nil
		}
	case float64:
		switch kind {
		case argparse.Float:
			return v, nil
		case argparse.Int:
			return big.NewInt(int64(v)), nil
		}
	case []any:
		if kind == argparse.List || kind == argparse.ListSome {
			out := make([]string, len(v))
			for i := range v {
				out[i], _ = v[i].(string)
			}
			return out, nil
		}
	}
	return nil, errors.New("its value is of another kind")
}
