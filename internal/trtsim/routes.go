package trtsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"loadgen/internal/pyjson"
)

const jsonType = "application/json"

// handler is a route: since which dialect, by which methods, and what it answers.
type handler struct {
	age    int
	method string
	handle func(ctx context.Context, s *Server, req *fasthttp.Request, a *answer)
}

// text answers with the same words every time.
func text(status int, contentType, body string) func(context.Context, *Server, *fasthttp.Request, *answer) {
	return func(_ context.Context, _ *Server, _ *fasthttp.Request, a *answer) {
		a.whole(status, contentType, []byte(body))
	}
}

// routes by path. /sim/ is not the real server's: it is the simulator's own.
var routes = map[string]handler{
	"/health":             {0, "GET", health("")},
	"/health_generate":    {0, "GET", health("Generation health check OK")},
	"/version":            {0, "GET", version},
	"/v1/models":          {0, "GET", models},
	"/metrics":            {0, "GET", iterations},
	"/perf_metrics":       {0, "GET", perfMetrics},
	"/prometheus/metrics": {0, "GET", prometheus},
	"/kv_cache_events":    {0, "POST", text(200, jsonType, "[]")},
	"/steady_clock_offset": {1, "GET POST", func(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
		now := s.now().Seconds()
		a.whole(200, jsonType, fmt.Appendf(nil, `{"receive_ts":%f,"transmit_ts":%f}`, now, now))
	}},
	"/energy_metrics":     {2, "GET", energy},
	"/start_profile":      {2, "POST", profiling(true, "started")},
	"/stop_profile":       {2, "POST", profiling(false, "stopped")},
	"/_internal/tokenize": {2, "POST", tokenize},
	"/v1/completions": {0, "POST", func(ctx context.Context, s *Server, req *fasthttp.Request, a *answer) {
		s.generate(ctx, req.Body(), a, false, string(req.Header.Peek(FaultHeader)))
	}},
	"/v1/chat/completions": {0, "POST", func(ctx context.Context, s *Server, req *fasthttp.Request, a *answer) {
		s.generate(ctx, req.Body(), a, true, string(req.Header.Peek(FaultHeader)))
	}},
	"/sim/truth": {0, "GET", func(_ context.Context, s *Server, req *fasthttp.Request, a *answer) {
		a.json(s.truth.json(req.URI().QueryArgs().GetUintOrZero("last")))
	}},
	"/sim/truth/reset": {0, "POST", func(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
		s.truth.reset()
		a.whole(200, jsonType, []byte("{}"))
	}},
}

// route answers one request.
func (s *Server) route(ctx context.Context, req *fasthttp.Request, a *answer) {
	switch h, ok := routes[string(req.URI().PathOriginal())]; {
	case !ok || h.age > s.o.Dialect.age:
		a.whole(404, jsonType, []byte(`{"detail":"Not Found"}`))
	case !slices.Contains(strings.Fields(h.method), string(req.Header.Method())):
		a.whole(405, jsonType, []byte(`{"detail":"Method Not Allowed"}`))
	default:
		h.handle(ctx, s, req, a)
	}
}

// profiling starts or stops the profiler, which runs once at a time.
func profiling(on bool, done string) func(context.Context, *Server, *fasthttp.Request, *answer) {
	return func(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
		if !s.profiling.CompareAndSwap(!on, on) {
			a.whole(409, jsonType, fmt.Appendf(nil, `{"success":false,"message":"Profiling is already %s"}`, done))
			return
		}
		a.whole(200, jsonType, fmt.Appendf(nil, `{"message":"Profiling %s"}`, done))
	}
}

func version(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
	a.whole(200, jsonType, fmt.Appendf(nil, `{"version":"%s"}`, s.o.Dialect.Version))
}

func models(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
	a.whole(200, jsonType, fmt.Appendf(nil, `{"object":"list","data":[{"id":%s,"object":"model","created":%d,"owned_by":"tensorrt_llm"}]}`,
		pyjson.AppendString(nil, s.o.Model), s.began.Unix()))
}

// tokenize answers with the ids of a prompt.
func tokenize(_ context.Context, s *Server, req *fasthttp.Request, a *answer) {
	var r struct{ Prompt string }
	if err := json.Unmarshal(req.Body(), &r); err != nil {
		a.badRequest("%v", err)
		return
	}
	a.json(pyjson.Object{{Key: "tokens", Value: s.tok.Encode(r.Prompt, true)}})
}

// json answers with a value, without blanks as the server's framework writes it.
func (a *answer) json(v any) {
	var compact bytes.Buffer
	_ = json.Compact(&compact, pyjson.Append(nil, v)) // it is JSON
	a.whole(200, jsonType, compact.Bytes())
}

// badRequest is the shape of a 400 from the handlers.
func (a *answer) badRequest(format string, args ...any) {
	a.whole(400, jsonType, fmt.Appendf(nil, `{"object":"error","message":%s,"type":"BadRequestError","param":null,"code":400}`,
		pyjson.AppendString(nil, fmt.Sprintf(format, args...))))
}

// invalid is the newest shape of a 400 from the request's validation.
func (a *answer) invalid(words string) {
	a.whole(400, jsonType, fmt.Appendf(nil, `{"error":%s}`, pyjson.AppendString(nil, words)))
}

// now is the time since the server's start.
func (s *Server) now() time.Duration { return time.Since(s.began) }
