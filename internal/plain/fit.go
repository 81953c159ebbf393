package plain

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Cut is the start of a line that takes at most width columns of a terminal.
func Cut(line string, width int) string {
	out, columns, left := 0, 0, line
	for state := -1; left != ""; {
		var cluster string
		var w int
		cluster, left, w, state = uniseg.FirstGraphemeClusterInString(left, state)
		if columns += w; columns > width {
			break
		}
		out += len(cluster)
	}
	return line[:out]
}

// Wrap is a text in lines of at most width columns, but for words that are longer.
func Wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case uniseg.StringWidth(line)+1+uniseg.StringWidth(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}
