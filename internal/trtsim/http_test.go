package trtsim

import (
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var dates = regexp.MustCompile("date: [^\r]*\r\n")

// exchange writes to a new connection and reads until the server closes it, or no
// more comes. Afterwards the connection is closed.
func exchange(p *pipes, parts ...string) (got string, closed bool) {
	conn := p.dial()
	var writer sync.WaitGroup
	defer writer.Wait()
	defer conn.Close()
	const between = 30 * time.Second
	writer.Go(func() {
		for i, part := range parts {
			if i > 0 {
				time.Sleep(between)
			}
			if part != "" {
				io.WriteString(conn, part)
			}
		}
	})
	conn.SetReadDeadline(time.Now().Add(time.Duration(len(parts)-1)*between + keepAlive - time.Second))
	all, err := io.ReadAll(conn)
	return dates.ReplaceAllString(string(all), ""), err == nil
}

const okHead = "HTTP/1.1 200 OK\r\nserver: uvicorn\r\n"

// TestBytesOfHTTP compares with what uvicorn 0.35 and FastAPI answer, dates left out.
func TestBytesOfHTTP(t *testing.T) {
	const closing = "Connection: close\r\n"
	const invalid = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nInvalid HTTP request received."
	const version = `{"version":"1.3.0rc25"}`
	post := func(version, lines, body string) string {
		return "POST /v1/completions HTTP/" + version + "\r\nHost: h\r\n" + lines + "Content-Length: " + itoa(len(body)) + "\r\n\r\n" + body
	}
	for name, c := range map[string]struct {
		ask    []string
		want   string
		closed bool
	}{
		"health":       {[]string{"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"}, okHead + "content-length: 0\r\n\r\n", false},
		"close":        {[]string{"GET /version HTTP/1.1\r\nHost: h\r\n" + closing + "\r\n"}, okHead + "content-length: 23\r\ncontent-type: application/json\r\nConnection: close\r\n\r\n" + version, true},
		"1.0":          {[]string{"GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}, okHead + "content-length: 23\r\ncontent-type: application/json\r\nConnection: close\r\n\r\n" + version, true},
		"404":          {[]string{"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"}, "HTTP/1.1 404 Not Found\r\nserver: uvicorn\r\ncontent-length: 22\r\ncontent-type: application/json\r\n\r\n" + `{"detail":"Not Found"}`, false},
		"405":          {[]string{"GET /v1/completions HTTP/1.1\r\nHost: h\r\n\r\n"}, "HTTP/1.1 405 Method Not Allowed\r\nserver: uvicorn\r\nallow: POST\r\ncontent-length: 31\r\ncontent-type: application/json\r\n\r\n" + `{"detail":"Method Not Allowed"}`, false},
		"head":         {[]string{"HEAD /health HTTP/1.1\r\nHost: h\r\n\r\n"}, "HTTP/1.1 405 Method Not Allowed\r\nserver: uvicorn\r\nallow: GET\r\ncontent-length: 31\r\ncontent-type: application/json\r\n\r\n", false},
		"500":          {[]string{post("1.1", "X-Sim-Fault: 500\r\n", "{}")}, "HTTP/1.1 500 Internal Server Error\r\nserver: uvicorn\r\ncontent-length: 21\r\ncontent-type: text/plain; charset=utf-8\r\n\r\nInternal Server Error", true},
		"no HTTP":      {[]string{"hello\r\n\r\n"}, invalid, true},
		"TLS":          {[]string{"\x16\x03\x01\x02\x00\x01"}, invalid, true},
		"length":       {[]string{"POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n"}, invalid, true},
		"pipelined":    {[]string{"GET /health HTTP/1.1\r\nHost: h\r\n\r\nGET /version HTTP/1.1\r\nHost: h\r\n" + closing + "\r\n"}, okHead + "content-length: 0\r\n\r\n" + okHead + "content-length: 23\r\ncontent-type: application/json\r\nConnection: close\r\n\r\n" + version, true},
		"slow":         {[]string{"GET /hea", "lth HTTP/1.1\r\nHost", ": h\r\n\r\n"}, okHead + "content-length: 0\r\n\r\n", false},
		"late":         {[]string{"", "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"}, okHead + "content-length: 0\r\n\r\n", false},
		"keep-alive":   {[]string{"GET /health HTTP/1.1\r\nHost: h\r\n\r\n", "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"}, okHead + "content-length: 0\r\n\r\n", true},
		"wrong header": {[]string{post("1.1", "X-Sim-Fault: nothing\r\n"+closing, "{}")}, `unknown kind of fault \"nothing\"`, true},
		"stream":       {[]string{post("1.1", closing, `{"model":"m","prompt":"x","max_tokens":1,"stream":true}`)}, okHead + "content-type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", true},
		"stream 1.0":   {[]string{post("1.0", "", `{"model":"m","prompt":"x","max_tokens":1,"stream":true}`)}, okHead + "content-type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\ndata: {", true},
	} {
		t.Run(name, func(t *testing.T) {
			withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
				got, closed := exchange(p, c.ask...)
				if !strings.Contains(got, c.want) || !strings.HasPrefix(name, "stream") && name != "wrong header" && got != c.want || closed != c.closed {
					t.Errorf("got %q, closed %v, want %q, %v", got, closed, c.want, c.closed)
				}
			})
		})
	}
}

// TestAnEventIsAChunk takes the chunks of a stream apart.
func TestAnEventIsAChunk(t *testing.T) {
	withServer(t, Options{Profile: ideal, Model: "m"}, func(t *testing.T, p *pipes) {
		const body = `{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":3,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}`
		got, _ := exchange(p, "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: "+itoa(len(body))+"\r\n\r\n"+body)
		_, rest, _ := strings.Cut(got, "\r\n\r\n")
		var events []string
		for rest != "" {
			size, after, _ := strings.Cut(rest, "\r\n")
			n := 0
			for _, digit := range size {
				n = 16*n + strings.IndexRune("0123456789abcdef", digit)
			}
			events = append(events, after[:n])
			rest = after[n+2:]
		}
		if len(events) != 7 || events[5] != "data: [DONE]\n\n" || events[6] != "" { // a role, three tokens, the usage
			t.Errorf("%d chunks: %q", len(events), events)
		}
		for _, event := range events[:6] {
			if !strings.HasPrefix(event, "data: ") || strings.Index(event, "\n\n") != len(event)-2 {
				t.Errorf("%q is not one event", event)
			}
		}
	})
}

// TestAClientThatLeavesIsNoticed has clients leave whose requests are queued, or
// decode, or wait for one answer in one piece: none of them is generated on.
func TestAClientThatLeavesIsNoticed(t *testing.T) {
	profile := Profile{Step: 10 * time.Millisecond, MaxBatch: 1, MaxTokens: 1000, MaxLen: 100000}
	for _, stream := range []string{"true", "false"} {
		withServer(t, Options{Profile: profile, Model: "m"}, func(t *testing.T, p *pipes) {
			for range 3 {
				conn := p.dial()
				body := `{"model":"m","prompt":"x","max_tokens":90000,"ignore_eos":true,"stream":` + stream + `}`
				io.WriteString(conn, "POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Length: "+itoa(len(body))+"\r\n\r\n"+body)
				go io.Copy(io.Discard, conn)
				synctest.Wait()
				conn.Close()
			}
			start := time.Now()
			if r, text := ask(p, "POST", "/v1/completions", `{"model":"m","prompt":"x","max_tokens":1}`); r.StatusCode != 200 {
				t.Error(text)
			}
			if took := time.Since(start); took < 500*time.Millisecond || took > abortPoll+50*time.Millisecond {
				t.Errorf("stream %s: the next answer took %v", stream, took)
			}
		})
	}
}
