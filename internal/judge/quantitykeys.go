package judge

import (
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/lazy"
)

// Key is the quantity's key in result files: mean_ttft_ms, output_throughput.
func (f Quantity) Key() string {
	if f.Higher {
		return f.Metric
	}
	return f.Statistic.Name + "_" + f.Metric + "_ms"
}

var statisticKey = lazy.Regexp(`^(std|p\d{1,2}(?:\.\d+)?)_(ttft|tpot|itl|e2el)_ms$`)

// QuantityOf finds a quantity by its key: those that are compared, and any other percentile, or
// the deviation, of a latency.
func QuantityOf(key string) (f Quantity, found bool) {
	if at := slices.IndexFunc(Quantities, func(f Quantity) bool { return f.Key() == key }); at >= 0 {
		return Quantities[at], true
	}
	m := statisticKey.Get().FindStringSubmatch(key)
	if m == nil {
		return Quantity{}, false
	}
	p, _ := strconv.ParseFloat(strings.TrimPrefix(m[1], "p"), 64) // 0 for std
	return Quantity{Metric: m[2], Statistic: Statistic{Name: m[1], Q: p / 100}}, true
}
