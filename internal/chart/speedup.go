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
		p := &c.Panels[i]
		b.names = append(b.names, p.Title)
		held := c.held(p)
		missing := "n/a"
		if held == 0 && len(c.Levels) > 0 {
			missing = "void"
		}
		b.missing = append(b.missing, missing)
		b.void = append(b.void, missing == "void")
		partly = partly || held > 0 && held < len(c.Levels)
	}
	if partly {
		b.remark = "mean over levels not void, relative to " + c.Sides[0] + "; above 1x is better"
	}
	for side := 1; side < len(c.Sides); side++ {
		row := make([]float64, len(c.Panels))
		for i := range c.Panels {
			row[i] = c.speedUp(&c.Panels[i], side)
		}
		b.values = append(b.values, row)
		b.colors = append(b.colors, sideColor(side))
	}
	return b
}

// held is at how many levels a panel's comparison holds.
func (c *Comparison) held(p *Panel) int {
	n := 0
	for level := range c.Levels {
		if p.void(level) == "" {
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
		if v := over / under; p.void(level) == "" && under > 0 && v < mostValue {
			sum += v
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}
