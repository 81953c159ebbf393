package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/internal/fetch"
	"loadgen/internal/pyjson"
	"loadgen/internal/stream"
	"loadgen/internal/wire"
	"loadgen/pkg/dataset"
)

// Options say where requests go and what they hold.
type Options struct {
	// BaseURL is the server's, as the user wrote it: http://HOST:PORT, https://HOST or
	// unix:PATH. A user and password in it are sent as Basic authorization; a version
	// at its end (/v1) is not doubled.
	BaseURL string
	// Endpoint is the path that requests go to: /v1/completions when empty, for chat
	// /v1/chat/completions. For chat, one that does not end in chat/completions is
	// ignored, as the original ignores any.
	Endpoint     string
	Chat         bool
	NonStreaming bool
	// Model is the name sent in the body, nil for null.
	Model     *string
	Logprobs  *big.Int // nil for null
	IgnoreEOS bool
	// ContinuousUsage asks for the server's count with every event.
	ContinuousUsage bool
	// TopP, TopK, MinP and Temperature are sent when set.
	TopP, MinP, Temperature *float64
	TopK                    *big.Int
	// APIKey is sent as a bearer token: "None" without one.
	APIKey *string
	// Header holds further header lines; one of a standard name replaces it.
	Header [][2]string
	// Trace is a trace id of W3C Trace Context, 32 hexadecimal digits: each request to be
	// measured is a span of it by its header. "" sends none.
	Trace string
	// BodyPatch is a JSON merge patch (RFC 7386) applied to every body, "" for none.
	BodyPatch string
	// OriginalRules decide what is a failure; else the strict ones.
	OriginalRules bool
	KeepAlive     bool
	// Timeout bounds one request, IdleTimeout the wait for more of its answer; 0 is no bound.
	Timeout, IdleTimeout time.Duration
	Stamps               Stamps
	Transport            Transport
	// Reactors is how many threads share the connections that reactors carry, 0 for as many as
	// the load needs (docs/scale.md).
	Reactors int
	// Streams is how many requests may be under way at once, 0 for any number: stamps of
	// packets have room for so many.
	Streams int
	// Limits bound what an answer may hold.
	Limits Limits
	// UserAgent names the program.
	UserAgent string
	// Env looks up the variables that name proxies.
	Env func(string) string
	// Dial is the system's when nil.
	Dial DialFunc
	TLS  TLS
}

// Client sends requests. It is safe for concurrent use.
type Client struct {
	o Options
	address
	clock     wire.Clock
	transport wire.Transport
	stamps    *stamping
	patch     pyjson.Object
	proxy     *url.URL
	badURL    *Error
	fallback  error
	ignored   string    // the endpoint of the options, where it is not used
	secrets   secrets   // what must not be shown, even where a server repeats it
	scratch   sync.Pool // of *[]byte: bodies are built in one and kept at their size
	bytes     pages

	streams, chunks atomic.Int64 // requests under way, and events with choices that have come
}

// UnderWay is how many requests are under way, and how many events with choices have come
// of all since the client was made.
func (c *Client) UnderWay() (requests, chunks int64) { return c.streams.Load(), c.chunks.Load() }

// New returns a client.
func New(o Options) (*Client, error) {
	at, bad := parseBase(o.BaseURL)
	c := &Client{o: o, address: at, badURL: bad, clock: wire.NewClock(), stamps: &stamping{streams: o.Streams}}
	if c.o.Endpoint == "" {
		c.o.Endpoint = "/v1/completions"
	}
	if path, _, _ := strings.Cut(o.Endpoint, "?"); o.Chat && !strings.HasSuffix(path, "chat/completions") {
		c.ignored, c.o.Endpoint = o.Endpoint, "/v1/chat/completions"
	}
	c.secrets = at.secretsOf(&o)
	var err error
	if o.BodyPatch != "" {
		if c.patch, err = parsePatch(o.BodyPatch); err != nil {
			return nil, &Problem{Code: "body_patch", Err: err}
		}
	}
	if err = c.checkStamps(); err != nil {
		return nil, err
	}
	if c.o.Env == nil {
		c.o.Env = func(string) string { return "" }
	}
	if c.proxy, err = wire.ProxyFor(c.to, c.o.Env); err != nil {
		return nil, err
	}
	config, err := o.TLS.config()
	if err != nil {
		return nil, err
	}
	if err = c.openPackets(); err != nil {
		return nil, err
	}
	stamps := map[Stamps]wire.Stamps{AutoStamps: wire.AutoStamps, KernelStamps: wire.KernelStamps, UserStamps: wire.UserStamps, PacketStamps: wire.AutoStamps}[o.Stamps]
	c.transport, c.fallback, err = wire.New(wire.Kind(o.Transport), wire.Options{Clock: c.clock, Timeout: o.Timeout, IdleTimeout: o.IdleTimeout,
		Stamps: stamps, Env: c.o.Env, TLSConfig: config, Dial: o.Dial, Reactors: o.Reactors,
		Packets: c.stamps.packets, Late: c.stamps.late})
	if err != nil {
		c.closePackets()
		return nil, &Problem{Code: "transport", Err: fmt.Errorf("no %s transport: %w", o.Transport, err)}
	}
	return c, nil
}

// Now reads the clock that every instant of a Result is from.
func (c *Client) Now() time.Duration { return c.clock.Now() }

// ReadDelays are the times, in ns, from the kernel's arrival stamps to the reads.
func (c *Client) ReadDelays() *hdrhistogram.Histogram { return c.transport.ReadDelays() }

// Threads are those of the reactors, none where each connection has a goroutine.
func (c *Client) Threads() (all []Thread) {
	for _, t := range c.transport.Threads() {
		all = append(all, Thread(t))
	}
	return all
}

// Plain reports whether connections are of the kind that reactors carry: TCP without TLS and
// without a proxy.
func (c *Client) Plain() bool { return !c.to.TLS && c.to.Unix == "" && c.proxy == nil }

// Close ends the idle connections.
func (c *Client) Close() {
	c.transport.Close()
	c.closePackets()
}

// SetModel sets the model name that bodies hold.
func (c *Client) SetModel(name string) { c.o.Model = &name }

// ProxyURL is the proxy that requests go through, without its password, "" for none.
func (c *Client) ProxyURL() string {
	if c.proxy == nil {
		return ""
	}
	return Redact(c.proxy.String())
}

// Fallback is why plain connections are carried by a goroutine each and not by
// the reactor that was wanted, nil where it is there.
func (c *Client) Fallback() error {
	if c.o.Dial != nil {
		return nil
	}
	return c.fallback
}

// IgnoredEndpoint is the endpoint of the options where it is not used, as chat has its own.
func (c *Client) IgnoredEndpoint() string { return c.ignored }

// RequestURL is where requests are sent, without secrets, for messages.
func (c *Client) RequestURL() string { return c.shown(c.target(c.o.Endpoint)) }

// CheckEndpoint returns the original's complaint about the endpoint, if it has one.
func (c *Client) CheckEndpoint() error {
	path, _, _ := strings.Cut(c.o.Endpoint, "?")
	if !c.o.Chat && !strings.HasSuffix(path, "completions") && !strings.HasSuffix(path, "profile") {
		return errors.New("OpenAI Completions API URL must end with 'completions' or 'profile'.")
	}
	return nil
}

// Prepare builds a measured request, PrepareTest the one before them.
func (c *Client) Prepare(r dataset.Request) (*Prepared, error) { return c.prepare(r, !c.o.KeepAlive) }

// PrepareTest builds the test request.
func (c *Client) PrepareTest(r dataset.Request) (*Prepared, error) { return c.prepare(r, false) }

func (c *Client) prepare(r dataset.Request, closes bool) (*Prepared, error) {
	model := c.o.Model
	if r.LoRA != "" {
		model = &r.LoRA
	}
	p := &Prepared{Method: "POST", PromptLen: r.PromptLen, OutputLen: r.OutputLen}
	p.Target = c.target(c.o.Endpoint)
	var body pyjson.Object
	if c.o.Chat {
		body = c.chatBody(model, r)
	} else {
		body = c.completionsBody(model, r)
	}
	if c.patch != nil {
		body = mergePatch(body, c.patch)
	}
	p.readAsked(body)
	scratch, _ := c.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	*scratch = pyjson.Append((*scratch)[:0], body)
	p.Body = c.bytes.keep(*scratch)
	c.scratch.Put(scratch)
	c.setHeader(p, closes)
	return p, nil
}

// sampling appends the parameters that were given; a temperature replaces the
// one that every body has.
func (c *Client) sampling(body pyjson.Object) pyjson.Object {
	if c.o.TopP != nil {
		body = append(body, pyjson.Member{Key: "top_p", Value: *c.o.TopP})
	}
	if c.o.TopK != nil {
		body = append(body, pyjson.Member{Key: "top_k", Value: c.o.TopK})
	}
	if c.o.MinP != nil {
		body = append(body, pyjson.Member{Key: "min_p", Value: *c.o.MinP})
	}
	return body
}

func (c *Client) temperature() float64 {
	if c.o.Temperature != nil {
		return *c.o.Temperature
	}
	return 0
}

// setHeader renders a request's head.
func (c *Client) setHeader(p *Prepared, closes bool) {
	host := c.base.Host
	if c.base.Scheme == "http" {
		host = strings.TrimSuffix(host, ":80")
	} else {
		host = strings.TrimSuffix(host, ":443")
	}
	lines := append(make([][2]string, 0, 8), [][2]string{{"Host", host}, {"User-Agent", c.o.UserAgent}, {"Accept", "*/*"}}...)
	switch {
	case c.auth != "":
		lines = append(lines, [2]string{"Authorization", c.auth})
	case p.Method != "POST":
	case c.o.APIKey != nil:
		lines = append(lines, [2]string{"Authorization", "Bearer " + *c.o.APIKey})
	default:
		lines = append(lines, [2]string{"Authorization", "Bearer None"})
	}
	if p.Method == "POST" {
		lines = append(lines, [2]string{"Content-Type", "application/json"}, [2]string{"Content-Length", strconv.Itoa(len(p.Body))})
	}
	if closes {
		lines = append(lines, [2]string{"Connection", "close"})
	}
	if c.o.Trace != "" && p.Method == "POST" {
		lines = append(lines, [2]string{"traceparent", fmt.Sprintf("00-%s-%016x-01", c.o.Trace, 1+rand.Uint64N(math.MaxUint64))}) // an id of 0 is none
	}
	for _, given := range c.o.Header { // instead of those of the same name
		lines = slices.DeleteFunc(lines, func(l [2]string) bool { return strings.EqualFold(l[0], given[0]) })
	}
	lines = append(lines, c.o.Header...)
	var room [512]byte
	p.head = c.bytes.keep(wire.AppendRequestHead(room[:0], p.Method, p.Target, lines))
}

// Do sends a request and fills in its timeline. It returns when the answer is
// over or ctx is.
func (c *Client) Do(ctx context.Context, p *Prepared, r *Result) {
	defer c.begin()()
	o := stream.Options{Live: &c.chunks, Streaming: !c.o.NonStreaming, Reuse: c.o.KeepAlive, Choices: p.number, CancelAfter: p.cancelTokens, Limits: c.o.Limits.of(p)}
	if c.o.Chat {
		o.API = stream.Chat
	}
	if c.o.OriginalRules {
		o.Mode = stream.Original
	}
	if c.o.Model != nil {
		o.Model = *c.o.Model
	}
	c.do(ctx, p, r, o)
	if r.Err == nil && !c.o.OriginalRules {
		r.Err = contradiction(p, r)
	}
}

// contradiction is why a whole answer cannot be one to this request, nil if it can.
func contradiction(p *Prepared, r *Result) *Error {
	if why := r.ContradictsCount(p.asked * max(p.generated, 1)); why != "" {
		return &Error{Class: ImpossibleCount, Message: string(ImpossibleCount) + ": " + why}
	}
	// Of a connection used before, the transport sees to it. The request is written when the
	// connection is ready, and its answer comes a round trip later.
	if r.KernelStamps && !r.Reused && 0 < r.FirstByte && r.FirstByte < r.Connect {
		return &Error{Class: wire.Unsolicited, Message: string(wire.Unsolicited) + ": the server had sent an answer before this request, when the connection was made"}
	}
	return nil
}

func (c *Client) do(ctx context.Context, p *Prepared, r *Result, o stream.Options) {
	if c.badURL != nil {
		r.Start = c.clock.Now()
		r.End, r.Err, r.OriginalFailed = r.Start, c.badURL, true
		return
	}
	var at *url.URL
	x := &wire.Exchange{To: c.to, Head: p.head, Body: p.Body, Fresh: !c.o.KeepAlive, DropAfter: p.cancelAfter, Drop: errCancelled}
	for hop := 0; ; hop++ {
		// Room for what is expected: growing while streams run would cost time then.
		r.Answer = stream.Answer{Events: make([]Event, 0, min(max(p.OutputLen, 0)+4, 1024)), Text: make([]byte, 0, min(max(p.OutputLen, 0)*6, 4096))}
		x.Sink = stream.NewDecoder(o, &r.Answer)
		c.transport.Do(ctx, x)
		r.Start = cmp.Or(r.Start, x.Start) // the first one's
		r.Resent += x.Resent
		if o.Raw || !redirected(&r.Answer) {
			break
		}
		if at == nil {
			at = c.location(p)
		}
		next, err := destination(at, r.Location)
		if err == nil && hop+1 == fetch.MostRedirects {
			err = fmt.Errorf("%d of them", fetch.MostRedirects)
		}
		if err != nil {
			r.Err = &Error{Class: "redirects", Message: "redirects: " + err.Error(), Exception: true}
			break
		}
		p = follow(p, r.Status, at, next)
		at = next
		x = &wire.Exchange{To: c.endpoint(next), Head: p.head, Body: p.Body, Fresh: !c.o.KeepAlive, DropAfter: left(x, c.clock.Now()), Drop: errCancelled}
	}
	r.Location = cmp.Or(r.Location, led(at))
	r.Connect, r.Written, r.Reused, r.KernelStamps, r.SYNRetransmits = x.Connect, x.Written, x.Reused, x.KernelStamps, x.SYNRetransmits
	r.ConnectLate, r.MinRTT, r.Retransmits, r.Ended = x.ConnectLate, x.MinRTT, x.Retransmits, x.Ended
	r.End = c.clock.Now()
	c.secrets.hide(r)
}
