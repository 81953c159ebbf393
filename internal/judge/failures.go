package judge

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/client/answer"
)

// failuresSeen is what is known of the requests that failed.
type failuresSeen struct {
	n        int
	classes  map[string]int
	statuses map[int]int // other than 200
	first    time.Duration
	said     map[string]string // the server's words by class, of the first that has some
	again    int               // closed without an answer on a connection that had carried others
	cut      []time.Duration   // of streams that had begun: after how long they ended
}

// mostWords is how much of the server's words a finding quotes.
const mostWords = 160

// add takes in a request that failed. One that was ended on purpose did not.
func (f *failuresSeen) add(r *client.Result) {
	if r.Err.Class.OnPurpose() {
		return
	}
	if f.classes == nil {
		f.classes, f.statuses, f.said = map[string]int{}, map[int]int{}, map[string]string{}
	}
	at := max(r.Ended, r.LastByte, r.Start)
	if f.n == 0 || at < f.first {
		f.first = at
	}
	f.n++
	class := string(r.Err.Class)
	f.classes[class]++
	if r.Status != 0 && r.Status != 200 {
		f.statuses[r.Status]++
	}
	if r.Reused && (class == "closed" || class == "reset") && r.FirstByte == 0 {
		f.again++
	}
	if r.Status == 200 && len(r.Events) > 0 {
		f.cut = append(f.cut, at-r.Start)
	}
	if f.said[class] == "" {
		if f.said[class] = said(r.Body); f.said[class] == "" && class == "finish_reason" {
			f.said[class] = badReason(r)
		}
	}
}

// badReason is the first finish reason of an answer that is no success.
func badReason(r *client.Result) string {
	for _, c := range r.Generated() {
		if c.FinishReason != "" && !answer.FinishedWell(c.FinishReason) {
			return c.FinishReason
		}
	}
	return r.FinishReason
}

// said is a server's message in one line: of a JSON string its text.
func said(body []byte) string {
	text := string(body)
	_ = json.Unmarshal(body, &text) // else it stays as it is
	return strings.Join(strings.Fields(text), " ")
}

// words quotes what the server said, "" where it said nothing. Classes that said the same are
// quoted once; each is named where several are quoted.
func (f *failuresSeen) words(classes []string) string {
	by := map[string][]string{}
	var said []string
	for _, class := range classes {
		text := f.said[class]
		if text == "" {
			continue
		}
		if by[text] == nil {
			said = append(said, text)
		}
		by[text] = append(by[text], class)
	}
	for i, text := range said {
		if said[i] = quoted(text); len(said) > 1 {
			said[i] += " (" + strings.Join(by[text], ", ") + ")"
		}
	}
	return strings.Join(said, ", ")
}

// counts lists how often keys occur: "2 cut, 1 timeout".
func countsOf(of map[string]int) (texts []string, keys []string) {
	for key := range of {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		texts = append(texts, fmt.Sprintf("%d %s", of[key], key))
	}
	return texts, keys
}

// failures reports the requests that failed: how, since when, and what the server said.
func (f *FindingsReader) failures() *Finding {
	x := &f.failed
	if x.n == 0 {
		return nil
	}
	texts, classes := countsOf(x.classes)
	figures := []any{"failed", x.n, "sent", f.sent}
	for _, class := range classes {
		figures = append(figures, class, x.classes[class])
	}
	text := fmt.Sprintf("%d of %d requests failed: %s", x.n, f.sent, strings.Join(texts, ", "))
	if len(x.statuses) > 0 {
		named := map[string]int{}
		for status, n := range x.statuses {
			named[fmt.Sprintf("with HTTP status %d", status)] = n
		}
		texts, _ := countsOf(named)
		text += "; " + strings.Join(texts, ", ")
	}
	if whole := f.last - f.start.first; whole > 0 {
		since := float64(max(x.first-f.start.first, 0)) / float64(whole)
		text += fmt.Sprintf("; the first failed after %s of the run", percent(min(since, 1)))
		figures = append(figures, "first_failed_after_share", min(since, 1))
	}
	if len(x.cut) > 0 {
		slices.Sort(x.cut)
		median := x.cut[len(x.cut)/2].Seconds()
		text += fmt.Sprintf("; %d streams had begun and ended after %s (median)", len(x.cut), short(median))
		figures = append(figures, "streams_begun", len(x.cut), "streams_ended_after_s", median)
	}
	if words := x.words(classes); words != "" {
		text += "; the server says " + words
	}
	hint := ""
	if x.again > 0 {
		text += fmt.Sprintf("; %d on connections that were used again, which the server closed as the request came: it may have read it, so it was not sent again", x.again)
		figures, hint = append(figures, "on_reused_connections", x.again), "fresh_connections"
	}
	return some(find("failures", text+". Latencies cover successful requests only", figures...).withHint(hint))
}

// quoted quotes a server's words so that no control character of theirs reaches a terminal.
func quoted(s string) string {
	if len(s) > mostWords {
		s = strings.ToValidUTF8(s[:mostWords], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
