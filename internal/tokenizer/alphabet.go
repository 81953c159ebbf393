package tokenizer

import (
	"strings"
	"sync"
)

// fromAlphabet turns a token spelled in GPT-2's byte alphabet into its bytes.
func fromAlphabet(s string) (string, bool) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := alphabetByte(r)
		if !ok {
			return "", false
		}
		out = append(out, b)
	}
	return string(out), true
}

// alphabetByte is the byte that a rune of the alphabet stands for: printable
// Latin-1 for itself, the 68 others in order from U+0100 on.
func alphabetByte(r rune) (byte, bool) {
	switch {
	case '!' <= r && r <= '~', 0xa1 <= r && r <= 0xac, 0xae <= r && r <= 0xff:
		return byte(r), true
	case 0x100 <= r && r <= 0x120:
		return byte(r - 0x100), true // 0 to 32
	case 0x121 <= r && r <= 0x142:
		return byte(r - 0x121 + 127), true // 127 to 160
	case r == 0x143:
		return 173, true
	}
	return 0, false
}

// alphabet has the rune of every byte.
var alphabet = sync.OnceValue(func() (runes [256]rune) {
	for r := rune(0); r <= 0x143; r++ {
		if b, ok := alphabetByte(r); ok {
			runes[b] = r
		}
	}
	return runes
})

// toAlphabet spells bytes in the alphabet.
func toAlphabet(s string) string {
	runes := alphabet()
	var out strings.Builder
	for i := range len(s) {
		out.WriteRune(runes[s[i]])
	}
	return out.String()
}
