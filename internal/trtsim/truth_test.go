package trtsim

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTruth asks for the times of requests that were answered, refused and left,
// in virtual time.
func TestTruth(t *testing.T) {
	profile := Profile{Step: 10 * time.Millisecond, Prefill: time.Millisecond, MaxBatch: 8, MaxTokens: 1000, MaxLen: 1000}
	withServer(t, Options{Profile: profile, Model: "m"}, func(t *testing.T, p *pipes) {
		const body = `{"model":"m","prompt":[1,2,3,4,5],"max_tokens":3,"stream":true}`
		post := func(lines, body string) string {
			return "POST /v1/completions HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + lines + "Content-Length: " + itoa(len(body)) + "\r\n\r\n" + body
		}
		exchange(p, post("", body))
		for _, fault := range []string{"null", "500", "503", "cut"} {
			exchange(p, post("X-Sim-Fault: "+fault+"\r\n", body))
		}
		conn := p.dial()
		io.WriteString(conn, post("", strings.Replace(body, "3,\"stream", "900,\"stream", 1)))
		go io.Copy(io.Discard, conn)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		type figures struct{ Mean, SD, Min, P50, P99, P999, Max float64 }
		var all struct {
			Requests, Completed, Aborted, Events int
			TTFT                                 figures `json:"ttft_ms"`
			ITL                                  figures `json:"itl_ms"`
			TPOT                                 figures `json:"tpot_ms"`
			E2E                                  figures `json:"e2e_ms"`
			Each                                 []struct {
				Read   float64   `json:"read_s"`
				Events []float64 `json:"events_s"`
				Done   bool
				Fault  string
			}
		}
		truth := func(query string) string {
			_, text := ask(p, "GET", "/sim/truth"+query, "")
			if err := json.Unmarshal([]byte(text), &all); err != nil {
				t.Error(err)
			}
			return text
		}
		if text := truth(""); all.Requests != 6 || all.Completed != 1 || all.Aborted != 4 || all.Events != 5 || all.Each[1].Fault != "null" || all.Each[4].Fault != "cut" || all.Each[5].Done {
			t.Error(text)
		}
		conn.Close()
		time.Sleep(2 * abortPoll) // it is forgotten then, and the engine idle
		same := func(f figures, want float64) bool {
			for _, x := range []float64{f.Mean, f.Min, f.P50, f.P99, f.P999, f.Max} {
				if x < want-1e-6 || x > want+1e-6 {
					return false
				}
			}
			return f.SD < 1e-6
		}
		if text := truth("?skip=0&count=1"); all.Requests != 1 || !same(all.TTFT, 5) || !same(all.ITL, 10) || !same(all.TPOT, 10) || !same(all.E2E, 25) || len(all.Each[0].Events) != 3 {
			t.Error(text)
		}
		if text := truth("?last=2"); all.Requests != 2 || all.Each[0].Fault != "cut" {
			t.Error(text)
		}
		exchange(p, post("X-Sim-Fault: burst\r\n", strings.Replace(body, "3,\"stream", "10,\"ignore_eos\":true,\"stream", 1)))
		if text := truth("?last=1"); all.Events != 10 || !same(all.TTFT, 75) || !same(all.E2E, 95) {
			t.Error(text) // eight events when the last of them is there, the others at the end
		}
		ask(p, "POST", "/sim/truth/reset", "")
		if text := truth(""); all.Requests != 0 || all.Events != 0 {
			t.Error(text)
		}
	})
}
