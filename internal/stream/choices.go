package stream

import (
	"bytes"

	"loadgen/pkg/client/answer"
)

// choices keeps each choice apart, once there is another than choice 0.
func (d *Decoder) choices(m *message) {
	details := d.details()
	if !d.several {
		d.several = true
		d.onlyChoice(m)
	}
	most := d.o.mostChoices()
	details.add(&m.part, len(d.a.Events), most)
	for i := range m.more {
		details.add(&m.more[i], len(d.a.Events), most)
	}
}

// onlyChoice takes all that came before a message for choice 0.
func (d *Decoder) onlyChoice(m *message) {
	a, details := d.a, d.details()
	c, any := answer.Choice{FinishReason: a.FinishReason}, false
	for i := range a.Events {
		e := &a.Events[i]
		any = any || e.Choices
		if e.Choices && e.Kind.BringsTokens() {
			c.Events = append(c.Events, int32(i))
		}
	}
	if !any {
		return
	}
	c.Text = bytes.Clone(a.Text[:len(a.Text)-m.textLen()])
	c.Reasoning = bytes.Clone(details.Reasoning[:len(details.Reasoning)-len(m.appendReasoning(nil))])
	c.ToolCalls = bytes.Clone(details.ToolCalls[:len(details.ToolCalls)-len(m.toolText)])
	details.Choices = append(details.Choices, c)
}

func (m *message) textLen() int {
	if m.parted != nil {
		return len(m.parted)
	}
	return len(appendUnescaped(nil, m.text))
}

// details returns the answer's details, to be filled in.
func (d *Decoder) details() detailsOf {
	if d.a.Details == nil {
		d.a.Details = &answer.Details{}
	}
	return detailsOf{d.a.Details}
}

type detailsOf struct{ *answer.Details }

// The bounds on how many choices are kept apart: a server may send more than it was asked
// for, but a few bytes each must not cost memory and a search through all of them.
const (
	fewChoices = 64
	maxChoices = 1024
)

// mostChoices is how many choices are kept apart: those asked for, and some that were not.
func (o *Options) mostChoices() int { return min(max(o.Choices, fewChoices), maxChoices) }

// add takes what a choice brings with an event, unless most others are kept.
func (t detailsOf) add(p *part, event, most int) {
	i := 0
	for i < len(t.Choices) && t.Choices[i].Index != p.index {
		i++
	}
	if i == most {
		return
	}
	if i == len(t.Choices) {
		t.Choices = append(t.Choices, answer.Choice{Index: p.index})
	}
	c := &t.Choices[i]
	if p.kind().BringsTokens() {
		c.Events = append(c.Events, int32(event))
	}
	if p.parted != nil {
		c.Text = append(c.Text, p.parted...)
	} else {
		c.Text = appendUnescaped(c.Text, p.text)
	}
	c.Reasoning = p.appendReasoning(c.Reasoning)
	c.ToolCalls = append(c.ToolCalls, p.toolText...)
	if len(p.finish) > 0 {
		c.FinishReason = finishReason(p.finish)
	}
}

// maxReason bounds what is kept of a finish reason, in bytes.
const maxReason = 512

// finishReason is a finish reason as it is kept.
func finishReason(escaped []byte) string {
	reason := appendUnescaped(nil, escaped)
	return string(reason[:min(len(reason), maxReason)])
}

// choiceCounts are the server's counts of completion tokens by choice: servers that answer
// with several write them beside each, or alone behind the end of each.
type choiceCounts struct {
	beside   []choiceCount // the last beside each choice
	together bool          // one stood beside several choices
	alone    int           // events without choices that have a count
	sum      int           // of these
}

type choiceCount struct{ index, n int }

func (c *choiceCounts) add(m *message) {
	n := m.usage.Completion
	switch {
	case n < 0 || n > largestCount:
	case !m.hasChoices:
		c.alone, c.sum = c.alone+1, c.sum+n
	case len(m.more) > 0:
		c.together = true
	default:
		for i := range c.beside {
			if c.beside[i].index == m.index {
				c.beside[i].n = n
				return
			}
		}
		if len(c.beside) < maxChoices {
			c.beside = append(c.beside, choiceCount{m.index, n})
		}
	}
}

// total is the count of all choices together where each was counted apart, else -1: the last
// count is that of all.
func (c *choiceCounts) total(choices int) int {
	switch {
	case choices < 2 || c.together:
	case c.alone == choices:
		return c.sum
	case c.alone == 0 && len(c.beside) == choices:
		n := 0
		for _, one := range c.beside {
			n += one.n
		}
		return n
	}
	return -1
}
