package report

import (
	"math"

	"loadgen/internal/judge"
)

// isVoid reports whether a server's value is not comparable; the baseline's is where no other
// server's compares with it.
func (g *Group) isVoid(load, variant int, quantity judge.Quantity) bool {
	if variant > 0 {
		r := g.row(load, variant, quantity)
		return r != nil && r.Void != ""
	}
	void := false
	for other := 1; other < len(g.Variants); other++ {
		if r := g.row(load, other, quantity); r != nil && r.Void == "" {
			return false
		} else if r != nil {
			void = true
		}
	}
	return void
}

// interval is that of a server's comparison with the baseline, around the server's value:
// where it does not contain the baseline's the two differ. Both are NaN where there is none.
func (g *Group) interval(load, variant int, quantity judge.Quantity) (low, high float64) {
	r := g.row(load, variant, quantity)
	if variant == 0 || r == nil || r.Interval == nil || r.Void != "" || math.IsNaN(r.Ratio) {
		return math.NaN(), math.NaN()
	}
	v := g.value(load, variant, quantity)
	return v * r.RatioLow / r.Ratio, v * r.RatioHigh / r.Ratio
}
