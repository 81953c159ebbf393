package chart

import (
	"image/color"
	"math"
	"slices"
	"strconv"
)

// bars is a chart of groups of bars.
type bars struct {
	title, note  string
	names        []string    // of the groups
	axis         string      // what the names are
	values       [][]float64 // [bar][group], NaN where there is none
	colors       []color.RGBA
	low, high    [][]float64          // the same: the interval around a value, NaN where there is none; nil for none
	void         [][]bool             // the same
	missing      [][]string           // the same: what to write where there is no bar
	write, short func(float64) string // a value, fully and with less room
	ratio        bool                 // values are logarithms of ratios, of either sign
}

// plotted is a chart with its place and its scale.
type plotted struct {
	*bars
	pen
	area   box     // of the bars
	most   float64 // the greatest value, above which intervals are cut off
	floor  float64 // the axis begins here, at 0 but for ratios
	top    float64
	group  float64 // width of a group with its gap
	bar    float64 // width of a bar
	labels labelling
}

const (
	widestBar   = 64.0
	thinnestBar = 1.2 // below it there are lines instead of bars
	mostSteps   = 9   // of the value axis

	widestInterval = 1.3 // what is above it, relative to the greatest value, is cut off
)

// draw draws the chart with its title and its axes.
func (b *bars) draw(p pen, at box) {
	p.text(panelFace.clip(b.title, at.w), panelFace, ink, at.x, at.y+11, 0)
	area := cutTop(at, 34)
	if len(b.names) == 0 || len(b.values) == 0 {
		p.text("no data", captionFace, muted, area.x+area.w/2, area.y+area.h/2, 0.5)
		return
	}
	d := b.place(p, area)
	note := b.note
	if d.crosses() {
		note += "; × is n/a"
	}
	p.text(captionFace.clip(note, at.w), captionFace, muted, at.x, at.y+25, 0)
	d.shadeVoid()
	d.yAxis()
	if d.bar < thinnestBar {
		d.drawLines()
	} else {
		d.drawBars()
		d.drawIntervals()
	}
	d.reference()
	d.drawLabels()
	d.xAxis()
}

// place finds the widths of the bars, the labels and the scale.
func (b *bars) place(p pen, area box) *plotted {
	least, greatest := 0.0, 0.0
	for _, row := range b.values {
		for _, v := range row {
			if v > greatest { // not NaN
				greatest = v
			}
			if v < least {
				least = v
			}
		}
	}
	for most, i := widestInterval*greatest, 0; i < len(b.high); i++ {
		for _, v := range b.high[i] {
			if v > greatest {
				greatest = min(v, most)
			}
		}
	}
	if span := greatest - least; b.ratio && span < math.Log(1.05) { // no mountains of molehills
		greatest, least = greatest+(math.Log(1.05)-span)/2, least-(math.Log(1.05)-span)/2
	} else if span < 1/mostValue {
		greatest = 1
	}
	d := &plotted{bars: b, pen: p}
	_, labels := b.ticks(1.15*least, 1.15*greatest, 0)
	left := tickFace.widest(labels) + 8
	const below = 47 // two lines for a name and one for the axis
	d.area = box{snap(area.x + left), snap(area.y), snap(area.w - left), snap(area.h - below)}
	d.group = d.area.w / float64(len(b.names))
	d.bar = min(0.78*d.group/float64(len(b.values)), widestBar)
	d.labels = b.labelling(d.bar, d.group)
	room := min(d.labels.room, d.area.h/2)
	below0 := 0.0
	if least < 0 {
		below0 = room
	}
	point := (greatest - least) / max(d.area.h-room-below0, d.area.h/4) // a point's worth
	d.most, d.floor, d.top = greatest, least-below0*point, greatest+room*point
	return d
}

// ticks are the values of the axis with their labels: multiples of a nice step, or, of
// ratios, factors on both sides of 1 that are at least so far apart.
func (b *bars) ticks(low, top, apart float64) (at []float64, labels []string) {
	if !b.ratio {
		at = niceTicks(0, top, mostSteps)
		return at, tickLabels(at)
	}
	at, labels = []float64{0}, []string{"1x"}
	for _, sign := range []float64{1, -1} {
		last := 0.0
		for _, f := range factors {
			v := sign * math.Log(f)
			if v <= top && v >= low && math.Abs(v)-last >= apart {
				at, labels, last = append(at, v), append(labels, strconv.FormatFloat(f, 'g', -1, 64)+"x"), math.Abs(v)
			}
		}
	}
	return at, labels
}

// factors are the ratios that an axis may be marked at.
var factors = []float64{1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 1000, 1e4, 1e6, 1e9, 1e12}

func (d *plotted) y(v float64) float64 {
	return d.area.bottom() - (v-d.floor)/(d.top-d.floor)*d.area.h
}

// left is where a bar begins.
func (d *plotted) left(bar, group int) float64 {
	all := d.bar * float64(len(d.values))
	return d.area.x + (float64(group)+0.5)*d.group - all/2 + float64(bar)*d.bar
}

// allVoid reports whether every bar of a group is not comparable.
func (b *bars) allVoid(group int) bool {
	return !slices.ContainsFunc(b.void, func(bar []bool) bool { return !bar[group] })
}

func (d *plotted) shadeVoid() {
	for g := range d.names {
		if d.allVoid(g) {
			d.fill(box{d.area.x + float64(g)*d.group, d.area.y, d.group, d.area.h}, shade)
		}
	}
}

// yAxis draws the grid behind the bars and the values at its lines.
func (d *plotted) yAxis() {
	const lines = 20 // points from tick to tick, at least
	values, texts := d.ticks(d.floor, d.top, lines*(d.top-d.floor)/d.area.h)
	for i, v := range values {
		y := snap(d.y(v)) + 0.3
		if i > 0 {
			d.line(stroke{color: faint, width: 0.6}, [2]float64{d.area.x, y}, [2]float64{d.area.right(), y})
		}
		d.text(texts[i], tickFace, muted, d.area.x-7, y+3.4, 1)
	}
}

func (d *plotted) drawBars() {
	for server, row := range d.values {
		for g, v := range row {
			if math.IsNaN(v) || v == 0 {
				continue
			}
			x, right := d.left(server, g), d.left(server, g)+d.bar
			if d.bar > 4 { // a thin line of white between the bars
				x, right = snap(x), snap(right)-0.6
			}
			at := box{x, min(d.y(v), d.y(0)), right - x, math.Abs(d.y(v) - d.y(0))}
			if !d.void[server][g] {
				d.fill(at, d.colors[server])
				continue
			}
			d.fill(at, pale(d.colors[server]))
			if d.bar > 6 {
				inner := box{at.x + 0.4, at.y + 0.4, at.w - 0.8, max(at.h-0.8, 0)}
				d.frame(inner, stroke{d.colors[server], 0.8, []float64{3, 2}})
			}
		}
	}
}

// drawIntervals draws a line over each interval, with a cap at both ends.
func (d *plotted) drawIntervals() {
	s := stroke{color: ink, width: 0.9}
	for server, row := range d.low {
		for g, low := range row {
			if math.IsNaN(low) {
				continue
			}
			x, cap := d.left(server, g)+d.bar/2, min(d.bar/5, 4)
			from, to := d.y(low), d.y(min(d.high[server][g], d.most))
			d.line(s, [2]float64{x, from}, [2]float64{x, to})
			d.line(s, [2]float64{x - cap, from}, [2]float64{x + cap, from})
			if d.high[server][g] <= d.most { // else it goes on
				d.line(s, [2]float64{x - cap, to}, [2]float64{x + cap, to})
			}
		}
	}
}

// reach is the height of a bar with its interval.
func (d *plotted) reach(server, group int, v float64) float64 {
	if server < len(d.high) && d.high[server][group] > v && d.bar >= thinnestBar {
		return min(d.high[server][group], d.most)
	}
	return v
}

// drawLines draws a line for each server where there is no room for bars.
func (d *plotted) drawLines() {
	for server, row := range d.values {
		s := stroke{d.colors[server], 1.4, serverDashes(server)}
		var run [][2]float64
		flush := func() {
			if len(run) == 1 {
				d.fill(box{run[0][0] - 1, run[0][1] - 1, 2, 2}, s.color)
			} else if len(run) > 1 {
				d.line(s, run...)
			}
			run = run[:0]
		}
		for g, v := range row {
			if math.IsNaN(v) {
				flush()
				continue
			}
			run = append(run, [2]float64{d.area.x + (float64(g)+0.5)*d.group, d.y(v)})
		}
		flush()
	}
}

// serverDashes are the dashes of a server's line: none for the first.
func serverDashes(server int) []float64 {
	if server == 0 {
		return nil
	}
	return [][]float64{{6, 2}, {2, 2}, {8, 2, 2, 2}, {4, 2}}[(server-1)%4]
}

// reference draws the line of the ratio 1.
func (d *plotted) reference() {
	if d.ratio {
		y := snap(d.y(0)) + 0.3
		d.line(stroke{ink, 1, []float64{4, 3}}, [2]float64{d.area.x, y}, [2]float64{d.area.right(), y})
	}
}

// xAxis draws the base line and the names of the groups.
func (d *plotted) xAxis() {
	y := d.area.bottom() + 0.3
	d.line(stroke{color: edge, width: 0.9}, [2]float64{d.area.x, y}, [2]float64{d.area.right(), y})
	used := d.groupNames(y + 13)
	if d.axis != "" {
		d.text(captionFace.clip(d.axis, d.area.w), captionFace, muted, d.area.x+d.area.w/2, y+used+14, 0.5)
	}
}

// groupNames writes the names from a baseline on, as many as there is room for,
// and returns the height below the axis.
func (d *plotted) groupNames(y float64) float64 {
	const few = 12
	step, room := 1, d.group-6
	if len(d.names) > few {
		widest := min(tickFace.widest(d.names), 70)
		room = widest + 1
		step = int(niceStep(float64(len(d.names)), int(d.area.w/(widest+8))))
		step = max(step, 1)
	}
	height := 14.0
	for g := 0; g < len(d.names); g += step {
		x := d.area.x + (float64(g)+0.5)*d.group
		lines := []string{tickFace.clip(d.names[g], room)}
		if len(d.names) <= few {
			lines = tickFace.wrap(d.names[g], room)
		}
		if d.allVoid(g) && d.missing[0][g] != "void" && step == 1 && room > 18 {
			lines = append(lines, "void")
		}
		for i, s := range lines {
			c := muted
			if i > 0 && s == "void" {
				c = danger
			}
			d.text(s, tickFace, c, x, y+float64(i)*11.5, 0.5)
		}
		height = max(height, 2+float64(len(lines))*11.5)
	}
	return height
}

func (d *plotted) drawLabels() {
	for server, row := range d.values {
		for g, v := range row {
			x := d.left(server, g) + d.bar/2
			switch {
			case math.IsNaN(v) && d.crosses():
				d.text("×", typeface{size: d.bar + 1}, muted, x, d.y(0)-3, 0.5)
			case d.labels.write == nil:
			case math.IsNaN(v):
				d.label(d.missing[server][g], muted, x, d.y(0)-4)
			case v < 0:
				d.label(d.labels.write(v), ink, x, d.y(v)+d.labels.height(d.labels.write(v))+3)
			default:
				d.label(d.labels.write(v), ink, x, d.y(d.reach(server, g, v))-4)
			}
		}
	}
}

// crosses is whether crosses stand for missing bars, as labels have no room.
func (d *plotted) crosses() bool {
	missing := func(row []float64) bool { return slices.ContainsFunc(row, math.IsNaN) }
	return d.labels.write == nil && d.bar > 3 && slices.ContainsFunc(d.values, missing)
}

// label writes at a bar, on white where a line for reference may run below it.
func (d *plotted) label(s string, c color.RGBA, x, y float64) {
	face := d.labels.face
	w, h := face.width(s), face.size
	if d.labels.turned {
		w, h = h, w
	}
	if y1 := d.y(0); d.ratio && y1 > y-h-1 && y1 < y+2 {
		d.fill(box{x - w/2 - 1, y - h, w + 2, h + 1}, white)
	}
	if d.labels.turned {
		d.turned(s, face, c, x, y)
	} else {
		d.text(s, face, c, x, y, 0.5)
	}
}
