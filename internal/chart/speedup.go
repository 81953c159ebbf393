package chart

import "math"

// speedUps is a chart of each metric's mean speed-up relative to the first side.
func (c *Comparison) speedUps() *bars {
	b := &bars{
		title:  "Mean speed-up",
		remark: "mean over levels, relative to " + c.Sides[0] + "; above 1x is better",
		write:  times,
		short:  times,
		mark:   1,
	}
	partly := false
	for i := range c.Panels {
		b.names = append(b.names, c.Panels[i].Title)
	}
	for side := 1; side < len(c.Sides); side++ {
		row, void, missing := make([]float64, len(c.Panels)), make([]bool, len(c.Panels)), make([]string, len(c.Panels))
		for i := range c.Panels {
			held := c.held(&c.Panels[i], side)
			row[i], missing[i] = c.speedUp(&c.Panels[i], side), "n/a"
			if held == 0 && len(c.Levels) > 0 {
				void[i], missing[i] = true, "void"
			}
			partly = partly || held > 0 && held < len(c.Levels)
		}
		b.values, b.void, b.missing = append(b.values, row), append(b.void, void), append(b.missing, missing)
		b.colors = append(b.colors, sideColor(side))
	}
	if partly {
		b.remark = "mean over levels not void, relative to " + c.Sides[0] + "; above 1x is better"
	}
	return b
}

// held is at how many levels a side's comparison holds in a panel.
func (c *Comparison) held(p *Panel, side int) int {
	n := 0
	for level := range c.Levels {
		if p.void(side, level) == "" {
			n++
		}
	}
	return n
}

// speedUp is the mean of a side's speed-ups relative to the first side at the
// levels that are not void and have both values, NaN where there is none.
func (c *Comparison) speedUp(p *Panel, side int) float64 {
	sum, n := 0.0, 0
	for level := range c.Levels {
		over, under := p.at(0, level), p.at(side, level)
		if p.HigherIsBetter {
			over, under = under, over
		}
		if v := over / under; p.void(side, level) == "" && under > 0 && v < mostValue {
			sum += v
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}
