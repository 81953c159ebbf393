package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"loadgen/internal/barrier"
	"loadgen/internal/load"
	"loadgen/internal/pause"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
)

// Ranks say which part of a run is this process's, where several make it together, and how
// they begin together. The zero value is a run of one process that begins at once.
type Ranks struct {
	ranks.Rank
	Host string
	// Barrier is where the ranks meet, nil where they do not.
	Barrier *barrier.Barrier
	// Start is when the schedule begins, by rank 0's calendar where they meet, else by this
	// host's; the zero time is soon after all have met.
	Start time.Time
	// UTC is what keeps this host's clock, and how well.
	UTC func(ctx context.Context) ranks.Clock
}

// isMine reports whether the request at a place of the plan is this process's to send.
func (b *Bench) isMine(place int) bool { return b.o.Ranks.Has(place, b.turn(place).Conversation) }

// isStored reports whether the request at a place of the data set is built. Of a run that
// begins again after the last, each process sends every one of them.
func (b *Bench) isStored(place int) bool { return cycles(b.s) || b.isMine(place) }

// Place is the place in the plan of a request, by its number among this process's.
func (b *Bench) Place(i int) int {
	switch r := b.o.Ranks; {
	case r.Alone():
		return i
	case b.turns == nil:
		return r.Index + i*r.Size
	}
	return b.places()[i]
}

// number is the number among this process's of a request, by its place in the plan.
func (b *Bench) number(place int) int {
	if b.o.Ranks.Alone() {
		return place
	}
	i, _ := slices.BinarySearch(b.places(), place)
	return i
}

// places are the places in the plan of this process's requests, where turns of conversations
// stay together.
func (b *Bench) places() []int {
	if b.mine == nil {
		b.mine = make([]int, 0, b.requests.len())
		for place := range b.turns {
			if b.isMine(place) {
				b.mine = append(b.mine, place)
			}
		}
	}
	return b.mine
}

// own is how many of the run's requests are this process's, load.Unlimited where time alone
// decides that.
func (b *Bench) own() int {
	n := b.total()
	switch {
	case n == load.Unlimited || b.o.Ranks.Alone():
		return n
	case b.turns != nil:
		return len(b.places())
	}
	return b.o.Ranks.Share(n)
}

// extent is how much of the plan there was, of which this process had so many requests.
func (b *Bench) extent(own int) int {
	if own == 0 {
		return 0
	}
	return b.Place(own-1) + 1
}

// checkShares checks that each process has something of a load over time.
func (b *Bench) checkShares() error {
	r, x := b.o.Ranks, b.shape
	if r.Alone() || x == nil {
		return nil
	}
	setting := "duration"
	if b.s.Stages != nil {
		setting = "stages"
	}
	if n := load.Most(x.Slots); x.Slots != nil && n < r.Size {
		return wrong(setting, fmt.Sprintf("at most %d requests are under way at a time, fewer than the %d ranks, of which each needs a slot", n, r.Size))
	}
	if n := len(x.Arrivals) - 1; x.Arrivals != nil && n < r.Size {
		return wrong(setting, fmt.Sprintf("%d requests are due, fewer than the %d ranks, of which each needs one", n, r.Size))
	}
	return nil
}

// take leaves of a load for the whole plan what is this process's: its requests and slots.
func (b *Bench) take(o load.Options) load.Options {
	r := b.o.Ranks
	if r.Alone() {
		return o
	}
	o.Concurrency = r.Share(o.Concurrency)
	o.Slots = slices.Clone(o.Slots)
	for i := range o.Slots {
		o.Slots[i].Slots = r.Share(o.Slots[i].Slots)
	}
	due, turns := o.Due, o.Turns
	o.Due, o.Turns = nil, nil
	for i := 0; (due != nil || turns != nil) && i < b.own(); i++ {
		place := b.Place(i)
		if due != nil {
			o.Due = append(o.Due, due[place])
		}
		if turns != nil {
			t := turns[place]
			t.After = b.number(t.After)
			o.Turns = append(o.Turns, t)
		}
	}
	return o
}

// connected is what ranks must agree on before they prepare their requests.
type connected struct {
	Version  string
	Settings *recording.Settings // secrets are masked
}

// agreeOnSettings compares with the other ranks what is to be done.
func (b *Bench) agreeOnSettings(ctx context.Context) error {
	effective := b.Effective()
	return gather(ctx, &b.o.Ranks, "connected", connected{b.o.Version, &effective}, func(first, other connected) (what, ours, theirs string) {
		if first.Version != other.Version {
			return "versions of loadgen", first.Version, other.Version
		}
		for _, d := range recording.Differences(first.Settings, other.Settings) {
			return "settings (" + d.Setting + ")", d.A, d.B
		}
		return "", "", ""
	})
}

// prepared is what ranks must agree on once their requests are there.
type prepared struct {
	Tokenizer, Prompts string
	Planned            int
	Stages             []recording.Stage
}

// agreeOnPrompts compares with the other ranks what came of the preparations, before anything
// is sent.
func (b *Bench) agreeOnPrompts(ctx context.Context) error {
	mine := prepared{Tokenizer: b.tokenizerName, Prompts: b.prompts, Planned: len(b.planned)}
	if b.shape != nil {
		mine.Stages = b.shape.stages
	}
	return gather(ctx, &b.o.Ranks, "prepared", mine, differentPlans)
}

// differentPlans is how what two ranks prepared differs, "" where it does not.
func differentPlans(first, other prepared) (what, ours, theirs string) {
	if !slices.Equal(first.Stages, other.Stages) {
		return "schedules, as their files of stages differ", stagesText(first.Stages), stagesText(other.Stages)
	}
	if first.Prompts == other.Prompts && first.Planned == other.Planned {
		return "", "", ""
	}
	text := func(p prepared) string {
		return fmt.Sprintf("%d with the digest %s, tokenizer %q", p.Planned, p.Prompts, p.Tokenizer)
	}
	return "prompts, as their data sets or tokenizers differ", text(first), text(other)
}

// stagesText says what stages are, in few words.
func stagesText(all []recording.Stage) string {
	text := ""
	for i, g := range all {
		if i > 0 {
			text += ", "
		}
		if g.Rate > 0 {
			text += fmt.Sprintf("%.4g/s", g.Rate)
		} else {
			text += fmt.Sprintf("%d at a time", g.Concurrency)
		}
		if g.To > 0 {
			text += fmt.Sprintf(" until %v", g.To)
		}
	}
	return cmp.Or(text, "none")
}

// gather meets the others and compares what each says with what rank 0 does: the first
// difference is the error, the same on all ranks.
func gather[T any](ctx context.Context, r *Ranks, point string, mine T, different func(first, other T) (what, ours, theirs string)) error {
	if r.Barrier == nil {
		return nil
	}
	g, err := r.Barrier.Meet(ctx, point, mine)
	if err != nil {
		return err
	}
	said := make([]T, len(g.Said))
	for i := range said {
		if err := json.Unmarshal(g.Said[i], &said[i]); err != nil {
			return fmt.Errorf("rank %d on %s: %w", i, g.Hosts[i], err)
		}
		if what, ours, theirs := different(said[0], said[i]); what != "" {
			return fmt.Errorf("the ranks have different %s: rank 0 on %s has %s, rank %d on %s has %s", what, g.Hosts[0], ours, i, g.Hosts[i], theirs)
		}
	}
	return nil
}

// measurements is how often the clocks are compared before the start, when all are there.
const measurements = 5

// settleStart settles with the other ranks when the schedule begins. rank is nil where this
// process is alone; start is then on the run's clock, 0 for at once.
func (b *Bench) settleStart(ctx context.Context) (start time.Duration, rank *recording.Rank, err error) {
	r := &b.o.Ranks
	if r.Alone() && r.Barrier == nil && r.Start.IsZero() {
		return 0, nil, nil
	}
	out := recording.Rank{Rank: r.Rank, Host: r.Host, Start: r.Start}
	if r.UTC != nil {
		out.UTC = r.UTC(ctx)
	}
	if r.Barrier != nil {
		if err := b.meetToStart(ctx, &out); err != nil {
			return 0, nil, err
		}
	}
	local := out.Start.Add(out.Clock.Offset)
	now := b.o.Now()
	ahead := local.Sub(now)
	switch {
	case r.Barrier == nil && out.Start.IsZero():
		return 0, nil, wrong("start_at", "several processes need a common start")
	case ahead < 0:
		return 0, nil, wrong("start_at", fmt.Sprintf("the common start, %s, was over %v before the preparations were: start later, or let the ranks meet at a barrier",
			local.Format(time.RFC3339Nano), (-ahead).Round(time.Millisecond)))
	}
	out.At = b.client.Now() + ahead
	if r.Alone() {
		return out.At, nil, nil
	}
	clock := ""
	if out.Clock.Known() && r.Index > 0 {
		clock = fmt.Sprintf("; clock against rank 0's: %v", out.Clock)
	}
	if out.UTC.Known() {
		clock += fmt.Sprintf("; against UTC: +-%v (%s)", out.UTC.Uncertainty.Round(time.Microsecond), out.UTC.Source)
	}
	b.say(recording.Note{Code: "rank_start", Text: fmt.Sprintf("%v starts in %v, with the others%s", r.Rank, ahead.Round(10*time.Millisecond), clock)})
	return out.At, &out, nil
}

// meetToStart waits until all ranks are ready, compares the clocks, and settles the start.
func (b *Bench) meetToStart(ctx context.Context, out *recording.Rank) error {
	r := &b.o.Ranks
	out.Run = r.Barrier.Run()
	g, err := r.Barrier.Meet(ctx, "ready", out.UTC)
	for k := 0; k < measurements && err == nil; k++ {
		g, err = r.Barrier.Meet(ctx, fmt.Sprintf("clock %d", k+1), out.UTC)
	}
	if err != nil {
		return err
	}
	var first ranks.Clock // rank 0's against UTC
	if err := json.Unmarshal(g.Said[0], &first); err != nil {
		return err
	}
	out.Clock = r.Barrier.Clock()
	if kept := out.UTC.Against(first); r.Index > 0 && kept.Known() && kept.Agrees(out.Clock) {
		out.Clock = out.Clock.Better(kept)
	}
	if g, err = r.Barrier.Meet(ctx, "start", out.Clock); err != nil {
		return err
	}
	worst := time.Duration(0)
	for i, said := range g.Said {
		var c ranks.Clock
		if err := json.Unmarshal(said, &c); err != nil {
			return fmt.Errorf("rank %d on %s: %w", i, g.Hosts[i], err)
		}
		if c.Apart() {
			return fmt.Errorf("the clock of rank %d on %s is %v off that of rank 0 on %s: more than %v; let chrony or PTP set it", i, g.Hosts[i], c, g.Hosts[0], ranks.MostApart)
		}
		worst = max(worst, c.Uncertainty)
	}
	if out.Start.IsZero() {
		out.Start = g.At.Add(time.Second + 4*worst) // by when the slowest has read of it
	}
	return nil
}

// awaitStart waits until shortly before the start, in time to begin a file with the plan; the
// load waits for the rest.
func (b *Bench) awaitStart(ctx context.Context, start time.Duration) error {
	before := 20*time.Millisecond + time.Duration(len(b.planned))*time.Microsecond
	if ahead := start - b.client.Now() - before; start > 0 && ahead > 0 {
		b.wait("waiting for the common start", ahead)
		defer b.wait("", 0)
		return pause.For(ctx, ahead)
	}
	return nil
}
