package tokenizer

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer changes a stretch of text before it is split. head counts the bytes at
// its start that come from the first character of the whole text, before and after.
type normalizer func(text string, head int) (string, int)

// normalizing makes a normalizer of what changes a text rune by rune, or joins runes
// with the first of them.
func normalizing(change func(string) string) normalizer {
	return func(text string, head int) (string, int) {
		first := change(upTo(text, head))
		if text = change(text); head > 0 && !strings.HasPrefix(text, first) {
			_, n := utf8.DecodeRuneInString(text)
			return text, n
		}
		return text, len(first)
	}
}

// normalizers reads a normalizer of a tokenizer.json.
func normalizers(s *step) ([]normalizer, error) {
	if s == nil {
		return nil, nil
	}
	one := func(change func(string) string) ([]normalizer, error) {
		return []normalizer{normalizing(change)}, nil
	}
	switch s.Type {
	case "Sequence":
		var all []normalizer
		for _, inner := range s.Normalizers {
			some, err := normalizers(inner)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		return all, nil
	case "NFC", "NFD", "NFKC", "NFKD":
		form := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[s.Type]
		return one(func(t string) string { return normalize(form, t) })
	case "Lowercase":
		return one(lowercase)
	case "StripAccents":
		marks := of("9.0.0", category("M"), "1cf2-1cf3", "111c9")
		return one(func(t string) string { return without(t, marks) })
	case "Nmt":
		return one(nmt)
	case "Strip":
		return one(func(t string) string {
			if s.StripLeft {
				t = strings.TrimLeftFunc(t, unicode.IsSpace)
			}
			if s.StripRight {
				t = strings.TrimRightFunc(t, unicode.IsSpace)
			}
			return t
		})
	case "Prepend":
		return one(func(t string) string {
			if t == "" {
				return t
			}
			return s.Prepend + t
		})
	case "Replace":
		f, err := s.replacer()
		return []normalizer{f}, err
	case "BertNormalizer":
		return one(s.bert())
	case "ByteLevel":
		return one(toAlphabet)
	case "Precompiled":
		return s.precompiled()
	}
	return nil, unsupported("normalizer", s.Type)
}

// precompiled makes a normalizer of a character map; an empty one changes nothing.
func (s *step) precompiled() ([]normalizer, error) {
	data, err := base64.StdEncoding.DecodeString(s.Charsmap)
	if err != nil {
		return nil, fmt.Errorf("the character map of its normalizer is not base64: %w", err)
	}
	if len(data) == 0 {
		return nil, nil
	}
	m, err := newCharsmap(data)
	if err != nil {
		return nil, err
	}
	return []normalizer{normalizing(m.byGrapheme)}, nil
}

// replacer replaces a string or the matches of a pattern. What replaces a match comes
// from the match's last character.
func (s *step) replacer() (normalizer, error) {
	var content string
	if s.Content != nil {
		content = *s.Content
	}
	var find finder
	switch {
	case s.Pattern.Regex != nil:
		p, err := parsePattern(*s.Pattern.Regex)
		if err != nil {
			return nil, err
		}
		find = p.each
	case s.Pattern.String != nil:
		find = literal(*s.Pattern.String)
	default:
		return nil, fmt.Errorf("its %s step has no pattern", s.Type)
	}
	return func(text string, head int) (string, int) {
		out := make([]byte, 0, len(text))
		first, at := 0, 0
		find(text, func(piece string, matched bool) {
			put := piece
			if matched {
				put = content
			}
			switch end := at + len(piece); {
			case at >= head:
			case !matched:
				first += min(head-at, len(piece))
			case end <= head:
				first += len(content)
			}
			at += len(piece)
			out = append(out, put...)
		})
		return string(out), first
	}, nil
}

// lowercase is Rust's char::to_lowercase of every rune.
func lowercase(t string) string {
	return strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r == 'İ' {
			return r
		}
		return toLower(r)
	}, t), "İ", "i\u0307")
}

// without drops the runes that drop reports.
func without(t string, drop func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if drop(r) {
			return -1
		}
		return r
	}, t)
}

// nmt is SentencePiece's normalizer for machine translation, as Hugging Face has it.
func nmt(t string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 1 <= r && r <= 8, r == 0xb, 0xe <= r && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
			return -1
		case r == '\t', r == '\n', r == '\f', r == '\r', r == 0x1680, 0x200b <= r && r <= 0x200f,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
			return ' '
		}
		return r
	}, t)
}

// bert returns the normalizer of BERT.
func (s *step) bert() func(string) string {
	is := func(b *bool, otherwise bool) bool {
		if b != nil {
			return *b
		}
		return otherwise
	}
	lower := is(s.Lowercase, true)
	strip := is(s.StripAccents, lower)
	marks := of("8.0.0", category("Mn"), "1734", "1885-1886 a9bd 111c9")
	control := of("8.0.0", []*unicode.RangeTable{unicode.Cc, unicode.Cf, unicode.Co}, "", "")
	return func(t string) string {
		if is(s.CleanText, true) {
			t = strings.Map(func(r rune) rune { return cleanRune(r, control) }, t)
		}
		if is(s.ChineseChars, true) {
			t = spaceChinese(t)
		}
		if strip {
			t = without(normalize(norm.NFD, t), marks)
		}
		if lower {
			t = lowercase(t)
		}
		return t
	}
}

// cleanRune drops control characters and makes every white space a blank.
func cleanRune(r rune, control func(rune) bool) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return ' '
	case r == 0 || r == 0xfffd || control(r):
		return -1
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

// spaceChinese puts blanks around every Chinese character.
func spaceChinese(t string) string {
	var out strings.Builder
	for _, r := range t {
		switch {
		case 0x4e00 <= r && r <= 0x9fff, 0x3400 <= r && r <= 0x4dbf, 0x20000 <= r && r <= 0x2a6df, 0x2a700 <= r && r <= 0x2b73f,
			0x2b740 <= r && r <= 0x2b81f, 0x2b920 <= r && r <= 0x2ceaf, 0xf900 <= r && r <= 0xfaff, 0x2f800 <= r && r <= 0x2fa1f:
			out.WriteByte(' ')
			out.WriteRune(r)
			out.WriteByte(' ')
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
