package chart

import (
	"math"
	"strings"
	"testing"
)

// judgedBars is a comparison with intervals, one of them much wider than the values, and one
// load that is not comparable.
func judgedBars() *Comparison {
	c := typical()
	nan := math.NaN()
	for i := range c.Panels {
		p := &c.Panels[i]
		p.Low, p.High = [][]float64{nil, {nan, 0, 0}}, [][]float64{nil, {nan, 0, 0}}
		p.Low[1][1], p.High[1][1] = 0.9*p.Values[1][1], 1.1*p.Values[1][1]
		p.Low[1][2], p.High[1][2] = 0.5*p.Values[1][2], 20*p.Values[1][2]
	}
	p := &c.Panels[1]
	p.Low[1][0], p.High[1][0], p.Void = 5, 6, void("decoding differs", "", "")
	return c
}

// judgedLines is the same as a line chart.
func judgedLines() *Lines {
	l := sweep(3)
	for i := 1; i < len(l.Series); i++ {
		s := &l.Series[i]
		s.Void = []bool{false, i == 1, false, false, true, true, false, false}
		for k, y := range s.Y {
			s.Low, s.High = append(s.Low, 0.8*y), append(s.High, 1.2*y)
			if k == 7 {
				s.Low[k], s.High[k] = -y, 100*y
			}
		}
	}
	return l
}

// TestIntervals: bars have a line over each interval but where nothing is comparable; what is
// far above the values is cut off, and values stand above their lines.
func TestIntervals(t *testing.T) {
	svg := figure(t, judgedBars().SVG)
	wellFormed(t, svg)
	golden(t, "judged.svg", svg)
	b := judgedBars().bars()
	for panel := range judgedBars().Panels {
		for load, want := range []bool{false, true, true} {
			if got := !math.IsNaN(b[panel].low[1][load]); got != want {
				t.Errorf("panel %d at load %d: an interval %v, want %v", panel, load, got, want)
			}
		}
	}
	if !strings.Contains(svg, "Lines on bars: the 95 % interval of the comparison with PyTorch (HF)") {
		t.Error("the lines are not explained")
	}
	if svg := figure(t, typical().SVG); strings.Contains(svg, "Lines on bars") {
		t.Error("lines that are not there are explained")
	}
	d := b[0].place(newSVG(), box{0, 0, 400, 200})
	if most := 1.3 * 10064; d.top < most || d.top > 1.5*most {
		t.Errorf("the axis ends at %v", d.top)
	}
	if a, b := d.reach(1, 1, 5178), d.reach(1, 2, 10064); a != 1.1*5178 || b != d.most {
		t.Errorf("labels stand above %v and %v", a, b)
	}
}

// TestJudgedLines: points that are not comparable are pale, and so are the lines to them; all
// others have their intervals.
func TestJudgedLines(t *testing.T) {
	svg := judgedLines().Inline()
	wellFormed(t, svg)
	golden(t, "judged_lines.svg", svg)
	groups := strings.Split(svg, `<g class="s`)
	for i, want := range []struct{ lines, pale, points, ci int }{{1, 0, 0, 0}, {2, 2, 3, 6}, {2, 1, 2, 7}} {
		group := groups[len(groups)-3+i]
		got := []int{strings.Count(group, `class="line"`), strings.Count(group, `class="line void"`), strings.Count(group, `class="pt void"`), strings.Count(group, `class="ci"`)}
		if got[0] != want.lines || got[1] != want.pale || got[2] != want.points || got[3] != want.ci {
			t.Errorf("server %d: %v, want %+v", i, got, want)
		}
	}
	for _, want := range []string{"212 ms, 95 % interval 170 to 254<", "116 ms, not comparable<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in %s", want, svg)
		}
	}
}
