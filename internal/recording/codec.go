package recording

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"loadgen/pkg/client"
	"loadgen/pkg/client/answer"
)

// coder writes a record or reads one, so that both go through the same fields.
type coder struct {
	buf     []byte
	writing bool
	bad     bool
	names   map[string]string    // texts that were read before, nil for none
	last    *[sharedTexts]string // those of the answer that was read before, nil for none
}

// sharedTexts is how many texts an answer may have in common with the one before.
const sharedTexts = 6

// integers and instants go through several: of the numbers of a million answers, most are
// read here.
func (c *coder) integers(all ...*int) {
	for _, v := range all {
		if !c.writing && len(c.buf) > 0 && c.buf[0] < 0x80 {
			*v, c.buf = int(signed(uint64(c.buf[0]))), c.buf[1:]
			continue
		}
		c.integer(v)
	}
}

func (c *coder) instants(all ...*time.Duration) {
	if c.writing {
		for _, v := range all {
			c.instant(v)
		}
		return
	}
	buf := c.buf
	for _, v := range all {
		x, n := binary.Uvarint(buf)
		if n <= 0 {
			c.bad, c.buf = true, nil
			return
		}
		if *v, buf = time.Duration(signed(x)), buf[n:]; !plausible(*v) {
			c.bad = true
		}
	}
	c.buf = buf
}

func (c *coder) unsigned(v *uint64) {
	if c.writing {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	if len(c.buf) > 0 && c.buf[0] < 0x80 { // as most are
		*v, c.buf = uint64(c.buf[0]), c.buf[1:]
		return
	}
	x, n := binary.Uvarint(c.buf)
	if n <= 0 {
		c.bad, c.buf = true, nil
		return
	}
	*v, c.buf = x, c.buf[n:]
}

func (c *coder) signed(v *int64) {
	u := uint64(*v<<1) ^ uint64(*v>>63)
	c.unsigned(&u)
	*v = int64(u>>1) ^ -int64(u&1)
}

func (c *coder) integer(v *int) {
	x := int64(*v)
	c.signed(&x)
	*v = int(x)
}

func (c *coder) instant(v *time.Duration) {
	x := int64(*v)
	c.signed(&x)
	if *v = time.Duration(x); !c.writing && !plausible(*v) {
		c.bad = true
	}
}

// plausible reports whether an instant can be one of a run: it is less than 30 years from
// the clock's zero, so that no distance of two overflows.
func plausible(v time.Duration) bool { return -1<<60 < v && v < 1<<60 }

func (c *coder) float(v *float64) {
	x := math.Float64bits(*v)
	c.unsigned(&x)
	*v = math.Float64frombits(x)
}

func (c *coder) bytes(v *[]byte) {
	n := uint64(len(*v))
	c.unsigned(&n)
	if c.writing {
		c.buf = append(c.buf, *v...)
		return
	}
	if n > uint64(len(c.buf)) {
		c.bad, c.buf = true, nil
		return
	}
	*v, c.buf = append((*v)[:0], c.buf[:n]...), c.buf[n:]
}

// shared goes through texts of which most are as those of the answer before: these are
// compared, and no memory is taken for them.
func (c *coder) shared(all ...*string) {
	for i, v := range all {
		if c.last == nil || i >= len(c.last) {
			c.text(v)
			continue
		}
		last := &c.last[i]
		if n := len(*last); n < 0x80 && n < len(c.buf) && c.buf[0] == byte(n) && string(c.buf[1:1+n]) == *last {
			*v, c.buf = *last, c.buf[1+n:]
			continue
		}
		c.text(v)
		*last = *v
	}
}

func (c *coder) text(v *string) {
	n := uint64(len(*v))
	if c.unsigned(&n); c.writing {
		c.buf = append(c.buf, *v...)
		return
	}
	if n > uint64(len(c.buf)) {
		c.bad, c.buf = true, nil
		return
	}
	known, ok := c.names[string(c.buf[:n])]
	if *v = known; !ok {
		if *v = string(c.buf[:n]); c.names != nil && len(c.names) < namesMost {
			c.names[*v] = *v
		}
	}
	c.buf = c.buf[n:]
}

// namesMost bounds the texts that are remembered: a model's name is in all results, an
// answer's id in one.
const namesMost = 100

// flags packs bools into a number.
func (c *coder) flags(all ...*bool) {
	var bits uint64
	for i, b := range all {
		if *b {
			bits |= 1 << i
		}
	}
	c.unsigned(&bits)
	for i, b := range all {
		*b = bits&(1<<i) != 0
	}
}

func encode(index int, r *client.Result) []byte { return encodeAs(kindRequest, index, r) }

// encodeAs writes a request as a record of a kind.
func encodeAs(kind byte, index int, r *client.Result) []byte {
	c := &coder{writing: true, buf: append(make([]byte, 0, 256+8*len(r.Events)+len(r.Text)), kind)}
	copied := *r // the fields are read and written back
	c.fields(&index, &copied)
	return c.buf
}

func decode(content []byte) (index int, r *client.Result, err error) {
	c := &coder{buf: content}
	r = &client.Result{}
	if c.fields(&index, r); c.bad || len(c.buf) > 0 {
		return 0, nil, errors.New("its fields do not add up")
	}
	return index, r, nil
}

// encodePlan and decodePlan write and read the lengths of the planned requests.
func encodePlan(all []Planned) []byte {
	c := &coder{writing: true, buf: append(make([]byte, 0, 1+4*len(all)), kindPlan)}
	for _, p := range all {
		c.integer(&p.PromptLen)
		c.integer(&p.OutputLen)
	}
	return c.buf
}

func decodePlan(content []byte) (all []Planned, err error) {
	c := &coder{buf: content}
	for len(c.buf) > 0 {
		var p Planned
		c.integer(&p.PromptLen)
		c.integer(&p.OutputLen)
		all = append(all, p)
	}
	if c.bad {
		return nil, errors.New("the planned requests do not add up")
	}
	return all, nil
}

// encodeTurns and decodeTurns write and read the places of the planned requests in
// conversations; encodeTurns returns nil where there are none.
func encodeTurns(all []Planned) []byte {
	c := &coder{writing: true, buf: []byte{kindTurns}}
	any := false
	for _, p := range all {
		c.turn(&p)
		any = any || p.Conversation > 0
	}
	if !any {
		return nil
	}
	return c.buf
}

func decodeTurns(content []byte, all []Planned) error {
	c := &coder{buf: content}
	for i := range all {
		c.turn(&all[i])
	}
	if c.bad || len(c.buf) > 0 {
		return errors.New("the turns of conversations do not add up")
	}
	return nil
}

func (c *coder) turn(p *Planned) {
	c.integer(&p.Conversation)
	c.integer(&p.Turn)
	c.instant(&p.Think)
}

// fields goes through a request's fields.
func (c *coder) fields(index *int, r *client.Result) {
	c.integers(index, &r.Status, &r.SYNRetransmits, &r.Retransmits, &r.Resent, &r.Usage.Prompt, &r.Usage.Completion, &r.Usage.Cached,
		&r.SeenUsage.Prompt, &r.SeenUsage.Completion, &r.SeenUsage.Cached)
	c.instants(&r.Due, &r.Handed, &r.Permit, &r.Start, &r.Connect, &r.Written, &r.FirstByte, &r.LastByte, &r.Ended, &r.End, &r.ConnectLate, &r.MinRTT)
	failed, exception := r.Err != nil, r.Err != nil && r.Err.Exception
	c.flags(&r.Reused, &r.KernelStamps, &r.Done, &r.HasDecodedPerIter, &r.NullDecodedPerIter, &r.OriginalFailed, &failed, &exception, &r.Reusable)
	c.float(&r.DecodedPerIter)
	c.shared(&r.Reason, &r.Location, &r.ContentType, &r.ContentEncoding, &r.FinishReason, &r.Model, &r.ID)
	c.bytes(&r.Text)
	c.bytes(&r.Body)
	if failed {
		c.failure(r, exception)
	}
	dialect := uint64(r.Dialect)
	c.unsigned(&dialect)
	r.Dialect = answer.Dialect(dialect)
	c.details(r)
	c.events(r)
	if c.writing && r.Server != 0 || !c.writing && len(c.buf) > 0 && !c.bad { // of several servers only
		c.integer(&r.Server)
		c.bad = c.bad || r.Server <= 0 || r.Server >= serversMost
	}
	c.bad = c.bad || !placed(r)
}

// failure goes through why a request failed.
func (c *coder) failure(r *client.Result, exception bool) {
	problem := client.Error{Exception: exception}
	if c.writing {
		problem = *r.Err
	}
	class := string(problem.Class)
	c.text(&class)
	c.text(&problem.Message)
	problem.Class = client.Class(class)
	r.Err = &problem
}

// serversMost bounds the servers that requests are spread over.
const serversMost = 1 << 16

// placed reports whether the choices' events are among the answer's.
func placed(r *client.Result) bool {
	if r.Details == nil {
		return true
	}
	for i := range r.Details.Choices {
		for k, at := range r.Details.Choices[i].Events {
			if at < 0 || int(at) >= len(r.Events) || k > 0 && at < r.Details.Choices[i].Events[k-1] {
				return false
			}
		}
	}
	return true
}

// details goes through what few answers have.
func (c *coder) details(r *client.Result) {
	has := r.Details != nil
	if c.flags(&has); !has {
		return
	}
	d := &answer.Details{}
	if c.writing {
		*d = *r.Details // the fields are read and written back
	}
	c.bytes(&d.Reasoning)
	c.bytes(&d.ToolCalls)
	c.integer(&d.ReasoningTokens)
	c.text(&d.CtxRequestID)
	c.bytes(&d.Metrics)
	d.Choices = list(c, d.Choices, func(v *answer.Choice) {
		c.integer(&v.Index)
		c.bytes(&v.Text)
		c.bytes(&v.Reasoning)
		c.bytes(&v.ToolCalls)
		c.text(&v.FinishReason)
		v.Events = list(c, v.Events, c.place())
	})
	d.OddCounts = list(c, d.OddCounts, func(v *answer.OddCount) {
		c.text(&v.Key)
		c.text(&v.Value)
		c.text(&v.What)
	})
	r.Details = d
}

// place returns what goes through ascending numbers, each as its distance from the one before.
func (c *coder) place() func(v *int32) {
	before := int32(0)
	return func(v *int32) {
		step := int64(*v - before)
		c.signed(&step)
		*v = before + int32(step)
		before = *v
	}
}

// list goes through the elements of a list, each of which takes a byte or more.
func list[T any](c *coder, all []T, one func(v *T)) []T {
	n := uint64(len(all))
	if c.unsigned(&n); c.writing {
		for _, v := range all {
			one(&v)
		}
		return all
	}
	all = nil
	for ; n > 0 && !c.bad; n-- {
		if len(c.buf) == 0 {
			c.bad = true
			break
		}
		var v T
		one(&v)
		all = append(all, v)
	}
	return all
}
