package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"loadgen/internal/judge"
	"loadgen/internal/load"
	"loadgen/internal/result"
	"loadgen/internal/timeline"
	"loadgen/internal/tokenizer"
	"loadgen/internal/trtsim"
	"loadgen/internal/wire"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
	"loadgen/pkg/metrics"
	"loadgen/pkg/report"
)

// plan is everything about a run that is settled before its first request.
type plan struct {
	cfg  *config
	s    streams
	dial wire.DialFunc    // nil for the system's
	now  func() time.Time // the calendar's, for dates and names

	notes    []judge.Finding // of what came up before the run
	baseURL  string
	model    string // "" in a dry run without a server
	tok      *tokenizer.Tokenizer
	client   *client.Client
	test     *client.Prepared   // the test request and the profiler's body: prompt 0, no LoRA name
	requests []*client.Prepared // the measured requests
	prompts  string             // what tells their prompts from others
	arrivals []float64          // their due times and the end of the schedule, in seconds as drawn
	due      []time.Duration    // the same on the clock
	end      time.Duration
	metadata [][2]string
	selected []metrics.Metric
	server   func() *result.Server // what is known of the server after the run, nil where it is not asked
	timeline *timeline.Writer      // of --save-timeline, while the run lasts
	stopSim  func() error
}

// settle settles a run in the original's order: seed, tokenizer, data set, the
// flags that are checked after them. The plan must be closed, whatever it returns.
func (p *plan) settle(ctx context.Context) error {
	p.assume()
	err := p.findServer(ctx)
	if p.cfg.DryRun { // before anything else can fail
		p.printSettings()
	}
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		func(context.Context) error { return p.cfg.checkSeed() },
		func(context.Context) error { return p.findTokenizer() },
		p.makeRequests,
		func(context.Context) error { return p.cfg.checkBeforeTest() },
		func(context.Context) error { return p.checkResult() },
	} {
		if err := step(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if p.cfg.DryRun {
		return p.printRequests()
	}
	return nil
}

// close stops what the plan started.
func (p *plan) close() {
	if p.timeline != nil { // the run did not come to its end
		if err := p.timeline.Close(nil); err != nil {
			p.note("--save-timeline: %v", err)
		}
	}
	if p.client != nil {
		p.client.Close()
	}
	if p.stopSim != nil {
		if err := p.stopSim(); err != nil {
			fmt.Fprintf(p.s.err, "loadgen: the simulator did not stop cleanly: %v\n", err)
		}
	}
}

// note tells something on stderr.
func (p *plan) note(format string, args ...any) {
	fmt.Fprintf(p.s.err, "loadgen: "+format+"\n", args...)
}

// findServer starts the simulator if asked for, waits until the server is
// ready if asked to, and asks it for the model where none was named.
func (p *plan) findServer(ctx context.Context) (err error) {
	cfg := p.cfg
	switch {
	case cfg.Sim != nil && !cfg.DryRun:
		if p.baseURL, p.stopSim, err = startSim(ctx, *cfg.Sim, p.s.err); err != nil {
			return err
		}
	case cfg.Sim != nil:
		p.baseURL = "http://127.0.0.1:8000" // nothing is started in a dry run
	case cfg.BaseURL != nil:
		p.baseURL = *cfg.BaseURL
	default:
		p.baseURL = "http://" + hostPort(cfg.Host, cfg.Port)
	}
	p.model = str(cfg.Model)
	if p.client, err = client.New(p.clientOptions()); err != nil {
		return err
	}
	if proxy := p.client.ProxyURL(); proxy != "" {
		p.note("requests go through the proxy %s, as the environment says", proxy)
	}
	if why := p.client.Fallback(); why != nil {
		p.remark("no_reactor", "each stream has a goroutine of its own, so that many streams at once are stamped late: %v", why)
	}
	if cfg.WaitReady > 0 && !cfg.DryRun {
		if err := p.client.WaitReady(ctx, durationOf(cfg.WaitReady)); err != nil {
			return err
		}
	}
	if cfg.Model != nil {
		return nil
	}
	model := trtsim.DefaultModel // which the simulator would name
	if cfg.Sim == nil || !cfg.DryRun {
		model, err = p.client.Model(ctx)
	}
	switch {
	case err == nil:
		p.note("model %s, as the server says", model)
		p.model = model
		if str(cfg.ServedModelName) == "" {
			p.client.SetModel(model)
		}
	case cfg.DryRun:
		p.note("no model: %v", err)
		err = nil
	}
	return err
}

// hostPort joins a host, bracketed or not, and a port.
func hostPort(host string, port int) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func (p *plan) clientOptions() client.Options {
	cfg := p.cfg
	o := client.Options{
		BaseURL:         p.baseURL,
		Endpoint:        cfg.Endpoint,
		Chat:            cfg.chat(),
		NonStreaming:    cfg.NonStreaming,
		Model:           cfg.Model,
		Logprobs:        cfg.Logprobs,
		IgnoreEOS:       cfg.IgnoreEOS,
		ContinuousUsage: cfg.ContinuousUsage,
		TopP:            cfg.TopP,
		TopK:            cfg.TopK,
		MinP:            cfg.MinP,
		Temperature:     cfg.Temperature,
		BodyPatch:       str(cfg.BodyPatch),
		OriginalRules:   cfg.Failures == "original",
		KeepAlive:       cfg.KeepAlive,
		Timeout:         durationOf(cfg.Timeout),
		IdleTimeout:     durationOf(cfg.IdleTimeout),
		UserAgent:       "loadgen/" + versionText(),
		Transport:       wire.Kind(cfg.Transport),
		Env:             p.s.env,
		Dial:            p.dial,
		Stamps:          map[string]wire.Stamps{"kernel": wire.KernelStamps, "user": wire.UserStamps}[cfg.Timestamps],
	}
	if str(cfg.ServedModelName) != "" {
		o.Model = cfg.ServedModelName
	}
	if key, set := p.s.lookup("OPENAI_API_KEY"); set { // empty is not the same as unset
		o.APIKey = &key
	}
	if cfg.Header != nil {
		o.Header = splitHeaders(*cfg.Header)
	}
	return o
}

// findTokenizer loads the tokenizer that the flags name. For a model that the
// server named, or a path of its machine to a Llama 3, the built-in one stands in
// where there is no other.
func (p *plan) findTokenizer() (err error) {
	name := str(p.cfg.Tokenizer)
	if name == "" {
		name = p.model
	}
	p.tok, err = tokenizer.Find(name, p.s.env)
	if errors.Is(err, tokenizer.ErrNotFound) && p.cfg.Tokenizer == nil && (p.cfg.Model == nil || tokenizer.IsLlama3(name)) {
		p.tok, err = tokenizer.Llama3(), nil
		of := "the model, which is not known"
		if name != "" {
			of = strconv.Quote(name) + " here"
		}
		p.remark("tokenizer_assumed", "no tokenizer for %s: the built-in Llama-3 vocabulary stands in, so the server may count other prompt lengths; --tokenizer PATH names the right one", of)
	}
	return err
}

// makeRequests draws the data set, the LoRA names and the schedule, and builds
// every request's bytes.
func (p *plan) makeRequests(ctx context.Context) error {
	set, err := p.dataset(ctx)
	if err != nil {
		return err
	}
	if len(set.Requests) > 0 {
		if p.test, err = p.client.PrepareTest(set.Requests[0]); err != nil {
			return err
		}
	}
	if p.cfg.LoRAModules != nil {
		set.DrawLoRA(*p.cfg.LoRAModules)
	}
	p.prompts = set.Digest()
	p.requests = make([]*client.Prepared, len(set.Requests))
	for i, r := range set.Requests {
		if p.requests[i], err = p.client.Prepare(r); err != nil {
			return err
		}
		set.Requests[i] = dataset.Request{} // its body holds all of it
	}
	if len(p.requests) > 0 && p.requests[0].PromptLen <= 0 {
		p.note("the first prompt is %d tokens long: a server may reject it (--random-input-len)", p.requests[0].PromptLen)
	}
	if n := p.cfg.NumPrompts - len(p.requests); n > 0 {
		p.note("the data set gives %d requests, %d fewer than --num-prompts asks for", len(p.requests), n)
	}
	return nil
}

// schedule draws the arrivals, once their flags have been checked.
func (p *plan) schedule() {
	p.arrivals = load.Arrivals(len(p.requests), p.cfg.RequestRate, p.cfg.Burstiness, uint32(p.cfg.Seed))
	p.due, p.end = load.Schedule(p.arrivals)
}

// dataset draws the prompts.
func (p *plan) dataset(ctx context.Context) (*dataset.Set, error) {
	cfg := p.cfg
	if err := cfg.checkDataset(); err != nil {
		return nil, err
	}
	if cfg.DatasetName == "trtllm_custom" {
		return dataset.Custom(ctx, p.tok, str(cfg.DatasetPath), cfg.NumPrompts, uint32(cfg.Seed))
	}
	return dataset.Random(ctx, p.tok, dataset.RandomOptions{
		NumPrompts: cfg.NumPrompts, InputLen: cfg.RandomInputLen, OutputLen: cfg.RandomOutputLen,
		PrefixLen: cfg.RandomPrefixLen, RangeRatio: cfg.RandomRangeRatio, IDs: cfg.RandomIDs,
		TokenizeOnClient: cfg.TokenizeOnClient, Seed: uint32(cfg.Seed), Path: str(cfg.DatasetPath),
	})
}

// checkResult reads the flags of the result and proves that it can be written.
func (p *plan) checkResult() error {
	var said, odd []string
	var err error
	if p.metadata, said, err = p.cfg.metadata(); err != nil {
		return err
	}
	p.selected, odd = p.cfg.selectedMetrics()
	for _, text := range append(said, odd...) {
		p.note("%s", text)
	}
	if p.cfg.TimeBreakdown {
		p.note("--save-request-time-breakdown: the server's time breakdown is not saved: it has no counterpart here")
	}
	if p.cfg.DryRun {
		return nil
	}
	if path := str(p.cfg.SaveTimeline); path != "" {
		if err := report.ProveWritable(path); err != nil {
			return fmt.Errorf("--save-timeline: %w", err)
		}
	}
	if p.cfg.SaveResult {
		path := p.resultPath("x.json")
		if report.Special(path) {
			return nil
		}
		return withPathHint(cmp.Or(report.ProveWritable(path), report.ProveWritable(hdrPath(path))))
	}
	return nil
}

// withPathHint names the flag that a result's path comes from.
func withPathHint(err error) error {
	var path *report.PathError
	switch {
	case !errors.As(err, &path):
		return err
	case path.IsDir:
		return fmt.Errorf("%w (--result-filename)", err)
	}
	return fmt.Errorf("%w (--result-dir)", err)
}

// resultPath is where the result goes; name is what it is called unless the flags say.
func (p *plan) resultPath(name string) string {
	if given := str(p.cfg.ResultFilename); given != "" {
		name = given
	}
	if dir := str(p.cfg.ResultDir); dir != "" && !filepath.IsAbs(name) {
		return filepath.Join(dir, name)
	}
	return name
}

// splitHeaders reads NAME:VALUE lines, which have been checked.
func splitHeaders(lines []string) (out [][2]string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		out = append(out, [2]string{name, strings.TrimSpace(value)})
	}
	return out
}
