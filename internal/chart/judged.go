package chart

import (
	"fmt"
	"math"
	"slices"
)

// What a judgement adds to line charts: intervals, and which points are not comparable.

func (s *Series) void(point int) bool { return point < len(s.Void) && s.Void[point] }

// interval is that around a point, both NaN where there is none.
func (s *Series) interval(point int) (low, high float64) {
	if point >= len(s.Low) || point >= len(s.High) || s.void(point) || !(s.Low[point] <= s.High[point]) {
		return math.NaN(), math.NaN()
	}
	return s.Low[point], s.High[point]
}

// reach are the ends of the intervals of the points that are shown, as far as the chart shows
// them.
func (c *inline) reach(shown [][]int, ys []float64) (ends []float64) {
	if len(ys) == 0 {
		return nil
	}
	least, most := min(0, slices.Min(ys)), widestInterval*slices.Max(ys)
	for i, s := range shown {
		for _, k := range s {
			low, high := c.Series[i].interval(k)
			if c.yScale().has(low) {
				ends = append(ends, max(low, least))
			}
			if c.yScale().has(high) {
				ends = append(ends, min(high, most))
			}
		}
	}
	return ends
}

// interval writes the line of a point's interval, with caps at the ends that the chart shows.
func (c *inline) interval(s *Series, point int, x float64) {
	low, high := s.interval(point)
	if math.IsNaN(low) {
		return
	}
	const cap = 4
	d := ""
	ends := [2]float64{c.plot.bottom(), c.plot.y}
	for i, v := range [2]float64{low, high} {
		if y := c.y.at(c.y.to(v)); c.yScale().has(v) && y >= c.plot.y && y <= c.plot.bottom() {
			ends[i] = y
			d += fmt.Sprintf("M%s %sh%d", coordinate(x-cap), coordinate(y), 2*cap)
		}
	}
	fmt.Fprintf(c, `<path class="ci" fill="none" stroke="currentColor" d="M%s %sV%s%s"/>`+"\n", coordinate(x), coordinate(ends[0]), coordinate(ends[1]), d)
}

// stretch is a part of a line whose ends are comparable, or one of which is not.
type stretch struct {
	points []xy
	void   bool
}

// stretches are the parts of a line.
func stretches(points []xy, void func(i int) bool) (out []stretch) {
	for i := 1; i < len(points); i++ {
		pale := void(i-1) || void(i)
		if n := len(out); n > 0 && out[n-1].void == pale {
			out[n-1].points = append(out[n-1].points, points[i])
		} else {
			out = append(out, stretch{[]xy{points[i-1], points[i]}, pale})
		}
	}
	return out
}

func voidClass(class string, void bool) string {
	if void {
		return class + " void"
	}
	return class
}
