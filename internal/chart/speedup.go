package chart

import "math"

// speedUps is a chart of each metric's mean speed-up relative to the first server.
func (c *Comparison) speedUps() *bars {
	b := &bars{
		title: "Mean speed-up",
		note:  "mean over all, relative to " + c.Servers[0] + "; above 1x is better",
		write: times,
		short: times,
		mark:  1,
	}
	partly := false
	for i := range c.Panels {
		b.names = append(b.names, c.Panels[i].Title)
	}
	for server := 1; server < len(c.Servers); server++ {
		row, void, missing := make([]float64, len(c.Panels)), make([]bool, len(c.Panels)), make([]string, len(c.Panels))
		for i := range c.Panels {
			held := c.held(&c.Panels[i], server)
			row[i], missing[i] = c.speedUp(&c.Panels[i], server), "n/a"
			if held == 0 && len(c.Loads) > 0 {
				void[i], missing[i] = true, "void"
			}
			partly = partly || held > 0 && held < len(c.Loads)
		}
		b.values, b.void, b.missing = append(b.values, row), append(b.void, void), append(b.missing, missing)
		b.colors = append(b.colors, serverColor(server))
	}
	if partly {
		b.note = "mean over what is comparable, relative to " + c.Servers[0] + "; above 1x is better"
	}
	return b
}

// held is at how many loads a server's comparison holds in a panel.
func (c *Comparison) held(p *Panel, server int) int {
	n := 0
	for load := range c.Loads {
		if p.void(server, load) == "" {
			n++
		}
	}
	return n
}

// speedUp is the mean of a server's speed-ups relative to the first server at the
// loads that are comparable and have both values, NaN where there is none.
func (c *Comparison) speedUp(p *Panel, server int) float64 {
	sum, n := 0.0, 0
	for load := range c.Loads {
		over, under := p.at(0, load), p.at(server, load)
		if p.HigherIsBetter {
			over, under = under, over
		}
		if v := over / under; p.void(server, load) == "" && under > 0 && v < mostValue {
			sum += v
			n++
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}
