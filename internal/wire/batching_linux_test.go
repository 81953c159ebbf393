package wire

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

func TestBatching(t *testing.T) {
	const ever = -1
	var c batching
	now := time.Duration(0)
	wait := func(n int, spent time.Duration) {
		now += spent
		c.count(n, now)
	}
	for _, step := range []struct {
		name       string
		n          int
		spent      time.Duration
		sleepLimit time.Duration
		want       time.Duration
	}{
		{"a few", 10, 2 * batchWindow, ever, 0},
		{"many, the window not over", 60, batchWindow / 2, ever, 0},
		{"many", 0, batchWindow / 2, ever, batchDelay},
		{"until a deadline", 0, batchWindow / 4, time.Second, batchDelay},
		{"with something else to do", 0, batchWindow / 4, 0, 0},
		{"more than can be read at once", eventsPerTurn, batchWindow / 4, ever, 0},
		{"no more, the window not over", 0, batchWindow / 8, ever, batchDelay},
		{"after an error of the wait", -1, batchWindow / 16, ever, batchDelay},
		{"quiet for long", 1, time.Second, ever, 0},
	} {
		if wait(step.n, step.spent); c.pause(step.sleepLimit) != step.want {
			t.Errorf("%s: %v", step.name, c.pause(step.sleepLimit))
		}
	}
}

// TestPrefetchMeetsWhatIsGone: idle connections have no stream, and that of one that was
// closed is the caller's again.
func TestPrefetchMeetsWhatIsGone(t *testing.T) {
	sink := &counter{}
	r := &Reactor{}
	for i := range 3 {
		r.links = append(r.links, &link{tag: tag{slot: int32(i)}, flow: newFlow(&Exchange{Sink: sink})})
	}
	idle, gone, there := r.links[0], r.links[1], r.links[2]
	idle.flow, r.links[1] = nil, nil
	r.prefetch([]*link{idle, gone, there, there})
	if sink.warmed != 2 {
		t.Errorf("%d", sink.warmed)
	}
}

// segments is a kernel with one connection, in which these wait.
type segments struct {
	syscalls
	list  []stampOf
	reads int
	came  tcpInfo
}

// arrive adds a segment.
func (s *segments) arrive(data string, at time.Duration) {
	s.list = append(s.list, stampOf{data, at})
	s.came.received, s.came.segments = s.came.received+uint64(len(data)), s.came.segments+1
}

func (s *segments) runDelay() time.Duration { return 0 }
func (s *segments) info(int) tcpInfo        { return s.came }

func (s *segments) pending(int) (n int) {
	for _, segment := range s.list {
		n += len(segment.data)
	}
	return n
}

// recv brings what there is room for, and the stamp of the last segment it is from.
func (s *segments) recv(_ int, p []byte) (n int, stamp int64, err error) {
	s.reads++
	for len(s.list) > 0 && n < len(p) {
		first := &s.list[0]
		k := copy(p[n:], first.data)
		n, stamp, first.data = n+k, int64(first.at), first.data[k:]
		if first.data == "" {
			s.list = s.list[1:]
		}
	}
	if n == 0 {
		err = unix.EAGAIN
	}
	return n, stamp, err
}

// TestEventsThatWaitTogether: those of a stream that the loop comes to late keep the
// stamps that they have, and where they have none of their own this is known.
func TestEventsThatWaitTogether(t *testing.T) {
	chunk := func(text string) string {
		event := `data: {"choices":[{"index":0,"text":"` + text + `"}]}` + "\n\n"
		return fmt.Sprintf("%x\r\n%s\r\n", len(event), event)
	}
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	const closing = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
	unchunked := func(text string) string { c := chunk(text); return c[4 : len(c)-2] }
	for name, c := range map[string]struct {
		head  string
		late  time.Duration
		wait  []string // a segment each, a millisecond apart; in front a + for the stamp before, a ^ for one that grows while it is read
		at    string   // in ms, of the events after the first, or now; ~ where in doubt
		reads int
	}{
		"in time, alone":         {head, 0, []string{chunk(" a")}, "1", 1},
		"in time":                {head, 0, []string{chunk(" a"), chunk(" b")}, "~2 2", 1},
		"late, alone":            {head, 5, []string{chunk(" longer")}, "1", 1},
		"late":                   {head, 5, []string{chunk(" a"), chunk(" b"), chunk(" c")}, "1 2 3", 4},
		"late, of other lengths": {head, 5, []string{chunk(" aaa"), chunk(" bbbbb"), chunk(" cccc")}, "1 2 3", 6},
		"late, one is shorter":   {head, 5, []string{chunk(""), chunk(" b"), chunk(" c")}, "1 2 3", 6},
		"late, merged":           {head, 5, []string{chunk(" a"), "+" + chunk(" b"), chunk(" c")}, "~1 1 2", 4},
		"late, cut anywhere":     {head, 5, []string{chunk(" a")[:20], chunk(" a")[20:] + chunk(" b")}, "2 2", 3},
		"late, to the end":       {head, 5, []string{chunk(" a"), chunk(" b") + "0\r\n\r\n"}, "1 2", 4},
		"late, no chunks":        {closing, 5, []string{unchunked(" a"), unchunked(" b")}, "~2 2", 1},
		"late, one grows":        {head, 5, []string{chunk(" a"), "^" + chunk(" b") + chunk(" c")}, "1 ~now now", 4},
		"late, many merged":      {head, 5, []string{chunk(" a"), "+" + chunk(" a"), "+" + chunk(" a"), "+" + chunk(" a"), "+" + chunk(" a"), "+" + chunk(" a"), "+" + chunk(" a"), "+" + chunk(" a")}, "~1 ~1 ~1 ~1 ~1 ~1 ~1 1", 7},
		"late, an answer":        {head, 5, []string{head, chunk(" a"), chunk(" b"), chunk(" c")}, "2 3 4", 6},
		"late, one event":        {head, 5, []string{head + chunk(" a")}, "1", 1},
		"late, a shorter head":   {head[:17] + "Server: uvicorn\r\n" + head[17:], 5, []string{head, chunk(" a"), chunk(" b")}, "2 3", 4},
		"late, a longer head":    {head, 5, []string{head[:17] + "Date: 1\r\n" + head[17:], chunk(" a"), chunk(" b")}, "2 3", 5},
		"late, the first longer": {head, 5, []string{head, chunk(" a role"), chunk(" a"), chunk(" b")}, "2 3 4", 6},
		"late, sent together":    {head, 5, []string{chunk(" a") + chunk(" b") + chunk(" c")}, "1 1 1", 4},
		"a comment behind":       {head, 0, []string{chunk(" a"), "9\r\n: ping\n\n\n\r\n"}, "~2", 1},
		"a mark behind":          {head, 0, []string{chunk(" a"), "e\r\ndata: [DONE]\n\n\r\n"}, "~2", 1},
		"the end behind":         {head, 0, []string{chunk(" a"), "0\r\n\r\n"}, "~2", 1},
		"a part of the next":     {head, 0, []string{chunk(" a"), chunk(" b")[:20]}, "~2", 1},
		"no chunks, a part":      {closing, 0, []string{unchunked(" a"), unchunked(" b")[:20]}, "~2", 1},
	} {
		t.Run(name, func(t *testing.T) {
			const looked = 500 * time.Microsecond
			clock := Clock{time.Now().Add(-10 * time.Millisecond)}
			var answer stream.Answer
			d := stream.NewDecoder(stream.Options{Streaming: true, Mode: stream.Strict}, &answer)
			sys := &segments{}
			r := &Reactor{o: Options{Clock: clock}, sys: sys, buffer: make([]byte, 4096), idle: map[Endpoint][]*link{}, readDelays: newReadDelays()}
			r.polled = pollState{since: looked, returned: looked + c.late*time.Millisecond, asked: true}
			first := chunk(" 0")
			if c.head == closing {
				first = unchunked(" 0")
			}
			f := newFlow(&Exchange{Sink: d})
			f.link, f.written = &link{connected: true, flow: f}, true
			r.links = []*link{f.link}
			if !strings.HasPrefix(c.wait[0], "HTTP") {
				d.Feed([]byte(c.head+first), time.Microsecond)
				f.fed, r.sizes = true, d.Sizes()
			} else { // another answer came before
				other := stream.NewDecoder(stream.Options{Streaming: true, Mode: stream.Strict}, &stream.Answer{})
				other.Feed([]byte(c.head+first), time.Microsecond)
				r.sizes, answer.Events = other.Sizes(), make([]stream.Event, 1)
			}
			r.wall.sample(clock)
			at := time.Duration(0)
			for _, data := range c.wait {
				mark := data[0]
				data = strings.TrimLeft(data, "+^")
				if mark != '+' {
					at += time.Millisecond
				}
				stamp := at
				if mark == '^' {
					stamp = time.Hour
				}
				sys.arrive(data, stamp-time.Duration(r.wall.offset))
			}
			r.read(f, false)
			reads := sys.reads
			if len(r.unread) > 0 {
				r.read(f, true)
			}
			var got []string
			for _, e := range answer.Events[1:] {
				doubt := map[bool]string{true: "~"}[e.Uncertainty > 0]
				at := "now"
				if e.At < 10*time.Millisecond { // the test began then
					at = fmt.Sprint(e.At.Round(time.Millisecond).Milliseconds())
				}
				got = append(got, doubt+at)
			}
			if r.flooded {
				t.Error("a few events that are read late are taken for a flood")
			}
			if at := strings.Join(got, " "); at != c.at || reads != c.reads || len(sys.list) > 0 {
				t.Errorf("%s in %d reads, want %s in %d; %d segments left", at, reads, c.at, c.reads, len(sys.list))
			}
		})
	}
}

// TestUncertaintyEnds: stamps that may be late prove exact where the connection has brought as many
// segments as stamps, since it was last known what belongs to what.
func TestUncertaintyEnds(t *testing.T) {
	sink, sys := &sink{}, &segments{}
	r := &Reactor{sys: sys}
	f := newFlow(&Exchange{Sink: sink})
	f.link = &link{flow: f}
	for i, c := range []struct {
		bytes, more, segments int
		stamps                []int64
		cut                   bool
		want                  string // settled exact or not, or left open
	}{
		{10, 0, 1, []int64{1}, false, "true"},
		{10, 0, 2, []int64{2, 3, 3}, false, "true"},
		{10, 0, 3, []int64{4, 5}, false, "false"}, // two were merged
		{10, 0, 1, []int64{6}, false, "true"},
		{10, 5, 2, []int64{7}, false, ""}, // one has come since
		{10, -5, 1, []int64{8, 9}, false, "true"},
		{10, 0, 1, []int64{10}, true, "false"}, // it grew while it was read
		{10, 0, 1, []int64{11}, false, "true"},
	} {
		for k, stamp := range c.stamps {
			f.link.count(c.bytes*(k+1)/len(c.stamps)-c.bytes*k/len(c.stamps), stamp)
		}
		sys.came.received += uint64(c.bytes + c.more)
		sys.came.segments += uint32(c.segments)
		sink.settled, f.unsettled, f.link.cut = "", true, f.link.cut || c.cut
		if r.settle(f); sink.settled != c.want || f.unsettled != (c.want == "") {
			t.Errorf("step %d: settled %q, want %q", i, sink.settled, c.want)
		}
	}
	f.unsettled, sink.settled = false, ""
	if r.settle(f); sink.settled != "" {
		t.Error("without a doubt there is nothing to settle")
	}
}

// TestPendingBytes asks the kernel.
func TestPendingBytes(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := &linux{}
	defer k.close(fds[0])
	for _, want := range []int{0, 7} {
		unix.Write(fds[1], make([]byte, want))
		if n := k.pending(fds[0]); n != want {
			t.Errorf("%d bytes, want %d", n, want)
		}
	}
	k.close(fds[1])
	if n := k.pending(-1); n != 0 {
		t.Errorf("%d bytes of no socket", n)
	}
}

// TestShortTurns asks the kernel what it has made of the wish.
func TestShortTurns(t *testing.T) {
	done := make(chan struct{})
	go func() { // on a thread of its own, which ends with it
		defer close(done)
		runtime.LockOSThread()
		before, err := unix.SchedGetAttr(0, 0)
		if err != nil || before.Policy != unix.SCHED_NORMAL {
			return
		}
		(&linux{}).shortSlice()
		after, err := unix.SchedGetAttr(0, 0)
		if err != nil || after.Policy != before.Policy || after.Nice != before.Nice {
			t.Errorf("%+v, %v; before %+v", after, err, before)
		}
		if after.Runtime != before.Runtime && after.Runtime != uint64(100*time.Microsecond) {
			t.Errorf("a slice of %d ns", after.Runtime)
		}
	}()
	<-done
}

// TestWhatAFullWindowHeldBack: events that arrive after the loop left a connection's window
// full may be as late as what came before is old.
func TestWhatAFullWindowHeldBack(t *testing.T) {
	for name, c := range map[string]struct {
		waiting int // bytes that the loop finds at once
		want    time.Duration
	}{
		"a full window": {60 << 10, 30 * time.Millisecond},
		"next to none":  {2 << 10, 0},
	} {
		sink := &sink{enough: "."}
		sys := &segments{}
		r := &Reactor{o: Options{Clock: Clock{time.Now().Add(-time.Minute)}}, sys: sys, buffer: make([]byte, 64<<10), readDelays: newReadDelays()}
		r.wall.sample(r.o.Clock)
		origin := time.Duration(r.wall.offset)
		f := newFlow(&Exchange{Sink: sink, Fresh: true})
		f.link = &link{flow: f}
		at := r.o.Clock.Now() - 50*time.Millisecond
		sys.arrive(strings.Repeat("x", c.waiting), at-origin)
		r.read(f, false)
		sys.arrive("y", at+30*time.Millisecond-origin)
		r.read(f, false)
		got := time.Duration(0)
		if len(sink.uncertainties) > 0 {
			got = sink.uncertainties[len(sink.uncertainties)-1]
		}
		if (got - c.want).Abs() > time.Millisecond { // the clocks' offset is sampled anew
			t.Errorf("%s: %v late, want %v", name, got, c.want)
		}
	}
}
