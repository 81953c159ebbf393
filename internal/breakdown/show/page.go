package show

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"

	"loadgen/internal/plain"
	"loadgen/internal/result"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

//go:embed page.js
var script string

// colours of the spans, in their order; neighbours differ in lightness, too.
var colours = map[string]string{
	"client_send": "#8c564b", "network": "#c7a76c", "disagg_preprocessing": "#b8b8b8", "ctx_preprocessing": "#5fb98a", "ctx_queue": "#f2a541",
	"ctx_processing": "#4f7fd6", "ctx_postprocessing": "#c49bd8", "disagg_relay": "#444c56", "gen_preprocessing": "#ecd75a", "gen_queue_wait": "#e66b5b",
	"gen_kv_transfer": "#3fb8af", "gen_post_transfer": "#f08a34", "gen_postprocessing": "#8fd6c4", "disagg_postprocessing": "#9aa3ad", "server": "#4f7fd6", "unknown": "#d9dde2",
}

// page is what the template shows.
type page struct {
	Title, Joined   string
	Hash, StyleHash string // of the script and the style sheet, for the policy
	Style           template.CSS
	Table           *result.TimeBreakdown
	Colours         map[string]string
	Bars            []bar
	Data            template.JS
	Script          template.JS
}

// bar is a stacked bar that is there without a script, in percent of the longest.
type bar struct {
	Label string
	Parts []part
}

type part struct {
	Colour, Title string
	X, Width      float64
}

// data is what the script draws: the requests from the longest TTFT to the shortest.
type data struct {
	Spans   []string     `json:"spans"`
	Colours []string     `json:"colours"`
	Index   []int        `json:"index"`
	TTFT    []float64    `json:"ttft"`
	Each    [][]*float64 `json:"each"` // by span
}

// HTML writes the diagram: one file that loads nothing and may load nothing, and whose only
// script is the one within.
func HTML(w io.Writer, title string, t *result.TimeBreakdown) error {
	d := data{}
	order := make([]int, len(t.TTFT))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case t.TTFT[a] > t.TTFT[b]:
			return -1
		case t.TTFT[a] < t.TTFT[b]:
			return 1
		}
		return 0
	})
	for _, i := range order {
		d.Index, d.TTFT = append(d.Index, t.Index[i]), append(d.TTFT, t.TTFT[i])
	}
	for _, s := range t.Spans {
		each := make([]*float64, len(order))
		for k, i := range order {
			each[k] = s.Each[i]
		}
		d.Spans, d.Colours, d.Each = append(d.Spans, s.Label), append(d.Colours, colours[s.Key]), append(d.Each, each)
	}
	text, err := json.Marshal(d) // escapes <, > and &, so that nothing ends the element early
	if err != nil {
		return err
	}
	return template.Must(template.New("page").Funcs(template.FuncMap{"known": known}).Parse(pageText)).Execute(plain.Writer{To: w}, page{Title: title, Joined: joined(t), Hash: plain.Digest(script), StyleHash: plain.Digest(style), Style: template.CSS(style), Table: t,
		Colours: colours, Bars: bars(t), Data: template.JS(text), Script: template.JS(script)})
}

// known is a time in ms, where it is known.
func known(ms *float64) string {
	if ms == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.3f", *ms)
}

// bars are the mean and the request of the p99.
func bars(t *result.TimeBreakdown) []bar {
	mean, worst := bar{Label: "mean"}, bar{Label: fmt.Sprintf("p99 (request %d)", t.P99Request)}
	sum, of := 0.0, 0.0
	for _, s := range t.Spans {
		share := s.Mean * float64(s.Requests) / float64(max(t.Requests, 1)) // of all requests
		mean.Parts = append(mean.Parts, part{colours[s.Key], fmt.Sprintf("%s: %.3f ms", s.Label, share), sum, share})
		sum += share
		if s.OfP99 != nil {
			worst.Parts = append(worst.Parts, part{colours[s.Key], fmt.Sprintf("%s: %.3f ms", s.Label, *s.OfP99), of, *s.OfP99})
			of += *s.OfP99
		}
	}
	most := max(sum, of)
	out := []bar{mean, worst}
	for i := range out {
		for k := range out[i].Parts {
			p := &out[i].Parts[k]
			if most > 0 {
				p.X, p.Width = 100*p.X/most, 100*p.Width/most
			}
		}
	}
	return out
}
