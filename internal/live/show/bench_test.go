package show

import (
	"testing"
	"time"

	"loadgen/internal/health"
	"loadgen/internal/live"
	"loadgen/pkg/client"
)

// BenchmarkSecond is what a second of the live view takes: four frames of a run of 1,000
// streams, of which 200 of 100 events each end a second, with what judging them takes.
func BenchmarkSecond(b *testing.B) {
	var r client.Result
	r.Start, r.Written = time.Second, time.Second
	for i := range 100 {
		r.Events = append(r.Events, client.Event{At: r.Start + 500*ms + time.Duration(i)*50*ms, Choices: true})
	}
	r.Usage.Completion, r.End = 100, r.Events[99].At
	for _, c := range []struct {
		name     string
		detailed bool
		frames   int
	}{{"count", false, 0}, {"line", true, 0}, {"view", true, 4}} {
		b.Run(c.name, func(b *testing.B) {
			tally := live.New(live.Options{Planned: 1 << 30, Detailed: c.detailed, UnderWay: func() (int64, int64) { return 1000, 1 << 20 },
				Health: func() health.Report { return health.Report{Wall: time.Hour, User: time.Minute, Cores: 2} }})
			at := time.Duration(0)
			for b.Loop() {
				for range 200 {
					tally.Add(&r)
				}
				for range 4 {
					if at += 250 * ms; c.frames == 0 {
						p := tally.Progress(at)
						Bar(&p, 120)
						continue
					}
					s := tally.State(at)
					View(&s, Options{Width: 200, Height: 50, Color: true})
				}
			}
		})
	}
}
