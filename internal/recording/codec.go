package recording

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"loadgen/pkg/client"
)

// coder writes a record or reads one, so that both go through the same fields.
type coder struct {
	buf     []byte
	writing bool
	bad     bool
}

func (c *coder) unsigned(v *uint64) {
	if c.writing {
		c.buf = binary.AppendUvarint(c.buf, *v)
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
	*v = time.Duration(x)
}

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
	*v, c.buf = append([]byte(nil), c.buf[:n]...), c.buf[n:]
}

func (c *coder) text(v *string) {
	b := []byte(*v)
	c.bytes(&b)
	*v = string(b)
}

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

func encode(index int, r *client.Result) []byte {
	c := &coder{writing: true, buf: append(make([]byte, 0, 256+8*len(r.Events)+len(r.Text)), kindRequest)}
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

// fields goes through a request's fields.
func (c *coder) fields(index *int, r *client.Result) {
	for _, v := range []*int{index, &r.Status, &r.SYNRetransmits, &r.Retransmits, &r.Resent, &r.Usage.Prompt, &r.Usage.Completion, &r.Usage.Cached,
		&r.SeenUsage.Prompt, &r.SeenUsage.Completion, &r.SeenUsage.Cached} {
		c.integer(v)
	}
	for _, v := range []*time.Duration{&r.Due, &r.Handed, &r.Permit, &r.Start, &r.Connect, &r.Written, &r.FirstByte, &r.LastByte, &r.Ended, &r.End, &r.ConnectLate, &r.MinRTT} {
		c.instant(v)
	}
	failed := r.Err != nil
	problem := client.Error{}
	if failed {
		problem = *r.Err
	}
	c.flags(&r.Reused, &r.KernelStamps, &r.Done, &r.HasDecodedPerIter, &r.NullDecodedPerIter, &r.OriginalFailed, &failed, &problem.Exception, &r.Reusable)
	c.float(&r.DecodedPerIter)
	for _, v := range []*string{&r.Reason, &r.Location, &r.ContentType, &r.ContentEncoding, &r.FinishReason} {
		c.text(v)
	}
	c.bytes(&r.Text)
	c.bytes(&r.Body)
	if failed {
		class := string(problem.Class)
		c.text(&class)
		c.text(&problem.Message)
		problem.Class = client.Class(class)
		if r.Err = &problem; !c.writing {
			problem.Cause = nil
		}
	}
	c.events(r)
}

// events goes through a request's events, each as its distance from the one before.
func (c *coder) events(r *client.Result) {
	n := uint64(len(r.Events))
	c.unsigned(&n)
	if !c.writing {
		if n > uint64(len(c.buf)) { // an event takes bytes
			c.bad, c.buf = true, nil
			return
		}
		if r.Events = nil; n > 0 {
			r.Events = make([]client.Event, n)
		}
	}
	var before client.Event
	for i := range r.Events {
		e := r.Events[i]
		at, end, tokens := int64(e.At-before.At), int64(e.TextEnd-before.TextEnd), int64(e.Tokens)-int64(before.Tokens)
		kind, slack := uint64(e.Kind), uint64(e.Slack)
		c.signed(&at)
		c.signed(&end)
		c.signed(&tokens)
		c.unsigned(&kind)
		c.unsigned(&slack)
		c.flags(&e.Choices, &e.Shared)
		e.At, e.TextEnd, e.Tokens = before.At+time.Duration(at), before.TextEnd+int32(end), before.Tokens+int32(tokens)
		e.Kind, e.Slack = client.Kind(kind), uint32(slack)
		if before = e; !c.writing {
			r.Events[i] = e
		}
	}
}
