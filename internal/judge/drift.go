package judge

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"loadgen/internal/student"
)

// Drift is a change of a metric from repeat to repeat that the servers and loads of a
// comparison have in common.
type Drift struct {
	Metric string
	// Change is the median change from the first repeat to the last, as a share.
	Change float64
	P      float64
	Text   string
}

// driftP is how unlikely a trend must be by chance to be reported: there are a few metrics.
const driftP = 0.01

// drifts finds trends over the repeats by the seasonal Kendall test (Hirsch, Slack and
// Smith 1982), with each server at each concurrency as a season: it needs no law of the
// values, and no season's deviation counts more than another's.
func (c *Comparison) drifts() (all []Drift) {
	for _, m := range []string{"ttft", "tpot", "e2el"} {
		f := Quantity{Metric: m, Statistic: MeanOf}
		rising, variance := 0.0, 0.0
		var changes []float64
		for load, variants := range c.Summaries {
			for variant, summary := range variants {
				if summary == nil || len(summary.Series[f]) < 2 || c.VoidOf(load, variant, m) != "" {
					continue
				}
				s, v := kendall(summary.Series[f])
				rising, variance = rising+s, variance+v
				if change := trend(summary.Series[f]); !math.IsNaN(change) {
					changes = append(changes, change)
				}
			}
		}
		if variance == 0 || len(changes) == 0 {
			continue
		}
		z := max(math.Abs(rising)-1, 0) / math.Sqrt(variance)
		p := student.NormalTails(z)
		if p > driftP {
			continue
		}
		slices.Sort(changes)
		change := (changes[(len(changes)-1)/2] + changes[len(changes)/2]) / 2
		all = append(all, Drift{m, change, p, fmt.Sprintf("%s changed from repeat to repeat, by %+.2g %% from the first to the last (median): something other than the servers changed; compare runs in turn (interleaved or ABBA), or look for what warms up or fills up",
			strings.ToUpper(m), 100*change)})
	}
	return all
}

// kendall is how many pairs of runs rise, less those that fall, and the variance of that
// where there is no trend.
func kendall(runs []Series) (s, variance float64) {
	for i := range runs {
		for _, later := range runs[i+1:] {
			switch d := later.Value - runs[i].Value; {
			case d > 0:
				s++
			case d < 0:
				s--
			}
		}
	}
	n := float64(len(runs))
	return s, n * (n - 1) * (2*n + 5) / 18
}

// trend is the change over all runs by the median slope of their pairs (Theil and Sen),
// relative to the mean.
func trend(runs []Series) float64 {
	var slopes []float64
	for i := range runs {
		for k := i + 1; k < len(runs); k++ {
			slopes = append(slopes, (runs[k].Value-runs[i].Value)/float64(k-i))
		}
	}
	slices.Sort(slopes)
	n := len(slopes)
	return (slopes[(n-1)/2] + slopes[n/2]) / 2 * float64(len(runs)-1) / center(runs)
}
