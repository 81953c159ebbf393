// Package barrier lets the processes of a run meet in a directory that all of them see: each
// writes what it has to say to a file of its own, rank 0 gathers these into one that all read.
// What an earlier run left in the directory does no harm. Each meeting also measures how far
// the clocks are apart. The package takes a directory and a rank, and decides nothing.
package barrier

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"loadgen/internal/outfile"
	"loadgen/internal/pause"
	"loadgen/internal/ranks"
)

// Options say who meets where.
type Options struct {
	Dir  string
	Rank ranks.Rank
	Host string
	// Now is this host's wall clock.
	Now func() time.Time
	// Limit is how long to wait for the others.
	Limit time.Duration
	// OnWait is called with what is waited for, when that takes longer than a second, and
	// with "" when it is over; nil is not called.
	OnWait func(text string, limit time.Duration)
}

// Barrier is where a run's processes meet.
type Barrier struct {
	o     Options
	nonce string
	run   string // rank 0's nonce
	clock ranks.Clock
	known []string // by rank: the nonces of those who joined; rank 0's alone
	old   left     // what an earlier run left

	beats  atomic.Int64 // how often this rank has shown that it runs
	looked int64        // beats when it last looked at the others' signs
	signs  map[int]sign // by rank
}

// Gathering is what all ranks said at a meeting.
type Gathering struct {
	Said  []json.RawMessage // by rank
	Hosts []string          // by rank
	// At is when all had come, by rank 0's clock.
	At time.Time
}

// message is what a rank writes to its file.
type message struct {
	Run   string          `json:"run"`
	Nonce string          `json:"nonce"`
	Size  int             `json:"size"`
	Host  string          `json:"host"`
	Point string          `json:"point"`
	Sent  time.Time       `json:"sent"`
	Said  json.RawMessage `json:"said"`
}

// gathered is what rank 0 writes to the file that all read.
type gathered struct {
	Run      string      `json:"run"`
	Point    string      `json:"point"`
	Messages []message   `json:"messages"`
	Seen     []time.Time `json:"seen"`
	At       time.Time   `json:"at"`
}

// left is why a rank left before the run began.
type left struct {
	Run   string `json:"run"`
	Nonce string `json:"nonce"`
	Rank  int    `json:"rank"`
	Host  string `json:"host"`
	Why   string `json:"why"`
}

// The files of a meeting.
const (
	runFile  = "barrier-run.json"
	allFile  = "barrier-all.json"
	leftFile = "barrier-left.json"
)

func (b *Barrier) file(rank int) string { return "barrier-" + strconv.Itoa(rank) + ".json" }

// Join meets the others for the first time.
func Join(ctx context.Context, o Options, mine any) (*Barrier, *Gathering, error) {
	if err := os.MkdirAll(o.Dir, 0o777); err != nil {
		return nil, nil, err
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	b := &Barrier{o: o, nonce: hex.EncodeToString(random[:]), signs: map[int]sign{}}
	b.read(leftFile, &b.old)
	if o.Rank.Index == 0 {
		b.run = b.nonce
		if err := b.write(runFile, left{Run: b.run, Host: o.Host}); err != nil {
			return nil, nil, err
		}
	}
	g, err := b.Meet(ctx, "join", mine)
	if err != nil {
		b.Leave(err)
		return nil, nil, err
	}
	return b, g, nil
}

// Run names the run: the same text on all ranks, and another one for each run.
func (b *Barrier) Run() string { return b.run }

// Clock is what the meetings so far have measured of this clock against rank 0's.
func (b *Barrier) Clock() ranks.Clock {
	if b.o.Rank.Index == 0 {
		return ranks.Clock{Source: ranks.MeasuredSource}
	}
	return b.clock
}

// Meet waits until all ranks have come to the same point and returns what they said. All
// ranks go through the same points in the same order.
func (b *Barrier) Meet(ctx context.Context, point string, mine any) (*Gathering, error) {
	said, err := json.Marshal(mine)
	if err != nil {
		return nil, err
	}
	m := message{Run: b.run, Nonce: b.nonce, Size: b.o.Rank.Size, Host: b.o.Host, Point: point, Said: said}
	limited, cancel := context.WithTimeoutCause(ctx, b.o.Limit, errTimeout)
	defer cancel()
	look := b.lookAsRank(&m)
	if b.o.Rank.Index == 0 {
		look = b.lookAsFirst(m)
	}
	g, missing, err := b.await(limited, look)
	if errors.Is(err, errTimeout) {
		err = &TimeoutError{Dir: b.o.Dir, Limit: b.o.Limit, Missing: missing}
	}
	return g, err
}

var errTimeout = errors.New("the time is over")

// TimeoutError is the error of a meeting that some ranks did not come to.
type TimeoutError struct {
	Dir   string
	Limit time.Duration
	// Missing are the ranks, as far as this one knows.
	Missing []int
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s did not come to %s within %v: are they running, do they see the same directory, and is it the same for this run alone?", ranks.List(e.Missing), e.Dir, e.Limit)
}

// The pauses between two looks into the directory.
const (
	shortest = time.Millisecond
	longest  = 50 * time.Millisecond
)

// await looks until all have come.
func (b *Barrier) await(ctx context.Context, look func() (*Gathering, []int, error)) (g *Gathering, missing []int, err error) {
	began, shown := b.o.Now(), false
	defer func() {
		if shown {
			b.o.OnWait("", 0)
		}
	}()
	for wait := shortest; ; wait = min(wait+wait/4, longest) {
		if g, missing, err = look(); g != nil || err != nil {
			return g, missing, err
		}
		if err := cmp.Or(b.whoLeft(), b.whoIsGone(missing)); err != nil {
			return nil, missing, err
		}
		if err := pause.For(ctx, wait); err != nil {
			return nil, missing, err
		}
		if b.o.OnWait != nil && !shown && b.o.Now().Sub(began) > time.Second {
			shown = true
			b.o.OnWait(fmt.Sprintf("waiting for %s in %s", ranks.List(missing), b.o.Dir), b.o.Limit)
		}
	}
}

// lookAsFirst gathers what the others say.
func (b *Barrier) lookAsFirst(mine message) func() (*Gathering, []int, error) {
	size := b.o.Rank.Size
	all := gathered{Run: b.run, Point: mine.Point, Messages: make([]message, size), Seen: make([]time.Time, size)}
	mine.Sent = b.o.Now()
	all.Messages[0], all.Seen[0] = mine, mine.Sent
	return func() (*Gathering, []int, error) {
		var missing []int
		for i := 1; i < size; i++ {
			if all.Messages[i].Run != "" {
				continue
			}
			var m message
			if b.read(b.file(i), &m); m.Run != b.run {
				missing = append(missing, i)
				continue
			}
			if b.known != nil && m.Nonce != b.known[i] {
				return nil, nil, twoOf(i, m.Host)
			}
			if m.Size != size {
				return nil, nil, fmt.Errorf("rank %d on %s is one of %d processes, and rank 0 of %d", i, m.Host, m.Size, size)
			}
			if m.Point != mine.Point {
				missing = append(missing, i)
				continue
			}
			all.Messages[i], all.Seen[i] = m, b.o.Now()
		}
		var first left
		if b.read(runFile, &first); first.Run != b.run {
			return nil, missing, fmt.Errorf("another process is rank 0 in %s, too (on %s): each run needs a directory of its own", b.o.Dir, first.Host)
		}
		if len(missing) > 0 {
			return nil, missing, nil
		}
		all.At = b.o.Now()
		if err := b.write(allFile, all); err != nil {
			return nil, nil, err
		}
		if b.known == nil {
			for _, m := range all.Messages {
				b.known = append(b.known, m.Nonce)
			}
		}
		return all.gathering(), nil, nil
	}
}

// lookAsRank sends its message to rank 0 and waits for the answer. Until it has joined, a rank follows
// whatever run rank 0 begins: what is there at first may be an earlier one.
func (b *Barrier) lookAsRank(mine *message) func() (*Gathering, []int, error) {
	joining, sent := b.run == "", false
	return func() (*Gathering, []int, error) {
		missing := []int{0}
		if joining {
			var first left
			if b.read(runFile, &first); first.Run == "" {
				return nil, missing, nil
			}
			sent = sent && first.Run == mine.Run
			mine.Run, b.run = first.Run, first.Run
		}
		if !sent {
			mine.Sent = b.o.Now()
			if err := b.write(b.file(b.o.Rank.Index), mine); err != nil {
				return nil, nil, err
			}
			sent = true
		}
		var all gathered
		b.read(allFile, &all)
		read, i := b.o.Now(), b.o.Rank.Index
		var own message
		if b.read(b.file(i), &own); own.Run == mine.Run && own.Nonce != b.nonce {
			return nil, nil, twoOf(i, own.Host)
		}
		if all.Run != mine.Run || all.Point != mine.Point || i >= len(all.Messages) || all.Messages[i].Nonce != b.nonce {
			return nil, missing, nil
		}
		b.clock = b.clock.Better(ranks.Exchange{Sent: mine.Sent, Seen: all.Seen[i], Answered: all.At, Read: read}.Clock())
		return all.gathering(), nil, nil
	}
}

// twoOf is the error of two processes with the same rank.
func twoOf(rank int, host string) error {
	return fmt.Errorf("two processes are rank %d, one of them on %s: each needs a rank of its own, and each run a directory", rank, host)
}

func (all *gathered) gathering() *Gathering {
	g := &Gathering{At: all.At}
	for _, m := range all.Messages {
		g.Said, g.Hosts = append(g.Said, m.Said), append(g.Hosts, m.Host)
	}
	return g
}

// LeftError is the error of a run that another rank left before it began.
type LeftError struct {
	Rank int
	Host string
	Why  string
}

func (e *LeftError) Error() string {
	return fmt.Sprintf("rank %d on %s gave up before the run: %s", e.Rank, e.Host, e.Why)
}

// Leave tells the others that this rank will not come, and why.
func (b *Barrier) Leave(why error) {
	if b.run == "" || errors.As(why, new(*LeftError)) {
		return
	}
	_ = b.write(leftFile, left{b.run, b.nonce, b.o.Rank.Index, b.o.Host, why.Error()}) // they will wait in vain
}

func (b *Barrier) whoLeft() error {
	var l left
	if b.read(leftFile, &l); l.Run == "" || l.Run != b.run || l.Nonce == b.nonce || l == b.old {
		return nil
	}
	return &LeftError{l.Rank, l.Host, l.Why}
}

// write writes a file whole.
func (b *Barrier) write(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return outfile.Write(filepath.Join(b.o.Dir, name), func(w io.Writer) error { _, err := w.Write(text); return err })
}

// read reads a file; what is not there, or not readable, leaves v as it is.
func (b *Barrier) read(name string, v any) {
	if text := readNow(filepath.Join(b.o.Dir, name)); len(text) > 0 {
		_ = json.Unmarshal(text, v) // of an earlier version, perhaps
	}
}

// readNow is what a file has, nil where it cannot be read. The file is opened as if it were to
// be created: a network file system then asks its server, where it would else remember for a
// while that there was none.
func readNow(name string) []byte {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil
	}
	return text
}
