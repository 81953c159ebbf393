package judge

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"loadgen/pkg/client"
)

// failuresSeen is what is known of the requests that failed.
type failuresSeen struct {
	n        int
	classes  map[string]int
	statuses map[int]int // other than 200
	first    time.Duration
	said     string          // the server's words, of the first that has some
	cut      []time.Duration // of streams that had begun: after how long they ended
}

// mostWords is how much of the server's words a finding quotes.
const mostWords = 160

func (f *failuresSeen) add(r *client.Result) {
	if f.classes == nil {
		f.classes, f.statuses = map[string]int{}, map[int]int{}
	}
	at := max(r.Ended, r.LastByte, r.Start)
	if f.n == 0 || at < f.first {
		f.first = at
	}
	f.n++
	f.classes[string(r.Err.Class)]++
	if r.Status != 0 && r.Status != 200 {
		f.statuses[r.Status]++
	}
	if r.Status == 200 && len(r.Events) > 0 {
		f.cut = append(f.cut, at-r.Start)
	}
	if f.said == "" && r.Err.Class != "interrupted" {
		if f.said = strings.Join(strings.Fields(string(r.Body)), " "); f.said == "" && r.Err.Class == "finish_reason" {
			f.said = r.FinishReason
		}
	}
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
	if x.said != "" {
		text += "; the server says " + quoted(x.said)
	}
	return some(find("failures", text+". Latencies cover successful requests only", figures...))
}

// quoted quotes a server's words so that no control character of theirs reaches a terminal.
func quoted(s string) string {
	if len(s) > mostWords {
		s = strings.ToValidUTF8(s[:mostWords], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
