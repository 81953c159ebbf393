package trtsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"loadgen/internal/pyjson"
)

// jsonText is a text as JSON the way the server writes it: in UTF-8, nothing
// escaped that need not be.
func jsonText(text string) []byte {
	b := []byte{'"'}
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch i := strings.IndexRune("\"\\\b\f\n\r\t", r); {
		case i >= 0:
			b = append(b, '\\', `"\bfnrt`[i])
		case r < ' ':
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

// compact is a value as JSON without blanks.
func compact(v any) string {
	var b bytes.Buffer
	_ = json.Compact(&b, pyjson.Append(nil, v)) // it is JSON
	return b.String()
}

// json answers with a value.
func (a *answer) json(v any) { a.whole(200, jsonType, []byte(compact(v))) }
