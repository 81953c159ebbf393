package trtsim

import (
	"context"
	"fmt"

	"github.com/valyala/fasthttp"

	"loadgen/internal/pyjson"
)

const jsonType = "application/json"

// route answers one request.
func (s *Server) route(ctx context.Context, req *fasthttp.Request, a *answer) {
	method := string(req.Header.Method())
	handlers := map[string]struct {
		method string
		handle func()
	}{
		"/health":  {"GET", func() { a.whole(200, "", nil) }},
		"/version": {"GET", func() { a.whole(200, jsonType, fmt.Appendf(nil, `{"version":"%s"}`, Version)) }},
		"/v1/models": {"GET", func() {
			a.whole(200, jsonType, fmt.Appendf(nil, `{"object":"list","data":[{"id":%s,"object":"model","created":%d,"owned_by":"tensorrt_llm"}]}`,
				pyjson.AppendString(nil, s.o.Model), s.began.Unix()))
		}},
		"/metrics":             {"GET", func() { a.whole(200, jsonType, []byte("[]")) }},
		"/energy_metrics":      {"GET", func() { a.whole(503, jsonType, []byte(`{"error":"Energy monitoring is not available"}`)) }},
		"/start_profile":       {"POST", func() { a.whole(200, jsonType, []byte(`{"message":"Profiling started"}`)) }},
		"/stop_profile":        {"POST", func() { a.whole(200, jsonType, []byte(`{"message":"Profiling stopped"}`)) }},
		"/v1/completions":      {"POST", func() { s.generate(ctx, req.Body(), a, false) }},
		"/v1/chat/completions": {"POST", func() { s.generate(ctx, req.Body(), a, true) }},
	}
	switch h, ok := handlers[string(req.URI().PathOriginal())]; {
	case !ok:
		a.whole(404, jsonType, []byte(`{"detail":"Not Found"}`))
	case method != h.method:
		a.whole(405, jsonType, []byte(`{"detail":"Method Not Allowed"}`))
	default:
		h.handle()
	}
}

// badRequest is the shape of a 400 from the handlers.
func (a *answer) badRequest(format string, args ...any) {
	a.whole(400, jsonType, fmt.Appendf(nil, `{"object":"error","message":%s,"type":"BadRequestError","param":null,"code":400}`,
		pyjson.AppendString(nil, fmt.Sprintf(format, args...))))
}

// invalid is the shape of a 400 from the request's validation.
func (a *answer) invalid(words string) {
	a.whole(400, jsonType, fmt.Appendf(nil, `{"error":%s}`, pyjson.AppendString(nil, words)))
}
