package chart

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	margin    = 34.0 // around the figure
	columnGap = 46.0
	rowGap    = 30.0
)

var (
	titleFace   = typeface{20, true}
	panelFace   = typeface{13, true}
	captionFace = typeface{10, false}
	tickFace    = typeface{10, false}
	legendFace  = typeface{11.5, false}
	noteFace    = typeface{9.5, false}
)

// draw lays out the figure: title, legend, panels, notes.
func (c *Comparison) draw(p pen) {
	p.fill(box{0, 0, figureWidth, figureHeight}, white)
	rest := box{margin, margin, figureWidth - 2*margin, figureHeight - 2*margin}
	if c.Title != "" {
		p.text(titleFace.clip(c.Title, rest.w), titleFace, ink, rest.x, rest.y+16, 0)
		rest = cutTop(rest, 30)
	}
	rest = cutTop(rest, c.legend(p, rest)+18)
	notes := c.notes()
	for i, note := range notes {
		y := rest.bottom() - float64(len(notes)-1-i)*13
		p.text(noteFace.clip(note, rest.w), noteFace, muted, rest.x, y, 0)
	}
	if len(notes) > 0 {
		rest.h -= float64(len(notes))*13 + 8
	}
	panels := c.bars()
	for i, b := range panels {
		b.draw(p, cell(rest, i, len(panels)))
	}
}

func cutTop(b box, h float64) box { return box{b.x, b.y + h, b.w, b.h - h} }

// cell is the place of a panel, three in a row.
func cell(all box, i, n int) box {
	columns := min(n, 3)
	rows := (n + columns - 1) / columns
	w := (all.w - float64(columns-1)*columnGap) / float64(columns)
	h := (all.h - float64(rows-1)*rowGap) / float64(rows)
	return box{all.x + float64(i%columns)*(w+columnGap), all.y + float64(i/columns)*(h+rowGap), w, h}
}

// bars are the charts of the figure.
func (c *Comparison) bars() []*bars {
	var out []*bars
	for i := range c.Panels {
		out = append(out, c.panel(&c.Panels[i]))
	}
	if len(c.Servers) > 1 && len(c.Panels) > 0 {
		out = append(out, c.speedUps())
	}
	return out
}

func (c *Comparison) panel(p *Panel) *bars {
	b := &bars{title: p.Title, note: "lower is better", names: c.Loads, axis: c.XLabel, write: number, short: compact}
	if p.Unit != "" {
		b.title += " (" + p.Unit + ")"
	}
	if p.HigherIsBetter {
		b.note = "higher is better"
	}
	for server := range c.Servers {
		row, void, missing := make([]float64, len(c.Loads)), make([]bool, len(c.Loads)), make([]string, len(c.Loads))
		low, high := make([]float64, len(c.Loads)), make([]float64, len(c.Loads))
		for load := range row {
			row[load], void[load], missing[load] = p.at(server, load), p.void(server, load) != "", "n/a"
			low[load], high[load] = p.interval(server, load)
		}
		b.low, b.high = append(b.low, low), append(b.high, high)
		b.values, b.void, b.missing = append(b.values, row), append(b.void, void), append(b.missing, missing)
		b.colors = append(b.colors, serverColor(server))
	}
	return b
}

const (
	swatch      = 11.0
	legendLine  = 18.0
	legendSpace = 24.0 // between two names
)

// legend draws the servers' colours and names below the top of a box and returns
// its height. Names are clipped so that it has at most four lines.
func (c *Comparison) legend(p pen, at box) float64 {
	if len(c.Servers) == 0 {
		return 0
	}
	var names []string
	var places [][2]float64
	for _, room := range []float64{at.w - swatch - 6, 420, 280, 200, 150, 100} {
		names = names[:0]
		for _, server := range c.Servers {
			names = append(names, legendFace.clip(server, room))
		}
		if places = flow(names, at.w); places[len(places)-1][1] < 4*legendLine {
			break
		}
	}
	for i, name := range names {
		x, y := at.x+places[i][0], at.y+places[i][1]
		p.fill(box{snap(x), snap(y + 1), swatch, swatch}, serverColor(i))
		p.text(name, legendFace, ink, x+swatch+6, y+10.5, 0)
	}
	return places[len(places)-1][1] + legendLine
}

// flow places names in lines of a width.
func flow(names []string, width float64) [][2]float64 {
	var out [][2]float64
	x, y := 0.0, 0.0
	for _, name := range names {
		w := swatch + 6 + legendFace.width(name)
		if x > 0 && x+w > width {
			x, y = 0, y+legendLine
		}
		out = append(out, [2]float64{x, y})
		x += w + legendSpace
	}
	return out
}

// mostNotes is how many reasons the foot of the figure has room for.
const mostNotes = 4

// notes say for which loads and panels the comparison does not hold, and why.
func (c *Comparison) notes() []string {
	var reasons []string
	loads, panels, servers := map[string][]string{}, map[string][]string{}, map[string][]string{}
	for i := range c.Panels {
		p := &c.Panels[i]
		for server := 1; server < len(c.Servers); server++ {
			for load, name := range c.Loads {
				why := p.void(server, load)
				if why == "" {
					continue
				}
				if !slices.Contains(reasons, why) {
					reasons = append(reasons, why)
				}
				loads[why] = appendNew(loads[why], name)
				panels[why] = appendNew(panels[why], p.Title)
				servers[why] = appendNew(servers[why], c.Servers[server])
			}
		}
	}
	var out []string
	if c.hasIntervals() {
		out = append(out, "Lines on bars: the 95 % interval of the comparison with "+c.Servers[0]+", which differs where its bar ends beyond them")
	}
	for _, why := range reasons {
		if len(out) >= mostNotes-1 && why != reasons[len(reasons)-1] {
			out = append(out, fmt.Sprintf("and %d other reasons", len(reasons)-slices.Index(reasons, why)))
			break
		}
		partly := len(servers[why]) < len(c.Servers)-1
		note := "Not comparable (pale, on grey) at "
		if partly {
			note = "Not comparable (pale) at "
		}
		note += list(loads[why])
		if len(panels[why]) < len(c.Panels) {
			note += " in " + list(panels[why])
		}
		if partly {
			note += " for " + list(servers[why])
		}
		out = append(out, note+": "+why)
	}
	return out
}

func (c *Comparison) hasIntervals() bool {
	for i := range c.Panels {
		for server := range c.Servers {
			for load := range c.Loads {
				if low, _ := c.Panels[i].interval(server, load); !math.IsNaN(low) {
					return true
				}
			}
		}
	}
	return false
}

func appendNew(to []string, s string) []string {
	if slices.Contains(to, s) {
		return to
	}
	return append(to, s)
}

// list joins a few names.
func list(names []string) string {
	if len(names) > 8 {
		return fmt.Sprintf("%s, … (%d)", strings.Join(names[:6], ", "), len(names))
	}
	return strings.Join(names, ", ")
}
