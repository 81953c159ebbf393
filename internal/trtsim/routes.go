package trtsim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"loadgen/internal/lazy"
	"loadgen/internal/pause"
	"loadgen/internal/pyjson"
)

const (
	jsonType = "application/json"
	notFound = `{"detail":"Not Found"}`
)

// handler is a route: since which dialect, by which methods, and what it answers.
type handler struct {
	age    int
	method string
	handle func(ctx context.Context, s *Server, req *fasthttp.Request, a *answer)
}

// routes by path. /sim/ is not the real server's: it is the simulator's own.
var routeTable lazy.Value[map[string]handler]

func routes() map[string]handler { return routeTable.Get(newRoutes) }

func newRoutes() map[string]handler {
	return map[string]handler{
		"/health":              {0, "GET", health},
		"/health_generate":     {0, "GET", healthGenerate},
		"/version":             {0, "GET", version},
		"/v1/models":           {0, "GET", models},
		"/metrics":             {0, "GET", iterations},
		"/perf_metrics":        {0, "GET", perfMetrics},
		"/prometheus/metrics":  {0, "GET", exposition},
		"/kv_cache_events":     {0, "POST", cacheEvents},
		"/steady_clock_offset": {1, "GET POST", steadyClock},
		"/energy_metrics":      {2, "GET", energy},
		"/start_profile":       {2, "POST", profiling(true, "started")},
		"/stop_profile":        {2, "POST", profiling(false, "stopped")},
		"/_internal/tokenize":  {2, "POST", tokenize},
		"/v1/completions": {0, "POST", func(ctx context.Context, s *Server, req *fasthttp.Request, a *answer) {
			s.generate(ctx, req.Body(), a, false, string(req.Header.Peek(faultHeader)))
		}},
		"/v1/chat/completions": {0, "POST", func(ctx context.Context, s *Server, req *fasthttp.Request, a *answer) {
			s.generate(ctx, req.Body(), a, true, string(req.Header.Peek(faultHeader)))
		}},
		"/sim/truth": {0, "GET", func(_ context.Context, s *Server, req *fasthttp.Request, a *answer) {
			q := req.URI().QueryArgs()
			a.json(s.truth.json(q.GetUintOrZero("last"), q.GetUintOrZero("skip"), q.GetUintOrZero("count")))
		}},
		"/sim/truth/reset": {0, "POST", func(_ context.Context, s *Server, _ *fasthttp.Request, a *answer) {
			s.truth.reset()
			a.whole(200, jsonType, []byte("{}"))
		}},
	}
}

// route answers one request.
func (s *Server) route(ctx context.Context, req *fasthttp.Request, a *answer) {
	h, ok := routes()[string(req.URI().PathOriginal())]
	methods := strings.Fields(h.method)
	switch {
	case !ok || h.age > s.o.Dialect.age:
		a.whole(404, jsonType, []byte(notFound))
	case !slices.Contains(methods, string(req.Header.Method())):
		a.whole(405, jsonType, []byte(`{"detail":"Method Not Allowed"}`), "allow: "+methods[0])
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
		jsonText(s.o.Model), s.began.Unix()))
}

var tokenizeModel = model{name: "TokenizeRequest", all: "model:string prompt:string", required: []string{"prompt"}}

// tokenize answers with the ids of a prompt.
func tokenize(_ context.Context, s *Server, req *fasthttp.Request, a *answer) {
	f, wrong, err := tokenizeModel.read(req.Body(), "")
	if err == nil && len(wrong) > 0 {
		err = tokenizeModel.error(wrong...)
	}
	if err != nil {
		a.invalid(err.Error())
		return
	}
	ids := s.tok.Encode(f.text("prompt"), true)
	a.json(pyjson.Object{{Key: "count", Value: len(ids)}, {Key: "tokens", Value: ids}})
}

// steadyClock answers with the server's clock, and between its two readings lets pass what
// the real one does. The other server's offset, when posted, is accepted.
func steadyClock(ctx context.Context, s *Server, req *fasthttp.Request, a *answer) {
	if req.Header.IsPost() {
		a.whole(200, "", nil)
		return
	}
	received := s.now().Seconds()
	pause.For(ctx, 200*time.Millisecond)
	a.whole(200, jsonType, fmt.Appendf(nil, `{"receive_ts":%f,"transmit_ts":%f}`, received, s.now().Seconds()))
}

// badRequest is the shape of a 400 from the handlers.
func (a *answer) badRequest(format string, args ...any) {
	a.whole(400, jsonType, fmt.Appendf(nil, `{"object":"error","message":%s,"type":"BadRequestError","param":null,"code":400}`,
		jsonText(fmt.Sprintf(format, args...))))
}

// invalid is the newest shape of a 400 from the request's validation.
func (a *answer) invalid(message string) {
	a.whole(400, jsonType, fmt.Appendf(nil, `{"error":%s}`, jsonText(message)))
}

// now is the time since the server's start.
func (s *Server) now() time.Duration { return time.Since(s.began) }
