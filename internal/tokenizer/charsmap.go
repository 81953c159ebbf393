package tokenizer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// charsmap is SentencePiece's precompiled map of characters: a double-array trie
// whose values point into a list of texts that end in zero bytes.
type charsmap struct {
	units []uint32
	texts []byte
}

var errCharsmap = errors.New("its precompiled character map is broken")

func newCharsmap(data []byte) (*charsmap, error) {
	if len(data) < 4 {
		return nil, errCharsmap
	}
	size := int64(binary.LittleEndian.Uint32(data))
	data = data[4:]
	if size > int64(len(data)) || size%4 != 0 || size == 0 {
		return nil, errCharsmap
	}
	m := &charsmap{units: make([]uint32, size/4), texts: data[size:]}
	if err := checkTexts(m.texts); err != nil {
		return nil, err
	}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return m, nil
}

// find calls found for every key that s begins with, the shortest first, until
// found returns false.
func (m *charsmap) find(s string, found func(length int, text string) bool) {
	unit := m.units[0]
	at := offset(unit)
	for i := range len(s) {
		c := uint32(s[i])
		at ^= c
		if c == 0 || int(at) >= len(m.units) {
			return
		}
		unit = m.units[at]
		if unit&(1<<31|0xff) != c {
			return
		}
		at ^= offset(unit)
		if unit>>8&1 == 1 && int(at) < len(m.units) {
			start := m.units[at] & (1<<31 - 1)
			if int(start) > len(m.texts) {
				return
			}
			text := m.texts[start:]
			if end := bytes.IndexByte(text, 0); end >= 0 {
				text = text[:end]
			}
			if !found(i+1, string(text)) {
				return
			}
		}
	}
}

func offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// first is what the shortest key that s begins with stands for, which is how
// Hugging Face looks up a grapheme.
func (m *charsmap) first(s string) (text string, ok bool) {
	m.find(s, func(_ int, t string) bool {
		text, ok = t, true
		return false
	})
	return text, ok
}

// longest is what the longest key that s begins with stands for, which is how
// SentencePiece goes through a text.
func (m *charsmap) longest(s string) (length int, text string) {
	m.find(s, func(n int, t string) bool {
		length, text = n, t
		return true
	})
	return length, text
}

// byGrapheme maps whole graphemes of up to 5 bytes, and the runes of the others.
func (m *charsmap) byGrapheme(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	write := func(part string) {
		if text, ok := m.first(part); ok {
			part = text
		}
		out.WriteString(part)
	}
	state := -1
	for len(s) > 0 {
		if len(s) > 1 && s[0] < utf8.RuneSelf && s[1] < utf8.RuneSelf && s[0] != '\r' { // two ASCII runes are two graphemes
			write(s[:1])
			s, state = s[1:], -1
			continue
		}
		var grapheme string
		grapheme, s, _, state = uniseg.FirstGraphemeClusterInString(s, state)
		if len(grapheme) < 6 {
			if text, ok := m.first(grapheme); ok {
				out.WriteString(text)
				continue
			}
		}
		for _, r := range grapheme {
			write(string(r))
		}
	}
	return out.String()
}
