// Package chart draws comparisons of servers: a figure of grouped bars as a PNG
// or SVG file, and line charts as SVG inside an HTML report.
package chart

import (
	"image/png"
	"io"
	"math"
)

// Panel is one group of bars for each load, one bar for each server.
type Panel struct {
	Title, Unit    string // "Mean TTFT", "ms"
	HigherIsBetter bool
	Values         [][]float64 // [server][load], NaN where there is none
	Void           [][]string  // [server][load]: why the comparison with the first server does not hold, "" where it does
	Low, High      [][]float64 // [server][load]: the interval around the value, NaN where there is none; nil for none at all
}

// Comparison is a figure of panels, three in a row. Where there is more than one
// server, a last panel has the mean speed-ups relative to the first server.
type Comparison struct {
	Title   string
	Servers []string
	Loads   []string
	XLabel  string // of the loads
	Panels  []Panel
}

// The size of the figure in points, of which there are 72 in an inch.
const (
	figureWidth  = 18 * 72
	figureHeight = 12 * 72
	dpi          = 120
)

// PNG writes the figure as a picture of 2160 x 1440 pixels.
func (c *Comparison) PNG(w io.Writer) error {
	p := newRaster()
	c.draw(p)
	return png.Encode(w, p.RGBA)
}

// SVG writes the figure as a file of its own.
func (c *Comparison) SVG(w io.Writer) error {
	p := newSVG()
	c.draw(p)
	p.end()
	_, err := p.WriteTo(w)
	return err
}

// at is the value of a server at a load, NaN where there is none to draw.
func (p *Panel) at(server, load int) float64 {
	if server >= len(p.Values) || load >= len(p.Values[server]) {
		return math.NaN()
	}
	v := p.Values[server][load]
	if v < 0 || v > mostValue {
		return math.NaN()
	}
	return v
}

// interval is that around the value of a server at a load, both NaN where there is none to draw.
func (p *Panel) interval(server, load int) (low, high float64) {
	none := math.NaN()
	if server >= len(p.Low) || server >= len(p.High) || load >= len(p.Low[server]) || load >= len(p.High[server]) || p.void(server, load) != "" {
		return none, none
	}
	low, high = p.Low[server][load], p.High[server][load]
	if v := p.at(server, load); !(0 <= low && low <= v && v <= high) {
		return none, none
	}
	return low, min(high, mostValue)
}

// void is why a server's comparison with the first does not hold at a load, "" where it
// does. The first server itself is not comparable where all others are.
func (p *Panel) void(server, load int) (why string) {
	if server > 0 {
		if server >= len(p.Void) || load >= len(p.Void[server]) {
			return ""
		}
		return p.Void[server][load]
	}
	for other := 1; other < len(p.Void); other++ {
		if why = p.void(other, load); why == "" {
			return ""
		}
	}
	return why
}
