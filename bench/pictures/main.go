// Pictures draws docs/metrics-request.svg and docs/metrics-run.svg, the pictures of docs/metrics.md:
// a timeline, and what pkg/metrics makes of it; and docs/clients.svg of the table of other clients
// in docs/measurement.md.
//
//	go run ./bench/pictures
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/client/answer"
	"loadgen/pkg/metrics"
)

func main() {
	table, err := os.ReadFile("docs/measurement.md")
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures: run this in the module's root:", err)
		os.Exit(1)
	}
	for name, svg := range pictures(string(table)) {
		if err := os.WriteFile(filepath.Join("docs", name), []byte(svg), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "pictures:", err)
			os.Exit(1)
		}
	}
}

// pictures are the files by their names; measurement is docs/measurement.md.
func pictures(measurement string) map[string]string {
	return map[string]string{"metrics-request.svg": request(), "metrics-run.svg": run(), "clients.svg": clients(measurement)}
}

const ms = time.Millisecond

// example is a request that waits 30 ms for its slot, and whose answer has six chunks.
func example() (r client.Result, output int) {
	r.Due, r.Permit, r.Start, r.Connect, r.Written = 0, 30*ms, 31*ms, 33*ms, 34*ms
	for _, at := range []time.Duration{131, 151, 171, 211, 231, 251} {
		r.Events = append(r.Events, answer.Event{At: at * ms, Choices: true})
	}
	return r, 6
}

// Colours that can be told apart in print and by the colour-blind.
const (
	ink, grey                 = "#1f2328", "#8c959f"
	blue, orange, green, pink = "#0969da", "#bc4c00", "#1a7f37", "#bf3989"
)

// drawing is an SVG on white, in pixels.
type drawing struct {
	strings.Builder
	scale, left float64
}

func newDrawing(width, height int, title string, scale, left float64) *drawing {
	d := &drawing{scale: scale, left: left}
	fmt.Fprintf(d, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="13" role="img">`+"\n<title>%s</title>\n", width, height, width, height, title)
	fmt.Fprintf(d, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	return d
}

func (d *drawing) at(t time.Duration) float64 { return d.left + t.Seconds()*1e3*d.scale }

func (d *drawing) text(x, y float64, anchor, colour, format string, args ...any) {
	fmt.Fprintf(d, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, anchor, colour, fmt.Sprintf(format, args...))
}

func (d *drawing) line(x1, y1, x2, y2 float64, colour string, width float64) {
	fmt.Fprintf(d, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"/>`+"\n", x1, y1, x2, y2, colour, width)
}

// span is a line with ends and its name, from one instant to another.
func (d *drawing) span(from, to time.Duration, y float64, colour, format string, args ...any) {
	a, b := d.at(from), d.at(to)
	d.line(a, y, b, y, colour, 2)
	d.line(a, y-5, a, y+5, colour, 2)
	d.line(b, y-5, b, y+5, colour, 2)
	d.text((a+b)/2, y-7, "middle", colour, format, args...)
}

func (d *drawing) end() string { return d.String() + "</svg>\n" }

// request is one request from when it was due to its last chunk.
func request() string {
	r, n := example()
	d := newDrawing(900, 330, "One request: queue, TTFT, ITL, TPOT and E2EL on its timeline", 3.1, 60)
	const axis = 150
	d.line(d.at(-5*ms), axis, d.at(262*ms), axis, grey, 1)
	mark := func(at time.Duration, up, aside float64, anchor, name string) { // no line crosses a name
		d.line(d.at(at), axis-up, d.at(at), axis+6, grey, 1)
		d.text(d.at(at)+aside, axis-up-5, anchor, ink, "%s", name)
	}
	mark(r.Due, 22, 0, "middle", "due")
	mark(r.Permit, 22, -2, "end", "slot")
	mark(r.Start, 44, 0, "middle", "start")
	mark(r.Written, 22, -2, "start", "written")
	for i, e := range r.Events {
		fmt.Fprintf(d, `<circle cx="%.1f" cy="%d" r="6" fill="%s"/>`+"\n", d.at(e.At), axis, blue)
		d.text(d.at(e.At), axis-12, "middle", ink, "chunk %d", i+1)
	}
	d.span(r.Due, r.Permit, 195, orange, "queue %d ms", (r.Permit - r.Due).Milliseconds())
	var ttft, latency time.Duration
	for s := range (metrics.Rule{}).Of(&r).Spans {
		switch s.Metric {
		case metrics.TTFT:
			ttft = s.Length()
			d.span(s.Begin, s.End, 195, blue, "TTFT %d ms", ttft.Milliseconds())
		case metrics.ITL:
			d.span(s.Begin, s.End, 195, green, "%d", s.Length().Milliseconds())
		case metrics.E2EL:
			latency = s.Length()
			d.span(s.Begin, s.End, 235, pink, "E2EL %d ms", latency.Milliseconds())
		}
	}
	d.text(d.at(255*ms), 200, "start", green, "ITL, ms")
	tpot, _ := metrics.PerToken(ttft, latency, n)
	d.span(r.Start+ttft, r.Start+latency, 275, ink, "%d tokens after the first: TPOT %d ms each", n-1, tpot.Milliseconds())
	d.span(r.Due, r.Start+latency, 312, orange, "E2EL from due %d ms", (r.Start + latency - r.Due).Milliseconds())
	d.text(20, 30, "start", ink, "One request at a limited concurrency: it is due, waits for a slot, is sent, and is answered in six chunks of one token.")
	return d.end()
}

// run is a closed loop of eight requests, three at a time.
func run() string {
	const height = 24
	d := newDrawing(900, 320, "A run: eight requests, three at a time, and what is counted over it", 0.62, 90)
	d.text(20, 30, "start", ink, "Eight requests, at most three at a time. Light: until the first token; dark: decoding.")
	free := [3]time.Duration{}
	var total, decoding time.Duration
	for i := range 8 {
		slot := 0
		for s, at := range free {
			if at < free[slot] {
				slot = s
			}
		}
		ttft, whole := 90*ms+time.Duration(i*37%60)*ms, 330*ms+time.Duration(i*53%110)*ms
		begin := free[slot]
		free[slot] = begin + whole
		y := 70 + float64(slot)*(height+14)
		a, b, c := d.at(begin), d.at(begin+ttft), d.at(begin+whole)
		fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s" fill-opacity="0.3"/>`+"\n", a, y, b-a, height, blue)
		fmt.Fprintf(d, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>`+"\n", b, y, c-b-2, height, blue)
		d.text(b-5, y+17, "end", ink, "%d", i+1)
		total += whole
		decoding += whole - ttft
	}
	for s := range free {
		d.text(80, 70+float64(s)*(height+14)+17, "end", ink, "slot %d", s+1)
	}
	last := max(free[0], free[1], free[2])
	d.span(0, last, 210, ink, "duration %d ms", last.Milliseconds())
	for i, text := range []string{
		fmt.Sprintf("request throughput = 8 / %.2f s = %.1f requests/s", last.Seconds(), 8/last.Seconds()),
		fmt.Sprintf("output throughput, 20 tokens each = 160 / %.2f s = %.0f tokens/s", last.Seconds(), 160/last.Seconds()),
		fmt.Sprintf("mean concurrency = sum of E2EL / duration = %.2f;  decoding at a time = dark parts / duration = %.2f", total.Seconds()/last.Seconds(), decoding.Seconds()/last.Seconds()),
	} {
		d.text(90, 245+float64(i)*24, "start", ink, "%s", text)
	}
	return d.end()
}
