package chart

import (
	"fmt"
	"math"
)

// speedUps is a chart of each metric's mean speed-up relative to the first server, on a
// logarithmic axis: as far up for a server that is twice as good as down for one that is
// twice as bad. Ratios are 1 or more both ways, as in sentences and tables.
func (c *Comparison) speedUps() *bars {
	ratio := func(v float64) string { return times(math.Exp(math.Abs(v))) }
	b := &bars{
		title: "Mean speed-up",
		note:  "geometric mean vs " + c.Servers[0] + "; up is better, down is worse",
		write: ratio,
		short: ratio,
		ratio: true,
	}
	common := make([][]int, len(c.Panels))
	for i := range c.Panels {
		common[i] = c.common(&c.Panels[i])
		b.names = append(b.names, c.Panels[i].Title+c.partOf(common[i]))
	}
	for server := 1; server < len(c.Servers); server++ {
		row, void, missing := make([]float64, len(c.Panels)), make([]bool, len(c.Panels)), make([]string, len(c.Panels))
		for i := range c.Panels {
			row[i], missing[i] = math.Log(c.speedUp(&c.Panels[i], server, common[i])), "n/a"
			if !c.held(&c.Panels[i], server) && len(c.Loads) > 0 {
				void[i], missing[i] = true, "void"
			}
		}
		b.values, b.void, b.missing = append(b.values, row), append(b.void, void), append(b.missing, missing)
		b.colors = append(b.colors, serverColor(server))
	}
	return b
}

// partOf names loads where they are not all, and "" else.
func (c *Comparison) partOf(loads []int) string {
	switch n := len(loads); {
	case n == 0 || n == len(c.Loads):
		return ""
	case n > 2:
		return fmt.Sprintf(" (%d of %d)", n, len(c.Loads))
	case n == 2:
		return " at " + c.Loads[loads[0]] + ", " + c.Loads[loads[1]]
	}
	return " at " + c.Loads[loads[0]]
}

// held reports whether a server's comparison holds in a panel at any load.
func (c *Comparison) held(p *Panel, server int) bool {
	for load := range c.Loads {
		if p.void(server, load) == "" {
			return true
		}
	}
	return false
}

// ratioAt is how many times better a server is than the first one at a load, NaN where that
// is not comparable or a value is missing.
func (p *Panel) ratioAt(server, load int) float64 {
	over, under := p.at(0, load), p.at(server, load)
	if p.HigherIsBetter {
		over, under = under, over
	}
	if v := over / under; p.void(server, load) == "" && under > 0 && v > 1/mostValue && v < mostValue {
		return v
	}
	return math.NaN()
}

// common are the loads at which all servers compare with the first one, but for those that do
// so nowhere: means over different loads would not compare with each other.
func (c *Comparison) common(p *Panel) (loads []int) {
	var compared []int
	for server := 1; server < len(c.Servers); server++ {
		for load := range c.Loads {
			if !math.IsNaN(p.ratioAt(server, load)) {
				compared = append(compared, server)
				break
			}
		}
	}
	for load := range c.Loads {
		all := len(compared) > 0
		for _, server := range compared {
			all = all && !math.IsNaN(p.ratioAt(server, load))
		}
		if all {
			loads = append(loads, load)
		}
	}
	return loads
}

// speedUp is the geometric mean of a server's speed-ups relative to the first one at some
// loads, NaN where there is none.
func (c *Comparison) speedUp(p *Panel, server int, loads []int) float64 {
	sum := 0.0
	for _, load := range loads {
		sum += math.Log(p.ratioAt(server, load))
	}
	return math.Exp(sum / float64(len(loads)))
}
