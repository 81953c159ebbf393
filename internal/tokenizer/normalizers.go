package tokenizer

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalizer changes a stretch of text before it is split.
type normalizer func(string) string

// normalizers reads a normalizer of a tokenizer.json.
func normalizers(s *step) ([]normalizer, error) {
	if s == nil {
		return nil, nil
	}
	one := func(n normalizer) ([]normalizer, error) { return []normalizer{n}, nil }
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
		marks := category("M")
		return one(func(t string) string { return without(t, func(r rune) bool { return unicode.IsOneOf(marks, r) }) })
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
	return []normalizer{m.byGrapheme}, nil
}

// replacer replaces a string or the matches of a pattern.
func (s *step) replacer() (func(string) string, error) {
	var content string
	if s.Content != nil {
		content = *s.Content
	}
	switch {
	case s.Pattern.Regex != nil:
		p, err := parsePattern(*s.Pattern.Regex)
		if err != nil {
			return nil, err
		}
		return func(t string) string { return p.replace(t, content) }, nil
	case s.Pattern.String != nil && *s.Pattern.String != "":
		return func(t string) string { return strings.ReplaceAll(t, *s.Pattern.String, content) }, nil
	case s.Pattern.String != nil:
		return func(t string) string { return t }, nil
	}
	return nil, fmt.Errorf("its %s step has no pattern", s.Type)
}

// lowercase is Rust's char::to_lowercase of every rune.
func lowercase(t string) string {
	return strings.ReplaceAll(strings.Map(func(r rune) rune {
		if r == 'İ' {
			return r
		}
		return unicode.ToLower(r)
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
func (s *step) bert() normalizer {
	is := func(b *bool, otherwise bool) bool {
		if b != nil {
			return *b
		}
		return otherwise
	}
	lower := is(s.Lowercase, true)
	strip := is(s.StripAccents, lower)
	marks := category("Mn")
	return func(t string) string {
		if is(s.CleanText, true) {
			t = strings.Map(cleanRune, t)
		}
		if is(s.ChineseChars, true) {
			t = spaceChinese(t)
		}
		if strip {
			t = without(normalize(norm.NFD, t), func(r rune) bool { return unicode.IsOneOf(marks, r) })
		}
		if lower {
			t = lowercase(t)
		}
		return t
	}
}

// cleanRune drops control characters and makes every white space a blank.
func cleanRune(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return ' '
	case r == 0 || r == 0xfffd || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
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
