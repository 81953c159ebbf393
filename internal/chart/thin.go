package chart

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	mostPoints = 400 // of a line
	mostHovers = 60  // places with a tooltip on a line
	mostExact  = 6000
)

// steps are the corners of a line that holds each height until the next point.
func steps(points []xy) []xy {
	out := make([]xy, 0, 2*len(points))
	for i, p := range points {
		if i > 0 {
			out = append(out, xy{p.x, points[i-1].y})
		}
		out = append(out, p)
	}
	return out
}

// thin leaves out the points of a line that change it least.
func thin(points []xy, most int) []xy {
	if len(points) <= most {
		return points
	}
	if len(points) > mostExact {
		points = columns(points)
	}
	type span struct {
		from, to, at int
		far          float64
	}
	measure := func(from, to int) span {
		s := span{from: from, to: to, far: -1}
		for i := from + 1; i < to; i++ {
			if d := distance(points[i], points[from], points[to]); d > s.far {
				s.at, s.far = i, d
			}
		}
		return s
	}
	keep := []int{0, len(points) - 1}
	spans := []span{measure(0, len(points)-1)}
	for len(keep) < most {
		worst := 0
		for i, s := range spans {
			if s.far > spans[worst].far {
				worst = i
			}
		}
		s := spans[worst]
		if s.far < 0.1 {
			break
		}
		keep = append(keep, s.at)
		spans[worst] = measure(s.from, s.at)
		spans = append(spans, measure(s.at, s.to))
	}
	slices.Sort(keep)
	out := make([]xy, len(keep))
	for i, k := range keep {
		out[i] = points[k]
	}
	return out
}

// distance is how far a point is from the line between two others.
func distance(p, a, b xy) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	square := dx*dx + dy*dy
	t := 0.0
	if square > 0 {
		t = min(1, max(0, ((p.x-a.x)*dx+(p.y-a.y)*dy)/square))
	}
	return math.Hypot(p.x-a.x-t*dx, p.y-a.y-t*dy)
}

// columns keeps the first, lowest, highest and last point of each half unit of x.
func columns(points []xy) []xy {
	column := func(i int) float64 { return math.Floor(2 * points[i].x) }
	var out []xy
	for from := 0; from < len(points); {
		low, high, to := from, from, from
		for ; to < len(points) && column(to) == column(from); to++ {
			if points[to].y < points[low].y {
				low = to
			}
			if points[to].y > points[high].y {
				high = to
			}
		}
		picked := []int{from, low, high, to - 1}
		slices.Sort(picked)
		for _, i := range slices.Compact(picked) {
			out = append(out, points[i])
		}
		from = to
	}
	return out
}

// spread picks at most so many points that are not close to each other, the first
// and the last among them, by index.
func spread(points []xy, most int) []int {
	out := []int{0}
	for i := 1; i < len(points); i++ {
		last := points[out[len(out)-1]]
		if len(points) <= most || i == len(points)-1 || math.Hypot(points[i].x-last.x, points[i].y-last.y) >= 10 {
			out = append(out, i)
		}
	}
	if len(out) <= most {
		return out
	}
	few := make([]int, most)
	for i := range few {
		few[i] = out[i*(len(out)-1)/(most-1)]
	}
	return few
}

// pathData is a line as SVG has it.
func pathData(points []xy) string {
	var b strings.Builder
	for i, p := range points {
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(coordinate(p.x))
		b.WriteByte(' ')
		b.WriteString(coordinate(p.y))
	}
	return b.String()
}

// coordinate writes a number with at most one decimal.
func coordinate(v float64) string {
	s := strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	if s == "-0" {
		return "0"
	}
	return s
}

// marker is the outline of a server's mark: each of seven servers has another shape.
func marker(server int, at xy, r float64) string {
	corner := func(dx, dy float64) string { return coordinate(at.x+dx*r) + " " + coordinate(at.y+dy*r) }
	polygon := func(d ...float64) string {
		s := "M" + corner(d[0], d[1])
		for i := 2; i < len(d); i += 2 {
			s += "L" + corner(d[i], d[i+1])
		}
		return s + "z"
	}
	switch server % 7 {
	case 1:
		return polygon(-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9)
	case 2:
		return polygon(0, -1.2, 1.1, 0.8, -1.1, 0.8)
	case 3:
		return polygon(0, -1.3, 1.3, 0, 0, 1.3, -1.3, 0)
	case 4:
		return polygon(0, 1.2, 1.1, -0.8, -1.1, -0.8)
	case 5: // an upright cross
		return polygon(-0.4, -1.2, 0.4, -1.2, 0.4, -0.4, 1.2, -0.4, 1.2, 0.4, 0.4, 0.4, 0.4, 1.2, -0.4, 1.2, -0.4, 0.4, -1.2, 0.4, -1.2, -0.4, -0.4, -0.4)
	case 6: // a bar
		return polygon(-1.3, -0.5, 1.3, -0.5, 1.3, 0.5, -1.3, 0.5)
	}
	radius := coordinate(r)
	return "M" + corner(-1, 0) + "a" + radius + " " + radius + " 0 1 0 " + coordinate(2*r) + " 0a" + radius + " " + radius + " 0 1 0 " + coordinate(-2*r) + " 0z"
}
