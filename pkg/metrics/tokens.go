package metrics

import (
	"math"

	"loadgen/pkg/client"
)

// Source is whose count of an answer's output tokens is taken.
type Source uint8

// The sources, from the best to the worst.
const (
	ByServer    Source = iota // the server's usage, wherever it stood
	ByTokenizer               // loadgen's tokenizer over text, reasoning and tool calls
	ByEvents                  // the events that brought tokens
	NotCounted                // nothing was there to count
)

func (s Source) String() string {
	return [...]string{"server", "tokenizer", "events", "none"}[s]
}

// TokenCount is what is known of how many output tokens a success has, by Source; a count
// that there is not is -1.
type TokenCount struct {
	Of [NotCounted]int
	// Hidden are the tokens that the server counts but did not send: reasoning.
	Hidden int
	// Bytes are those of all texts.
	Bytes int
}

// CountOf counts the tokens of a success: of all its choices together. count is nil where
// the texts are not to be tokenized.
func CountOf(r *client.Result, whole bool, count func(text []byte) int) TokenCount {
	c := TokenCount{Of: [NotCounted]int{r.SeenUsage.Completion, -1, -1}}
	if c.Of[ByServer] < 0 {
		c.Of[ByServer] = -1
	}
	if d := r.Details; d != nil && len(d.Reasoning) == 0 {
		c.Hidden = min(max(d.ReasoningTokens, 0), max(c.Of[ByServer], 0))
	}
	tokens := 0
	add := func(texts ...[]byte) {
		for _, text := range texts {
			c.Bytes += len(text)
			if count != nil && len(text) > 0 {
				tokens += count(text)
			}
		}
	}
	switch d := r.Details; {
	case d == nil:
		add(r.Text)
	case len(d.Choices) == 0:
		add(r.Text, d.Reasoning, d.ToolCalls)
	default:
		for i := range d.Choices {
			add(d.Choices[i].Text, d.Choices[i].Reasoning, d.Choices[i].ToolCalls)
		}
	}
	if tokens > 0 { // without a tokenizer all texts are counted as 0
		c.Of[ByTokenizer] = tokens
	}
	if !whole {
		c.Of[ByEvents] = 0
		for i := range r.Events {
			if e := &r.Events[i]; BringsTokens(e) && e.Kind != client.Finish {
				c.Of[ByEvents]++
			}
		}
	}
	return c
}

// Best is the best count that there is, 0 where nothing was counted. The server's is not
// taken where it cannot be: none for something, or less than two thirds of the tokens of
// which both the texts and the events speak.
func (c TokenCount) Best() (n int, by Source) {
	if n := c.Of[ByServer]; n > 0 && n <= MostTokens && !c.tooSmall() || n == 0 && c.Bytes == 0 && c.Of[ByEvents] <= 0 {
		return n, ByServer
	}
	for _, by := range []Source{ByTokenizer, ByEvents} {
		if n := c.Of[by]; n > 0 {
			return n, by
		}
	}
	return 0, NotCounted
}

// tooSmall reports whether half as many tokens again came as the server counts, or more, by the
// texts and by the events: twice as many where the events alone say so, which may cut tokens up.
func (c TokenCount) tooSmall() bool {
	server, texts, events := c.Of[ByServer], c.Of[ByTokenizer], c.Of[ByEvents]
	switch {
	case texts < 0:
		return events > 2*server
	case events >= 0:
		texts = min(texts, events)
	}
	return 2*texts > 3*server+2
}

// Disagrees reports whether the server's count is not that of what came: half as many tokens
// again came by all other counts, or fewer than half by each of them, or as many
// events came as tokens were asked for while the server counts more. asked is 0 for no limit.
func (c TokenCount) Disagrees(asked int) bool {
	server := c.Of[ByServer]
	if server < 0 {
		return false
	}
	if c.tooSmall() {
		return true
	}
	most := max(c.Of[ByTokenizer], c.Of[ByEvents])
	if server -= c.Hidden; most < 0 || server <= most {
		return false
	}
	return float64(server) > 2*float64(most)+2 || asked > 0 && server > asked+1 && most <= asked+1 && c.Of[ByEvents] > 0
}

// Contradicted reports whether the best count is the server's, and what came contradicts it: it
// says neither how long an answer is nor how many tokens a chunk has.
func (c TokenCount) Contradicted(asked int) bool {
	_, by := c.Best()
	return by == ByServer && c.Disagrees(asked)
}

// Sent is the best count of the tokens that came: without those that the server counts but
// does not send, and not the server's where it is in doubt.
func (c TokenCount) Sent(asked int) int {
	if c.Contradicted(asked) {
		c.Of[ByServer] = -1
	}
	n, by := c.Best()
	if by == ByServer {
		n -= c.Hidden
	}
	return n
}

// ChoiceEvents are the events of an answer that brought tokens of one of its choices, by
// their place, and how many tokens these were.
type ChoiceEvents struct {
	Events []int32
	Tokens int
}

// ByChoice takes an answer of several choices and n tokens apart, nil where it has one: each
// choice has a share of the tokens like that of its events.
func ByChoice(r *client.Result, n int) []ChoiceEvents {
	if r.Details == nil || len(r.Details.Choices) < 2 {
		return nil
	}
	out := []ChoiceEvents{}
	events := 0
	for i := range r.Details.Choices {
		if of := r.Details.Choices[i].Events; len(of) > 0 {
			out = append(out, ChoiceEvents{Events: of})
			events += len(of)
		}
	}
	for i := range out {
		out[i].Tokens = int(math.Round(float64(n) * float64(len(out[i].Events)) / float64(events)))
	}
	return out
}

// Choices is how many choices an answer has, at least 1.
func Choices(r *client.Result) int {
	if r.Details == nil {
		return 1
	}
	return max(len(r.Details.Choices), 1)
}
