package answer

import "strings"

// Dialect is a set of traits of how a server writes its answers.
type Dialect uint32

// The traits.
const (
	ChoiceText        Dialect = 1 << iota // choices hold "text"
	ChoiceDelta                           // choices hold "delta"
	ChoiceMessage                         // choices hold "message"
	UsageAlone                            // usage in an event without choices
	UsageBeside                           // usage beside choices that end with it
	UsageContinuous                       // usage beside choices that go on
	UsageElsewhere                        // usage inside a choice, or under another key (x_groq, timings)
	ReasoningContent                      // reasoning under "reasoning_content"
	ReasoningKey                          // reasoning under "reasoning"
	ContentParts                          // content as a list of parts
	SSEComments                           // comment lines
	SSENames                              // event, id or retry lines
	SSENoBlank                            // "data:" without the blank
	SSECarriageReturn                     // lines that end with CR or CRLF
	LateDone                              // the answer was over before [DONE], or had none
)

var dialectNames = []string{"choices.text", "choices.delta", "choices.message", "usage alone", "usage beside choices", "continuous usage", "usage elsewhere",
	"reasoning_content", "reasoning", "content parts", "SSE comments", "SSE names", "data: without a blank", "CR", "no [DONE]"}

// Shape is the part of a dialect that does not depend on what was generated: two
// successful answers to requests of one kind differ in it only if different servers,
// or different versions, gave them.
func (d Dialect) Shape() Dialect {
	return d &^ (ReasoningContent | ReasoningKey | ContentParts | SSEComments | SSENames)
}

// String lists the traits.
func (d Dialect) String() string {
	var names []string
	for i, name := range dialectNames {
		if d&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
