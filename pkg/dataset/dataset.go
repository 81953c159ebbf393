// Package dataset makes the requests of a run: what to send, before anything is
// sent. It takes options and, for most data sets, a file or the id of a data set
// on the Hugging Face hub; it gives requests with their nominal lengths, and
// where the data set has them arrival times or conversations. It never talks to
// the server under test.
//
// The data sets that benchmark_serving has give the same samples here for a
// seed: the same texts, lengths and order. One file a data set. Files are read
// as streams: memory grows with what is sent, not with the file.
//
// More than twenty names are exported: nine are the kinds of an Error, from which a caller
// words its hint.
package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"loadgen/internal/pyrand"
)

// Request is one prompt and what is known of it beforehand.
type Request struct {
	// Prompt is the text to send; unused when IDs or Messages is set.
	Prompt string
	// IDs are token ids sent in place of text; nil for text.
	IDs []int
	// Messages are sent as they are in place of Prompt, to a chat server.
	Messages []Message
	// Images are URLs (data:, http:, https: or file:) sent after the prompt.
	Images []string
	// PromptLen is the nominal prompt length in tokens, as the data set counts it.
	PromptLen int
	// OutputLen is the number of tokens asked for.
	OutputLen int
	// LoRA is the model name drawn for this request; "" when none was.
	LoRA string
	// Fields are further members of the request's body.
	Fields []Field
	// Due is when to send the request, from the start of the run; it counts
	// only where Set.Timed is true.
	Due time.Duration
	// Conversation is the request's place in a conversation.
	Conversation Turn
}

// Message is one message of a chat.
type Message struct {
	// Role is system, user, assistant or tool.
	Role string
	// Content is the text.
	Content string
}

// Field is a member of a request's body.
type Field struct {
	Name string
	// JSON is the value as it is sent.
	JSON string
}

// Turn is a request's place in a conversation. The zero value is a request that
// stands alone.
type Turn struct {
	// ID is the conversation's number, from 1; 0 is none.
	ID int
	// Number counts the turns of the conversation from 0.
	Number int
	// Think is how long the user waits after the last reply before this turn.
	Think time.Duration
	// Reply is the reply that the data set has for this turn; "" if it has none.
	Reply string
}

// Tokenizer is what data sets need of a tokenizer. It must be safe for
// concurrent use.
type Tokenizer interface {
	// Encode returns the ids of text, with the special tokens the tokenizer
	// adds around a text (BOS) if special is set.
	Encode(text string, special bool) []int
	// Decode returns the text of ids, without the special tokens among them if
	// skipSpecial is set, spaces cleaned up as the tokenizer's settings say.
	Decode(ids []int, skipSpecial bool) string
	// VocabSize is the size of the model's vocabulary, added tokens not counted.
	VocabSize() int
}

// Set is the requests of a run, in order.
type Set struct {
	// Requests is nil where they are too many for memory: At draws each when it is needed.
	Requests []Request
	// Timed reports whether each request's Due is to be kept.
	Timed bool
	// Notes are remarks for the user: what was dropped, repeated or assumed.
	Notes []string

	system map[int]string // a conversation's system message
	turns  map[int][]int  // a conversation's requests, in order
	// rng is Python's random as the data set left it.
	rng *pyrand.Python
	// draw draws one of so many requests, where they are too many for memory.
	draw  func(i int) Request
	drawn int
}

// Len is the number of requests.
func (s *Set) Len() int { return max(len(s.Requests), s.drawn) }

// At is a request by its place.
func (s *Set) At(i int) Request {
	if s.draw != nil {
		return s.draw(i)
	}
	return s.Requests[i]
}

// Keep draws all requests, so that they are in memory and may be changed.
func (s *Set) Keep() { _ = s.keep(context.Background()) }

func (s *Set) keep(ctx context.Context) error {
	if s.draw == nil {
		return nil
	}
	all := make([]Request, s.drawn)
	err := each(ctx, len(all), func(i int) error { all[i] = s.draw(i); return nil })
	s.Requests, s.draw, s.drawn = all, nil, 0
	return err
}

// Forget lets go of a request that is not needed any more.
func (s *Set) Forget(i int) {
	if s.draw == nil {
		s.Requests[i] = Request{}
	}
}

// Digest identifies what requests ask: their prompts and lengths, in order.
type Digest struct{ sum hash.Hash }

// NewDigest returns the digest of no requests.
func NewDigest() *Digest { return &Digest{sha256.New()} }

// Digest is that of all requests.
func (s *Set) Digest() string {
	d := NewDigest()
	for i := range s.Len() {
		d.Add(s.At(i))
	}
	return d.Sum()
}

// Add takes in the next request.
func (d *Digest) Add(r Request) {
	var word [8]byte
	add := func(n int) {
		binary.LittleEndian.PutUint64(word[:], uint64(n))
		d.sum.Write(word[:])
	}
	text := func(s string) {
		add(len(s))
		io.WriteString(d.sum, s)
	}
	add(r.OutputLen)
	text(r.Prompt)
	add(len(r.IDs))
	for _, id := range r.IDs {
		add(id)
	}
	for _, m := range r.Messages {
		text(m.Role)
		text(m.Content)
	}
	for _, url := range r.Images {
		text(url)
	}
	for _, f := range r.Fields {
		text(f.Name)
		text(f.JSON)
	}
}

// Sum is the digest's text.
func (d *Digest) Sum() string { return fmt.Sprintf("sha256:%x", d.sum.Sum(nil)[:16]) }

// DrawLoRA draws a model name for each request with random.choice; without
// names it does nothing.
func (s *Set) DrawLoRA(names []string) {
	if len(names) == 0 {
		return
	}
	s.Keep()
	for i := range s.Requests {
		s.Requests[i].LoRA = names[s.rng.Choice(len(names))]
	}
}

// Chat returns the messages to send for request i of a conversation: the system
// message, the earlier turns with the replies that reply returns for them, and
// the turn's own prompt. A request outside a conversation has its own messages
// or its prompt alone.
func (s *Set) Chat(i int, reply func(i int) string) []Message {
	r := &s.Requests[i]
	if r.Messages != nil {
		return r.Messages
	}
	var out []Message
	if text := s.system[r.Conversation.ID]; text != "" {
		out = append(out, Message{"system", text})
	}
	for _, k := range s.turns[r.Conversation.ID] {
		if s.Requests[k].Conversation.Number >= r.Conversation.Number {
			break
		}
		out = append(out, Message{"user", s.Requests[k].Prompt}, Message{"assistant", reply(k)})
	}
	return append(out, Message{"user", r.Prompt})
}

// each runs f for every index below n on all cores and returns the first error.
func each(ctx context.Context, n int, f func(i int) error) error {
	var next atomic.Int64
	var once sync.Once
	var first error
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				err := context.Cause(ctx)
				if err == nil {
					err = f(i)
				}
				if err != nil {
					once.Do(func() { first = err })
					next.Store(int64(n))
					return
				}
			}
		})
	}
	workers.Wait()
	return first
}

// strip is Python's str.strip.
func strip(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f })
}
