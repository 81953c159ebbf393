package wire

import (
	"context"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loadgen/internal/stream"
)

func TestReactorTakesWhatTheKernelDoes(t *testing.T) {
	again, intr := unix.EAGAIN, unix.EINTR
	const body = "0123456789"
	hi := stampOf{"hi", time.Millisecond}
	bye := stampOf{"bye.", 2 * time.Millisecond}
	for name, c := range map[string]struct {
		conns  []*scriptedConn
		host   string
		text   string
		class  stream.Class
		kernel bool
	}{
		"all at once":                     {conns: []*scriptedConn{{reads: []any{hi, bye}}}, text: "hibye.", kernel: true},
		"partial writes":                  {conns: []*scriptedConn{{writes: []any{1, again, 3, intr, 5, again, again, 1, 2}, reads: []any{hi, bye}}}, text: "hibye.", kernel: true},
		"connect under way":               {conns: []*scriptedConn{{connectErr: unix.EINPROGRESS, reads: []any{hi, bye}}}, text: "hibye.", kernel: true},
		"EINTR everywhere":                {conns: []*scriptedConn{{connectErr: intr, writes: []any{intr, intr}, reads: []any{intr, hi, intr, bye}}}, text: "hibye.", kernel: true},
		"EAGAIN storm":                    {conns: []*scriptedConn{{reads: []any{nil, nil, nil, hi, nil, nil, bye}}}, text: "hibye.", kernel: true},
		"no stamps":                       {conns: []*scriptedConn{{reads: []any{stampOf{"hi", 0}, bye}}}, text: "hibye."},
		"refused":                         {conns: []*scriptedConn{{connectErr: unix.ECONNREFUSED}}, class: Refused},
		"refused later":                   {conns: []*scriptedConn{{connectErr: unix.EINPROGRESS, lateErr: unix.ECONNREFUSED}}, class: Refused},
		"second address":                  {conns: []*scriptedConn{{connectErr: unix.EINPROGRESS, lateErr: unix.ECONNREFUSED}, {reads: []any{hi, bye}}}, host: "two", text: "hibye.", kernel: true},
		"no IPv6, and refused":            {conns: []*scriptedConn{{connectErr: unix.ECONNREFUSED}, {connectErr: unix.EADDRNOTAVAIL}}, host: "two", class: Refused},
		"no more files":                   {conns: []*scriptedConn{{socketErr: unix.EMFILE}}, class: TooManyFiles},
		"no more ports":                   {conns: []*scriptedConn{{connectErr: unix.EADDRNOTAVAIL}}, class: NoPorts},
		"unreachable":                     {conns: []*scriptedConn{{connectErr: unix.EHOSTUNREACH}}, class: Unreachable},
		"reset by the write":              {conns: []*scriptedConn{{writes: []any{2, unix.EPIPE}}}, class: stream.Reset},
		"answer before the write's reset": {conns: []*scriptedConn{{writes: []any{2, unix.ECONNRESET}, reads: []any{hi, bye}}}, text: "hibye.", kernel: true},
		"reset at first":                  {conns: []*scriptedConn{{reads: []any{unix.ECONNRESET}}}, class: stream.Reset},
		"reset in the middle":             {conns: []*scriptedConn{{reads: []any{hi, unix.ECONNRESET}}}, text: "hi", class: stream.Reset, kernel: true},
		"end in the middle":               {conns: []*scriptedConn{{reads: []any{hi, io.EOF}}}, text: "hi", kernel: true},
		"end at first":                    {conns: []*scriptedConn{{reads: []any{io.EOF}}}},
		"late by the reactor's own fault": {conns: []*scriptedConn{{reads: []any{hi, missed{bye}}}}, text: "hibye.", kernel: true},
		"timeout":                         {conns: []*scriptedConn{{reads: []any{hi}}}, text: "hi", class: IdleTimeout, kernel: true},
	} {
		t.Run(name, func(t *testing.T) {
			sys := newScripted(c.conns...)
			r, err := newReactor(Options{Clock: Clock{sys.origin}, Env: noEnv, IdleTimeout: 50 * time.Millisecond}, sys)
			if err != nil {
				t.Fatal(err)
			}
			r.dialer.look = func(context.Context, string) ([]net.IPAddr, error) { return withLoopbacks(nil), nil }
			host := "127.0.0.1:80"
			if c.host != "" {
				host = c.host + ":80"
			}
			s := &sink{enough: "."}
			x := &Exchange{To: Endpoint{Host: host}, Head: []byte("head "), Body: []byte(body), Sink: s, Fresh: true}
			r.Do(context.Background(), x)
			r.Close()
			if s.text.String() != c.text || s.class() != c.class || s.ended != (s.text.String() != "hibye.") || x.KernelStamps != c.kernel {
				t.Errorf("%q, %v, kernel %v", s.text.String(), s.err, x.KernelStamps)
			}
			if last := c.conns[len(c.conns)-1]; strings.HasSuffix(c.text, ".") && len(last.writes) == 0 && c.class == "" && name != "answer before the write's reset" && string(last.written) != "head "+body {
				t.Errorf("%q was written", last.written)
			}
			if sys.open != 0 {
				t.Errorf("%d connections left open", sys.open)
			}
			if never := slices.Contains([]stream.Class{Refused, TooManyFiles, NoPorts, Unreachable}, c.class); (x.Connect == 0) != never {
				t.Errorf("connected at %v", x.Connect)
			}
		})
	}
}

func TestStampsNeverStepBack(t *testing.T) {
	sys := newScripted(&scriptedConn{reads: []any{stampOf{"a", 3 * time.Millisecond}, stampOf{"b", time.Millisecond}, stampOf{"c", time.Hour}, stampOf{"d.", 2 * time.Millisecond}}})
	time.Sleep(5 * time.Millisecond)
	r, err := newReactor(Options{Clock: Clock{sys.origin}, Env: noEnv}, sys)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{enough: "."}
	r.Do(context.Background(), &Exchange{To: Endpoint{Host: "127.0.0.1:80"}, Head: []byte("x"), Sink: s, Fresh: true})
	now := time.Since(sys.origin)
	r.Close()
	if len(s.at) != 4 {
		t.Fatalf("%v", s.at)
	}
	for i := 1; i < len(s.at); i++ {
		if s.at[i] < s.at[i-1] || s.at[i] > now {
			t.Errorf("stamps %v, read by %v", s.at, now)
		}
	}
	if s.at[0].Round(100*time.Microsecond) != 3*time.Millisecond {
		t.Errorf("the kernel's stamp is not taken: %v", s.at)
	}
}

func TestReactorsCarryManyAndAbortsAtOnce(t *testing.T) {
	const streams = 400
	to := listen(t, func(_ int, conn net.Conn) {
		if _, err := readHead(conn); err == nil {
			io.WriteString(conn, "x")
			io.Copy(io.Discard, conn)
		}
	})
	r, err := NewReactors(Options{Clock: NewClock(), Env: noEnv, Reactors: 4})
	if err != nil {
		t.Skip(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	sinks := make([]sink, streams)
	for i := range sinks {
		all.Go(func() { r.Do(ctx, &Exchange{To: to, Head: []byte(get), Sink: &sinks[i], Fresh: true}) })
	}
	begun := func() (n int) {
		for _, thread := range r.Threads() {
			n += thread.Exchanges
		}
		return n
	}
	for begun() < streams {
		time.Sleep(time.Millisecond)
	}
	before := time.Now()
	cancel()
	all.Wait()
	if took := time.Since(before); took > 5*time.Second { // a third of a second on a free machine
		t.Errorf("%d streams took %v to end", streams, took)
	}
	for i := range sinks {
		if sinks[i].class() != Interrupted {
			t.Fatalf("stream %d: %v", i, sinks[i].err)
		}
	}
	threads, reads := r.Threads(), int64(0)
	for i, thread := range threads {
		reads += thread.Reads.TotalCount()
		if thread.Exchanges != streams/4 || thread.CPU <= 0 || thread.CPU > time.Minute || thread.Waited < 0 {
			t.Errorf("of %d streams reactor %d has %+v", streams, i, thread)
		}
	}
	if all := r.ReadDelays().TotalCount(); len(threads) != 4 || all != reads {
		t.Errorf("%d threads, %d reads, and %d in all", len(threads), reads, all)
	}
}

func TestIdleReactorSleeps(t *testing.T) {
	to := listen(t, func(_ int, conn net.Conn) { io.Copy(io.Discard, conn) })
	r, err := NewReactors(Options{Clock: NewClock(), Env: noEnv, Timeout: 6 * time.Hour})
	if err != nil {
		t.Skip(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { r.Do(ctx, &Exchange{To: to, Head: []byte(get), Sink: &sink{}, Fresh: true}) })
	runtime.Gosched()
	var before, after unix.Rusage
	time.Sleep(50 * time.Millisecond)
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	time.Sleep(300 * time.Millisecond)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	cancel()
	done.Wait()
	// Other tests of the package do not run at the same time.
	used := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	if used > 150*time.Millisecond {
		t.Errorf("an idle stream cost %v of 300ms", used)
	}
}
