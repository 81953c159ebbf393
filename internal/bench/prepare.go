package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"loadgen/internal/recording"
	"loadgen/internal/trtsim"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// Connect makes the client, and asks the server for the model where none was named, once it is
// ready if that is to be waited for. A server of a named model is waited for when it is needed:
// what is wrong with the prompts shows before a wait of half an hour. In a dry run nothing is
// waited for, and a server need not be there.
func (b *Bench) Connect(ctx context.Context) (err error) {
	s := b.s
	switch {
	case b.o.BaseURL != "":
	case s.BaseURL != nil:
		b.o.BaseURL = *s.BaseURL
	default:
		b.o.BaseURL = "http://" + hostPort(s.Host, s.Port)
	}
	b.urls = client.SplitURLs(b.o.BaseURL)
	b.model = recording.Text(s.Model)
	o, err := b.clientOptions()
	if err != nil {
		return err
	}
	if b.client, err = client.New(o); err != nil {
		return err
	}
	b.noteAccess()
	if proxy := b.client.ProxyURL(); proxy != "" {
		b.say(recording.Note{Code: "proxy", Text: fmt.Sprintf("requests go through the proxy %s, as the environment says", proxy)})
	}
	if why := b.client.Fallback(); why != nil {
		b.keep(recording.Note{Code: "no_reactor", Text: fmt.Sprintf("each stream has its own goroutine, so timestamps are late when many streams run at once: %v", why)})
	}
	b.noteReactors(o.Reactors)
	if s.Model == nil {
		if err := b.findModel(ctx); err != nil {
			return err
		}
	}
	return b.connectAll(ctx, b.model)
}

// askLimit is how soon a server that is ready names its model.
const askLimit = 2 * time.Second

// inspect reads the data set's file, unless the server is ready and named its model: then
// nothing has to be waited for, and the file is read for the prompts.
func (b *Bench) inspect(ctx context.Context) (model string, err error) {
	path := recording.Text(b.s.DatasetPath)
	if path == "" || b.s.DryRun {
		return "", nil
	}
	soon, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if model, err = b.client.Model(soon); err == nil {
		return model, nil
	}
	b.wait("reading the data set "+path, 0)
	defer b.wait("", 0)
	return "", CheckDataset(ctx, b.s)
}

// findModel asks the server for the model, as none was named.
func (b *Bench) findModel(ctx context.Context) error {
	s := b.s
	model, err := b.inspect(ctx)
	if err == nil {
		err = b.awaitServer(ctx)
	}
	switch {
	case err != nil:
		return err
	case s.Sim != nil && s.DryRun:
		model = trtsim.DefaultModel // which the simulator would name
	case model == "":
		model, err = b.client.Model(ctx)
	}
	switch {
	case err == nil:
		b.say(recording.Note{Code: "model", Text: fmt.Sprintf("model %s, as the server says", model)})
		b.model = model
		if recording.Text(s.ServedModelName) == "" {
			b.client.SetModel(model)
		}
	case s.DryRun:
		b.say(recording.Note{Code: "no_model", Text: fmt.Sprintf("no model: %v", err)})
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

func (b *Bench) clientOptions() (client.Options, error) {
	s := b.s
	o := client.Options{
		BaseURL:         b.urls[0],
		Endpoint:        s.Endpoint,
		Chat:            s.Chat(),
		NonStreaming:    s.NonStreaming,
		Model:           s.Model,
		Logprobs:        s.Logprobs,
		IgnoreEOS:       s.IgnoreEOS,
		ContinuousUsage: s.ContinuousUsage,
		TopP:            s.TopP,
		TopK:            s.TopK,
		MinP:            s.MinP,
		Temperature:     s.Temperature,
		BodyPatch:       recording.Text(s.BodyPatch),
		OriginalRules:   s.Failures == "original",
		KeepAlive:       s.KeepAlive,
		Timeout:         recording.Seconds(s.Timeout),
		IdleTimeout:     recording.Seconds(s.IdleTimeout),
		UserAgent:       "loadgen/" + b.o.Version,
		Transport:       client.Transport(s.Transport),
		Env:             b.env,
		Dial:            b.o.Dial,
		Streams:         s.MostAtOnce(),
		TLS:             tlsOf(s),
		Stamps:          stampsOf(s),
	}
	if recording.Text(s.ServedModelName) != "" {
		o.Model = s.ServedModelName
	}
	if s.Traceparent {
		o.Trace = fmt.Sprintf("%016x%016x", rand.Uint64()|1, rand.Uint64())
		b.keep(recording.Note{Code: "traced", Text: "the requests' trace is " + o.Trace})
	}
	if s.Header != nil {
		o.Header = recording.Headers(*s.Header)
	}
	var err error
	if o.Reactors, err = s.ReactorCount(); err != nil {
		return o, err
	}
	o.APIKey, err = b.apiKey()
	return o, err
}

// Prepare settles a run in the original's order: seed, tokenizer, data set, the settings
// that are checked after them. Every request's bytes are built.
func (b *Bench) Prepare(ctx context.Context) error {
	var err error
	if b.shape, err = shapeOf(b.s); err != nil {
		return err
	}
	if err := b.checkShares(); err != nil {
		return err
	}
	if b.cancel, err = b.s.Cancellation(); err != nil {
		return err
	}
	b.wait(fmt.Sprintf("preparing the prompts of %d requests", b.distinct()), 0)
	defer b.wait("", 0)
	for _, step := range []func(context.Context) error{
		b.agreeOnSettings,
		func(context.Context) error { return checkSeed(b.s) },
		b.findTokenizer,
		b.makeRequests,
		b.prepareProbe,
		func(context.Context) error { return checkBeforeTest(b.s) },
		b.awaitServers,
		b.agreeOnPrompts,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		if err := stopped(ctx); err != nil {
			return err
		}
	}
	return nil
}

// makeRequests draws the data set and the LoRA names, and builds every request's bytes.
func (b *Bench) makeRequests(ctx context.Context) error {
	set, err := b.loadDataset(ctx)
	if err != nil {
		return err
	}
	for _, text := range set.Notes {
		b.keep(recording.Note{Code: "dataset", Text: "data set: " + text})
	}
	b.salt(set)
	b.plan(set)
	request := func(i int) dataset.Request {
		r := set.At(i)
		if b.turns != nil { // until the server replies, the history has the recorded replies
			r.Messages = set.Chat(i, func(k int) string { return set.Requests[k].Conversation.Reply })
		}
		return r
	}
	if err := b.measureTemplate(ctx, request, set.Len()); err != nil {
		return err
	}
	if err := b.verify(ctx, set, request); err != nil {
		return err
	}
	if set.Len() > 0 {
		if b.test, err = b.client.PrepareTest(request(0)); err != nil {
			return err
		}
	}
	if b.s.LoRAModules != nil {
		set.DrawLoRA(*b.s.LoRAModules)
	}
	if err := b.build(ctx, set, request); err != nil {
		return err
	}
	if len(b.planned) > 0 && b.planned[0].PromptLen <= 0 {
		b.say(recording.Note{Code: "empty_prompt", Hint: "random_input_len",
			Text: fmt.Sprintf("the first prompt is %d tokens long: a server may reject it", b.planned[0].PromptLen)})
	}
	if n := b.distinct() - len(b.planned); n > 0 && !(ownTimes(b.s) && b.s.Timed()) {
		b.say(recording.Note{Code: "few_prompts", Hint: "num_prompts",
			Text: fmt.Sprintf("the data set gives %d requests, %d fewer than requested", len(b.planned), n)})
	}
	return nil
}

// build builds every request's bytes.
func (b *Bench) build(ctx context.Context, set *dataset.Set, request func(i int) dataset.Request) error {
	b.wait(fmt.Sprintf("preparing %d requests", set.Len()), 0)
	defer b.wait("", 0)
	b.requests = requests{client: b.client, most: b.o.Memory, whole: b.turns != nil}
	b.planned = make([]recording.Planned, set.Len())
	digest := dataset.NewDigest()
	for i := range b.planned {
		if err := stopped(ctx); err != nil {
			return err
		}
		r := set.At(i)
		digest.Add(r) // without the replies before it
		if b.turns != nil {
			r = request(i)
		}
		turn := b.turn(i)
		b.planned[i] = recording.Planned{PromptLen: r.PromptLen, OutputLen: r.OutputLen, Conversation: turn.Conversation, Turn: turn.Number, Think: turn.Think}
		if b.isStored(i) {
			p, err := b.client.Prepare(r)
			if err != nil {
				return err
			}
			if err := b.requests.add(p); err != nil {
				return err
			}
			if turn.Number > 0 && !b.s.DryRun {
				p.Release() // it is built again when the replies are there
			}
		}
		if b.turns == nil {
			set.Forget(i) // its body holds all of it
		}
	}
	b.prompts = digest.Sum()
	return b.requests.done()
}
