package wire

import (
	"context"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/packets"
	"loadgen/internal/stream"
)

// Reactor carries all exchanges of plain TCP on one thread: an epoll loop that
// connects, writes, reads and feeds the sinks. A caller of Do parks until its
// answer is over. Until then the loop alone touches the exchange and its sink.
type Reactor struct {
	o      Options
	dialer *dialer // resolves
	sys    syscalls
	ep     int
	waker  int

	mu    sync.Mutex
	inbox []command
	idled bool // the loop sleeps or is about to: it must be woken
	ended chan struct{}
	share

	// What follows belongs to the loop.
	links      []*link
	free       []int32
	generation int32
	dialing    []*flow // waiting for their turn to connect
	idle       map[Endpoint][]*link
	closing    []int           // descriptors to be closed
	commands   []command       // those of this turn
	over       []*flow         // whose callers are to be woken
	delays     []time.Duration // of this turn's reads
	unread     []*link         // those that may hold more than they were asked for
	ready      []*link         // those with events that are to be dealt with
	spare      []*link         // room for as many
	firsts     []*link         // those of them whose answer has not begun
	awaiting   int             // flows of whose answer nothing has been read
	brims      bool            // a stream has brought more in this turn than is read of one
	flooded    bool            // one has in this turn or the one before
	looked     time.Duration   // when attend looked last
	latest     time.Duration   // when something was read last
	emptied    time.Duration   // what had happened by then has been reported by a poll
	more       [eventsPerTurn]unix.EpollEvent
	check      time.Duration // when to look at deadlines next, 0 for never
	quit       bool
	buffer     []byte
	sizes      stream.Sizes // of the first answer
	polled     pollState
	wall       wall
	batching   batching
	prefetched byte          // keeps warm's loads from being left out
	delay      time.Duration // the thread's run delay when it was asked for last
	pieces     []packets.Piece
	lateness   lateness
	*readDelays
}

// pollState is what the loop knows of its recent polls. Bytes that it reads now had not
// arrived at since: a poll then returned without them.
type pollState struct {
	since    time.Duration // the return of the wait before, or of this one if it slept
	late     time.Duration // by how much at most this one was woken late
	asked    bool          // late is known; else it is the length of the sleep
	slept    time.Duration // that length
	returned time.Duration // when it returned
	full     bool          // it returned all that it could, so that there may be more
}

// notePoll notes a wait that was entered at the given time and has returned.
func (r *Reactor) notePoll(entered time.Duration, n, most int, slept bool) {
	if n < 0 {
		return // it was interrupted and saw nothing
	}
	w, now := &r.polled, r.o.Clock.Now()
	switch {
	case slept:
		w.since, w.late, w.slept, w.asked = now, now-entered, now-entered, false
		if w.late >= longSleep { // rare enough to be asked for each
			r.boundWakeup()
		}
	case !w.full && len(r.unread) == 0:
		w.since, w.late, w.slept, w.asked = w.returned, 0, 0, true
	}
	r.looked = now
	if w.returned, w.full = now, n == most; !w.full {
		r.emptied = now
	}
}

// uncertainty is the longest that something read now may have waited: the time since the
// last poll, plus the delay of the wake-up, which is at most what the thread has waited
// for a processor (run delay). If the stamp is older than the last poll, the wake-up
// itself was delayed (C-state exit, SIGSTOP), and what woke the loop may be older still:
// twice the age is allowed for. Stops of ten milliseconds and more are reported by
// internal/health.
func (r *Reactor) uncertainty(now, stamp time.Duration) time.Duration {
	w := &r.polled
	if !w.asked {
		r.boundWakeup()
	}
	if age := w.since - stamp; age > w.late {
		if w.late = 2 * age; w.slept > 0 {
			w.late = min(w.late, w.slept)
		}
	}
	return now - w.since + w.late
}

// longSleep is a sleep after which asking the kernel costs next to nothing.
const longSleep = time.Millisecond

// boundWakeup bounds how late the loop was woken by what its thread has waited for a
// processor since it asked last.
func (r *Reactor) boundWakeup() {
	w := &r.polled
	w.asked = true
	if delay := r.sys.runDelay(); delay >= 0 {
		w.late = min(w.late, delay-r.delay)
		r.delay = delay
	}
}

// command is what callers ask of the loop.
type command struct {
	flow   *flow // to begin, or to give up
	cancel *stream.Error
	quit   bool
	reply  chan<- Thread // gets the thread
}

// flow is one exchange under way. What each read needs comes first: with thousands
// of streams every cache line that it touches is fetched anew.
type flow struct {
	sink      Sink
	link      *link
	active    time.Duration // when bytes were read last
	message   time.Duration // when to stop waiting for the rest of a failure's message, 0 for not
	stamp     int64         // of the last read, by the wall clock; 0 for none
	last      time.Duration // the newest stamp
	written   bool          // all of the request, or in vain
	fed       bool
	kept      bool // it is on a connection used before, and nothing of its answer is here
	stale     bool // something came that is older than the request
	over      bool
	unstamped bool // a read brought no stamp of the kernel's
	unsettled bool // stamps are in doubt that may prove exact
	claims    bool // an idle connection of its reactor is kept for it
	roomy     bool // the peer held nothing back of what is read now
	surplus   bool // bytes came behind the answer
	hold      hold

	x         *Exchange
	limit     time.Duration // when it must be over, 0 for never
	opened    time.Duration // when its connection's opening began
	addresses []netip.AddrPort
	dialErr   error // of the first address that failed
	earlyErr  error // of a write before the connection was known to be made
	writeErr  error
	sent      int // bytes of head and body
	done      chan struct{}
}

// link is one connection.
type link struct {
	fd int
	arrivals
	tag       tag
	due       uint32 // what has happened and is to be dealt with, 0 for nothing
	flow      *flow  // nil while idle
	connected bool
	to        Endpoint
	since     time.Duration // idle since
	acked     uint64        // bytes that the peer had acknowledged then, 0 for unknown
	packets   *packets.Conn // nil where its packets are not followed
}

const (
	dialsPerTurn  = 8  // so that the first answers are read while the last connections are opened
	eventsPerTurn = 64 // what asking for them brings into the cache is still there when they are read
	readsPerTurn  = 4  // of one connection, so that one that never runs dry keeps no other waiting
	closesPerTurn = 16
)

func newReactor(o Options, sys syscalls) (*Reactor, error) {
	r := &Reactor{
		o:          o,
		dialer:     newDialer(o),
		sys:        sys,
		ended:      make(chan struct{}),
		idle:       map[Endpoint][]*link{},
		buffer:     make([]byte, 64<<10),
		readDelays: newReadDelays(),
	}
	var err error
	if r.ep, err = sys.epollCreate(); err != nil {
		return nil, named("epoll_create", err)
	}
	if r.waker, err = sys.eventfd(); err != nil {
		sys.close(r.ep)
		return nil, named("eventfd", err)
	}
	if err := sys.epollAdd(r.ep, r.waker, tag{slot: -1}); err != nil {
		sys.close(r.waker)
		sys.close(r.ep)
		return nil, named("epoll_ctl", err)
	}
	go r.loop()
	return r, nil
}

// Do runs one exchange.
func (r *Reactor) Do(ctx context.Context, x *Exchange) {
	if f := prepare(ctx, &r.o, r.dialer, x); f != nil {
		r.carry(ctx, f)
	}
}

// prepare returns an exchange's flow, or ends it where it has nowhere to go.
func prepare(ctx context.Context, o *Options, d *dialer, x *Exchange) *flow {
	f := newFlow(x)
	began := o.Clock.Now()
	if o.Timeout > 0 {
		f.limit = began + o.Timeout
	}
	addresses, err := d.resolve(ctx, x.To.Host)
	for _, a := range addresses {
		if address, bad := netip.ParseAddrPort(a); bad == nil {
			f.addresses = append(f.addresses, address)
		} else {
			err = bad
		}
	}
	if ctx.Err() == nil && len(f.addresses) > 0 {
		return f
	}
	x.Start, x.Ended = began, o.Clock.Now()
	if ctx.Err() != nil {
		x.Sink.End(x.Ended, interrupted(ctx))
	} else {
		x.Sink.End(x.Ended, classify(err))
	}
	return nil
}

// carry hands a flow to the loop and returns when it is over.
func (r *Reactor) carry(ctx context.Context, f *flow) {
	done := f.done // from here on the flow is the loop's
	r.submit(command{flow: f})
	stop := context.AfterFunc(ctx, func() { r.submit(command{flow: f, cancel: interrupted(ctx)}) })
	<-done
	stop()
}

func newFlow(x *Exchange) *flow { return &flow{x: x, sink: x.Sink, done: make(chan struct{})} }

// Close ends the idle connections and the loop. No exchange must be under way.
func (r *Reactor) Close() {
	r.dialer.close()
	r.submit(command{quit: true})
	<-r.ended
}

func (r *Reactor) submit(c command) {
	r.mu.Lock()
	r.inbox = append(r.inbox, c)
	wake := r.idled
	r.idled = false
	r.mu.Unlock()
	if wake {
		r.sys.wake(r.waker)
	}
}

func (r *Reactor) loop() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(r.ended)
	r.sys.shortSlice()
	r.delay = r.sys.runDelay()
	r.atFirst = r.thread() // what the thread did before is another's
	events := make([]unix.EpollEvent, eventsPerTurn)
	for !r.quit {
		r.turn(events)
	}
	for _, l := range r.links {
		if l != nil {
			r.drop(l)
		}
	}
	r.closeSome(len(r.closing))
	r.mu.Lock()
	r.idled = false // whoever comes late must not wake what has taken the waker's number
	r.mu.Unlock()
	r.sys.close(r.waker)
	r.sys.close(r.ep)
	r.sys.done()
}

// turn is one round of the loop.
func (r *Reactor) turn(events []unix.EpollEvent) {
	r.obey(true)
	r.dial(dialsPerTurn)
	entered := r.o.Clock.Now()
	sleepLimit := r.sleepLimit()
	n, slept, err := r.sys.epollWait(r.ep, events, sleepLimit, r.batching.pause(sleepLimit))
	r.notePoll(entered, n, len(events), slept)
	r.batching.count(n, r.polled.returned)
	r.noteBusy(r.polled.returned)
	if err != nil && err != unix.EINTR {
		// Cannot happen while the descriptor is open; the deadlines end what is under way.
		time.Sleep(time.Millisecond)
		n = 0
	}
	r.handle(events[:max(n, 0)])
	if n <= 0 {
		r.closeSome(closesPerTurn)
	}
	if r.check > 0 && r.o.Clock.Now() >= r.check {
		r.checkDeadlines()
	}
	r.add(r.delays...)
	if r.lateness.add(r.delays) && r.o.Late != nil {
		r.o.Late()
	}
	r.delays = r.delays[:0]
	r.wakeCallers()
}

// obey does what callers have asked. Before a sleep the next to ask must wake the loop.
func (r *Reactor) obey(sleeps bool) {
	r.commands = r.take(r.commands[:0], sleeps)
	for i := range r.commands {
		r.execute(&r.commands[i])
	}
	clear(r.commands)
}

// take moves the inbox to the loop.
func (r *Reactor) take(to []command, sleeps bool) []command {
	r.mu.Lock()
	defer r.mu.Unlock()
	to = append(to, r.inbox...)
	clear(r.inbox)
	r.inbox = r.inbox[:0]
	r.idled = r.idled || sleeps
	return to
}

// sleepLimit is how long the loop may sleep.
func (r *Reactor) sleepLimit() time.Duration {
	switch {
	case len(r.dialing) > 0 || len(r.closing) > 0 || len(r.unread) > 0 || len(r.ready) > 0 || len(r.over) > 0 || r.quit:
		return 0
	case r.check > 0:
		return max(r.check-r.o.Clock.Now(), 0)
	}
	return -1
}

func (r *Reactor) execute(c *command) {
	switch {
	case c.quit:
		r.quit = true
	case c.reply != nil:
		c.reply <- r.thread()
	case c.cancel != nil:
		if !c.flow.over {
			r.fail(c.flow, c.cancel)
		}
	default:
		r.begin(c.flow)
	}
}
