// Package suggest finds the known name that a mistyped one was meant to be. It takes
// words and gives a word; it never prints.
package suggest

import (
	"math"
	"strings"
)

// Nearest returns the name that word was probably meant to be, or "" if none is close.
// Hyphens, underscores and case do not count. A name that begins with the word, or the
// other way round, is close as well.
func Nearest(word string, names []string) (nearest string) {
	word = plain(word)
	if word == "" {
		return ""
	}
	best := math.MaxInt
	for _, name := range names {
		other := plain(name)
		limit := max(1, max(len(word), len(other))/3)
		d := distance([]rune(word), []rune(other))
		if len(word) > 2 && (strings.HasPrefix(other, word) || len(other) > 2 && strings.HasPrefix(word, other)) {
			d = min(d, limit)
		}
		if d <= limit && d < best {
			nearest, best = name, d
		}
	}
	return nearest
}

func plain(word string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(word))
}

// distance is the number of letters to insert, delete, replace or swap with their
// neighbour to turn a into b.
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
