package client

import (
	"encoding/binary"
	"errors"
)

// AppendBinary appends a prepared request as Restore reads it: what it asks for and its body.
// Its header is not in it, which may hold a key.
func (p *Prepared) AppendBinary(b []byte) ([]byte, error) {
	for _, v := range p.counts() {
		b = binary.AppendVarint(b, int64(*v))
	}
	return append(b, p.Body...), nil
}

// Restore is the measured request that AppendBinary stored; its body is a part of data.
func (c *Client) Restore(data []byte) (*Prepared, error) {
	p := &Prepared{Method: "POST", Target: c.target(c.o.Endpoint)}
	for _, v := range p.counts() {
		x, n := binary.Varint(data)
		if n <= 0 {
			return nil, errors.New("the stored request is not whole")
		}
		*v, data = int(x), data[n:]
	}
	p.Body = data
	c.setHeader(p, !c.o.KeepAlive)
	return p, nil
}

// counts are a request's numbers.
func (p *Prepared) counts() [5]*int {
	return [...]*int{&p.PromptLen, &p.OutputLen, &p.asked, &p.number, &p.generated}
}
