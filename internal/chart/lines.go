package chart

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Series is a line: points in order of X.
type Series struct {
	Name   string
	X, Y   []float64
	Notes  []string // for the tooltip of each point, or nil
	Server int      // picks the colour class, "s0" to "s19"
	// Low and High are the interval around each point, NaN where there is none; nil for none.
	Low, High []float64
	// Void says of each point that it is not comparable: it is pale, and lines to it are dashed.
	Void []bool
}

// Lines is a line chart for an HTML page that has the Stylesheet. A label may end
// with its unit, as in "TTFT (ms)"; the tooltips have it then.
type Lines struct {
	Title, XLabel, YLabel string
	XScale                Scale
	XNames                []string // where X is 0, 1, and so on: the names of these places
	YFromZero             bool     // no effect where YLog is set
	YLog                  bool
	Series                []Series
	Step                  bool // step lines, for a distribution function
	Markers               bool // a mark at each point
}

// The chart's sizes in its own units, which are somewhat less than pixels on a phone
// and somewhat more on a desk. Room is made for the phone's text, the larger one.
const (
	inlineWidth = 440
	plotHeight  = 210
	lineHeight  = 21.0
	sample      = 26.0 // a line in the legend
)

var (
	headFace  = typeface{16.5, true}
	labelFace = typeface{14.5, false}
	axisFace  = typeface{14, false}
)

// xy is a place in the chart; y grows downwards.
type xy struct{ x, y float64 }

// inline is a chart that is being written.
type inline struct {
	*Lines
	strings.Builder
	x, y axis
	plot box
}

// Inline is the chart as an <svg> element. Points that are not finite, or that the
// scale does not have, are left out.
func (l *Lines) Inline() string {
	c := &inline{Lines: l}
	shown := l.shown()
	top := 4.0
	if l.Title != "" {
		top += 24
	}
	names, places := l.legend()
	legendTop := top
	if len(names) > 0 {
		top += places[len(places)-1][1] + lineHeight
	}
	if l.YLabel != "" {
		top += lineHeight
	}
	c.fit(shown, top+8)
	if !anyShown(shown) {
		c.x.ticks, c.y.ticks = nil, nil
	}
	c.open(c.plot.bottom() + 46)
	c.heading(legendTop, names, places)
	c.axes(top)
	for i, s := range shown {
		c.series(&l.Series[i], s, len(shown))
	}
	if !anyShown(shown) {
		c.text("label", c.plot.x+c.plot.w/2, c.plot.y+c.plot.h/2, "middle", "no data")
	}
	c.WriteString("</svg>\n")
	return c.String()
}

// shown are the indexes, by series, of the points that can be drawn.
func (l *Lines) shown() [][]int {
	yScale := l.yScale()
	out := make([][]int, len(l.Series))
	for i, s := range l.Series {
		for k := range min(len(s.X), len(s.Y)) {
			if l.XScale.has(s.X[k]) && yScale.has(s.Y[k]) {
				out[i] = append(out[i], k)
			}
		}
	}
	return out
}

func anyShown(shown [][]int) bool {
	return slices.ContainsFunc(shown, func(s []int) bool { return len(s) > 0 })
}

func (l *Lines) yScale() Scale {
	if l.YLog {
		return Log
	}
	return Linear
}

// fit finds the axes and the place of the plot, which begins at a height.
func (c *inline) fit(shown [][]int, top float64) {
	var xs, ys []float64
	for i, s := range shown {
		for _, k := range s {
			xs = append(xs, c.Series[i].X[k])
			ys = append(ys, c.Series[i].Y[k])
		}
	}
	ys = append(ys, c.reach(shown, ys)...)
	if c.YFromZero && !c.YLog {
		ys = append(ys, 0)
	}
	c.y = newAxis(c.yScale(), ys)
	c.y.widen()
	left := axisFace.widest(c.y.labels) + 12
	c.plot = box{math.Round(left), math.Round(top), inlineWidth - math.Round(left) - 22, plotHeight}
	c.x = newAxis(c.XScale, xs)
	if c.Markers {
		c.x.pad(0.03)
	}
	if len(c.XNames) > 0 {
		c.x.name(c.XNames)
	}
	c.x.place(c.plot.x, c.plot.right())
	c.y.place(c.plot.bottom(), c.plot.y)
}

// open begins the element with what readers of the page aloud need.
func (c *inline) open(height float64) {
	title := c.Title
	if title == "" {
		title = strings.TrimSpace(c.YLabel + " by " + c.XLabel)
	}
	var names []string
	for _, s := range c.Series {
		names = append(names, s.Name)
	}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 %d %s" width="100%%" role="img" aria-label="%s">`+"\n",
		inlineWidth, coordinate(height), escape(title))
	fmt.Fprintf(c, "<title>%s</title>\n<desc>Lines: %s. Horizontal axis: %s. Vertical axis: %s.</desc>\n",
		escape(title), escape(list(names)), escape(c.XLabel), escape(c.YLabel))
}

// heading writes the title and the legend.
func (c *inline) heading(y float64, names []string, places [][2]float64) {
	if c.Title != "" {
		c.text("head", 0, 18, "start", headFace.clip(c.Title, inlineWidth))
	}
	for i, name := range names {
		at := xy{places[i][0], y + places[i][1] + 10}
		server := serverClass(c.Series[i].Server)
		fmt.Fprintf(c, `<g class="s%d"><path class="line" fill="none" stroke="currentColor" d="M%s %sh%s"/>`, server, coordinate(at.x), coordinate(at.y), coordinate(sample))
		fmt.Fprintf(c, `<path class="mk" d="%s"/>`, marker(server, xy{at.x + sample/2, at.y}, 3.6))
		c.text("label", at.x+sample+6, at.y+4, "start", name)
		c.WriteString("</g>\n")
	}
}

// legend is the names of the series, where there is more than one, and their places.
func (l *Lines) legend() ([]string, [][2]float64) {
	if len(l.Series) < 2 {
		return nil, nil
	}
	const fewLines = 4
	names, places := l.legendOf(inlineWidth)
	if places[len(places)-1][1] >= fewLines*lineHeight {
		short, closer := l.legendOf(inlineWidth / 2)
		if len(slices.Compact(slices.Sorted(slices.Values(short)))) == len(short) { // still told apart
			return short, closer
		}
	}
	return names, places
}

// legendOf clips the series' names to a width and places them.
func (l *Lines) legendOf(width float64) (names []string, places [][2]float64) {
	x, y := 0.0, 0.0
	for _, s := range l.Series {
		name := labelFace.clip(s.Name, (width-sample-6)/1.05)
		w := sample + 6 + 1.05*labelFace.width(name) // the page's font may be wider
		if x > 0 && x+w > inlineWidth {
			x, y = 0, y+lineHeight
		}
		names, places = append(names, name), append(places, [2]float64{x, y})
		x += w + 20
	}
	return names, places
}

// axes writes the grid, the ticks and the labels.
func (c *inline) axes(top float64) {
	p := c.plot
	var grid strings.Builder
	for _, t := range c.y.ticks {
		fmt.Fprintf(&grid, "M%s %sh%s", coordinate(p.x), coordinate(c.y.at(t)), coordinate(p.w))
	}
	for _, t := range c.x.ticks {
		if len(c.x.ticks) > 40 {
			break // names of many places
		}
		fmt.Fprintf(&grid, "M%s %sv%s", coordinate(c.x.at(t)), coordinate(p.y), coordinate(p.h))
	}
	fmt.Fprintf(c, `<path class="grid" fill="none" d="%s"/>`+"\n", grid.String())
	fmt.Fprintf(c, `<path class="axis" fill="none" d="M%s %sh%s"/>`+"\n", coordinate(p.x), coordinate(p.bottom()), coordinate(p.w))
	for i, t := range c.y.ticks {
		c.text("tick", p.x-6, c.y.at(t)+4.5, "end", c.y.labels[i])
	}
	end := math.Inf(-1) // of the tick before
	for i, t := range c.x.ticks {
		label := axisFace.clip(c.x.labels[i], p.w/3)
		half := axisFace.width(label) / 2
		x := min(c.x.at(t), inlineWidth-half) // not beyond the chart
		if x-half > end+8 {
			c.text("tick", x, p.bottom()+17, "middle", label)
			end = x + half
		}
	}
	c.text("label", 0, top-5, "start", labelFace.clip(c.YLabel, inlineWidth))
	c.text("label", p.x+p.w/2, p.bottom()+38, "middle", labelFace.clip(c.XLabel, p.w))
}

// series writes a line through the points with the given indexes.
func (c *inline) series(s *Series, shown []int, all int) {
	if len(shown) == 0 {
		return
	}
	points := make([]xy, len(shown))
	for i, k := range shown {
		points[i] = xy{c.x.at(c.x.to(s.X[k])), c.y.at(c.y.to(s.Y[k]))}
	}
	lone := !slices.ContainsFunc(points, func(p xy) bool { return p != points[0] })
	fmt.Fprintf(c, `<g class="s%d">`+"\n", serverClass(s.Server))
	if !lone {
		for _, part := range stretches(points, func(i int) bool { return s.void(shown[i]) }) {
			path := part.points
			if c.Step {
				path = steps(path)
			}
			fmt.Fprintf(c, `<path class="%s" fill="none" stroke="currentColor" d="%s"/>`+"\n", voidClass("line", part.void), pathData(thin(path, mostPoints)))
		}
	}
	if all > 1 && !c.Markers && !lone {
		c.marks(s, shown, points)
	}
	for i, k := range shown {
		c.interval(s, k, points[i].x)
	}
	for _, i := range spread(points, max(20, min(mostHovers, 480/all))) {
		k := shown[i]
		tip := fmt.Sprintf("%s: %s, %s", s.Name, withUnit(c.x.write(s.X[k]), c.XLabel), withUnit(c.y.write(s.Y[k]), c.YLabel))
		if k < len(s.Notes) {
			tip += ", " + s.Notes[k]
		}
		if low, high := s.interval(k); s.void(k) {
			tip += ", not comparable"
		} else if !math.IsNaN(low) {
			tip += fmt.Sprintf(", 95 %% interval %s to %s", c.y.write(low), c.y.write(high))
		}
		c.point(serverClass(s.Server), points[i], c.Markers || lone, voidClass("pt", s.void(k)), tip)
	}
	c.WriteString("</g>\n")
}

// marks writes a server's mark at a few places of a line whose points have none, evenly along
// it and elsewhere than other servers': lines are told apart without their colours.
func (c *inline) marks(s *Series, shown []int, points []xy) {
	const places = 5
	along := make([]float64, len(points))
	for i := 1; i < len(points); i++ {
		along[i] = along[i-1] + math.Abs(points[i].x-points[i-1].x) + math.Abs(points[i].y-points[i-1].y)
	}
	server := serverClass(s.Server)
	for i := range places {
		at, _ := slices.BinarySearch(along, along[len(along)-1]*(float64(i)+(float64(server%7)+0.5)/7)/places)
		fmt.Fprintf(c, `<path class="%s" d="%s"/>`+"\n", voidClass("mk", s.void(shown[at])), marker(server, points[at], 3.2))
	}
}

// point writes a place with a tooltip, marked or not to be seen.
func (c *inline) point(server int, at xy, marked bool, class, tip string) {
	if marked {
		fmt.Fprintf(c, `<path class="%s" d="%s"><title>%s</title></path>`+"\n", class, marker(server, at, 3.6), escape(tip))
		return
	}
	fmt.Fprintf(c, `<circle class="hit" fill="transparent" cx="%s" cy="%s" r="6"><title>%s</title></circle>`+"\n", coordinate(at.x), coordinate(at.y), escape(tip))
}

func (c *inline) text(class string, x, y float64, anchor, s string) {
	if s == "" {
		return
	}
	fmt.Fprintf(c, `<text class="%s" x="%s" y="%s" text-anchor="%s">%s</text>`+"\n", class, coordinate(x), coordinate(y), anchor, escape(s))
}

func escape(s string) string { return html.EscapeString(clean(s)) }

// withUnit adds the unit with which a label ends, in brackets, to a value.
func withUnit(value, label string) string {
	label = clean(label)
	open := strings.LastIndexAny(label, "([")
	if open < 0 || !strings.HasSuffix(label, ")") && !strings.HasSuffix(label, "]") || strings.HasSuffix(value, "%") {
		return value
	}
	return value + " " + label[open+1:len(label)-1]
}
