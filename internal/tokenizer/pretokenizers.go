package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A splitter cuts text into pieces and may change them. head is how many bytes at the
// start of a text come from the first character of the whole text, not positive if
// none do.
type splitter func(text string, head int, emit func(piece string, head int))

// upTo is the part of a text that head counts.
func upTo(text string, head int) string { return text[:max(0, min(head, len(text)))] }

// after is a head with n bytes put before it: they belong to the character that follows.
func after(head, n int) int {
	if head > 0 {
		return head + n
	}
	return head
}

// behavior says what becomes of the matches that a text is split at.
type behavior uint8

const (
	isolated behavior = iota
	removed
	mergedWithPrevious
	mergedWithNext
	contiguous
)

func (s *step) behavior(otherwise behavior) (behavior, error) {
	switch s.Behavior {
	case "":
		return otherwise, nil
	case "Isolated":
		return isolated, nil
	case "Removed":
		return removed, nil
	case "MergedWithPrevious":
		return mergedWithPrevious, nil
	case "MergedWithNext":
		return mergedWithNext, nil
	case "Contiguous":
		return contiguous, nil
	}
	return 0, unsupported("split behavior", s.Behavior)
}

// finder calls piece for every match in a text and every stretch between them.
type finder func(text string, piece func(text string, matched bool))

// runes finds the single runes that is reports.
func runes(is func(rune) bool) finder {
	return func(s string, piece func(string, bool)) {
		from := 0
		for i, r := range s {
			if !is(r) {
				continue
			}
			if from < i {
				piece(s[from:i], false)
			}
			from = i + utf8.RuneLen(r)
			piece(s[i:from], true)
		}
		if from < len(s) {
			piece(s[from:], false)
		}
	}
}

// literal finds a string.
func literal(what string) finder {
	return func(s string, piece func(string, bool)) {
		for s != "" {
			i := -1
			if what != "" {
				i = strings.Index(s, what)
			}
			if i < 0 {
				piece(s, false)
				return
			}
			if i > 0 {
				piece(s[:i], false)
			}
			piece(s[i:i+len(what)], true)
			s = s[i+len(what):]
		}
	}
}

// splitAt splits at what find finds; with invert at what it does not.
func splitAt(find finder, b behavior, invert bool) splitter {
	return func(text string, head int, emit func(string, int)) {
		at, from := 0, 0 // of the piece now found, of the pieces held back
		last, held := false, false
		flush := func() {
			if held && from < at {
				emit(text[from:at], head-from)
			}
			from, held = at, false
		}
		find(text, func(piece string, matched bool) {
			matched = matched != invert
			switch b {
			case isolated:
				flush()
			case removed:
				flush()
				if matched {
					at += len(piece)
					from = at
					return
				}
			case mergedWithPrevious:
				if !matched || last {
					flush()
				}
			case mergedWithNext: // a match goes with what follows, unless that is a match
				if !last || matched {
					flush()
				}
			case contiguous:
				if matched != last {
					flush()
				}
			}
			at, last, held = at+len(piece), matched, true
		})
		flush()
	}
}

// splitters reads a pre-tokenizer of a tokenizer.json. byteLevel says that what it
// makes is spelled in the byte alphabet; where that is its last step and raw is
// set, the step is left to the model.
func splitters(s *step, raw bool) (all []splitter, byteLevel bool, err error) {
	if s == nil {
		return nil, false, nil
	}
	if s.Type == "Sequence" {
		for i, inner := range s.Pretokenizers {
			some, b, err := splitters(inner, raw && i == len(s.Pretokenizers)-1)
			if err != nil {
				return nil, false, err
			}
			all, byteLevel = append(all, some...), b
		}
		return all, byteLevel, nil
	}
	if s.Type == "ByteLevel" {
		all, err = s.byteLevel(raw)
		return all, true, err
	}
	one, err := s.splitter()
	return []splitter{one}, false, err
}

// gpt2 is the pattern that ByteLevel splits by unless told not to.
const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

func (s *step) byteLevel(raw bool) (all []splitter, err error) {
	if s.AddPrefix {
		all = append(all, func(text string, head int, emit func(string, int)) {
			if !strings.HasPrefix(text, " ") {
				text, head = " "+text, after(head, 1)
			}
			emit(text, head)
		})
	}
	if s.UseRegex == nil || *s.UseRegex {
		p, err := parsePattern(gpt2)
		if err != nil {
			return nil, err
		}
		all = append(all, splitAt(p.each, isolated, false))
	}
	if !raw {
		all = append(all, func(text string, head int, emit func(string, int)) {
			emit(toAlphabet(text), len(toAlphabet(upTo(text, head))))
		})
	}
	return all, nil
}

func (s *step) splitter() (splitter, error) {
	switch s.Type {
	case "BertPreTokenizer":
		blanks, marks := splitAt(runes(unicode.IsSpace), removed, false), splitAt(runes(isPunctuation()), isolated, false)
		return func(text string, head int, emit func(string, int)) {
			blanks(text, head, func(piece string, head int) { marks(piece, head, emit) })
		}, nil
	case "Whitespace":
		p, err := compilePattern(`\w+|[^\w\s]+`, true)
		if err != nil {
			return nil, err
		}
		return splitAt(p.each, removed, true), nil
	case "WhitespaceSplit":
		return splitAt(runes(unicode.IsSpace), removed, false), nil
	case "CharDelimiterSplit", "Delimiter":
		r, _ := utf8.DecodeRuneInString(s.Delimiter)
		return splitAt(runes(func(c rune) bool { return c == r }), removed, false), nil
	case "Punctuation":
		b, err := s.behavior(isolated)
		return splitAt(runes(isPunctuation()), b, false), err
	case "Digits":
		b := contiguous
		if s.Individual {
			b = isolated
		}
		numbers := append(category("N"), ranges(newerDigits))
		return splitAt(runes(func(r rune) bool { return unicode.IsOneOf(numbers, r) }), b, false), nil
	case "Split":
		return s.patternSplitter()
	case "Metaspace":
		return s.metaspace()
	case "UnicodeScripts":
		return splitByScript, nil
	case "FixedLength":
		if s.Length == nil || *s.Length < 1 {
			return nil, fmt.Errorf("its FixedLength pre-tokenizer has no length")
		}
		return fixedLength(*s.Length), nil
	}
	return nil, unsupported("pre-tokenizer", s.Type)
}

func (s *step) patternSplitter() (splitter, error) {
	b, err := s.behavior(isolated)
	switch {
	case err != nil:
		return nil, err
	case s.Pattern.Regex != nil:
		p, err := parsePattern(*s.Pattern.Regex)
		if err != nil {
			return nil, err
		}
		return splitAt(p.each, b, s.Invert), nil
	case s.Pattern.String != nil:
		return splitAt(literal(*s.Pattern.String), b, s.Invert), nil
	}
	return nil, fmt.Errorf("its Split pre-tokenizer has no pattern")
}

// scheme is when Metaspace prepends its replacement: always, first or never.
func (s *step) scheme() string {
	switch {
	case s.PrependScheme != "":
		return s.PrependScheme
	case s.AddPrefixSpace != nil && !*s.AddPrefixSpace:
		return "never"
	}
	return "always"
}

func (s *step) metaspace() (splitter, error) {
	mark, scheme := s.Replacement, s.scheme()
	if mark == "" {
		mark = "▁"
	}
	if scheme != "always" && scheme != "first" && scheme != "never" {
		return nil, unsupported("prepend scheme", scheme)
	}
	words := splitAt(literal(mark), mergedWithNext, false)
	return func(text string, head int, emit func(string, int)) {
		head = len(strings.ReplaceAll(upTo(text, head), " ", mark))
		text = strings.ReplaceAll(text, " ", mark)
		if (scheme == "always" || scheme == "first" && head > 0) && !strings.HasPrefix(text, mark) {
			text, head = mark+text, after(head, len(mark))
		}
		if s.Split != nil && !*s.Split {
			emit(text, head)
			return
		}
		words(text, head, emit)
	}, nil
}

// isPunctuation is that of ASCII and of the general category P.
func isPunctuation() func(rune) bool {
	other := of("8.0.0", category("P"), "166d 111c9", "")
	return func(r rune) bool {
		if r < utf8.RuneSelf {
			return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
		}
		return other(r)
	}
}

// splitByScript splits where the script changes; Kana count as Han, and a blank
// as any script.
func splitByScript(text string, head int, emit func(string, int)) {
	last, from := "", -1 // blanks before the first letter are left out
	for i, r := range text {
		script := scriptOf(r)
		if r == ' ' {
			script = whatever
		}
		if script != whatever && last != script {
			if from >= 0 && i > from {
				emit(text[from:i], head-from)
			}
			from = i
		}
		if script != whatever {
			last = script
		}
	}
	if from >= 0 {
		emit(text[from:], head-from)
	}
}

// whatever is the script of a blank and of what is not assigned.
const whatever = "Any"

func scriptOf(r rune) string {
	if r < utf8.RuneSelf {
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return "Latin"
		}
		return "Common"
	}
	switch {
	case isNewer(r):
		return whatever
	case r == 0x589 || r == 0x61c: // of Unicode 9.0
		return "Common"
	case r == 0x953 || r == 0x954:
		return "Devanagari"
	}
	if r == 'ー' || unicode.In(r, unicode.Hiragana, unicode.Katakana) {
		return "Han"
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return whatever
}

func fixedLength(n int) splitter {
	return func(text string, head int, emit func(string, int)) {
		from, count := 0, 0
		for i := range text {
			if count == n {
				emit(text[from:i], head-from)
				from, count = i, 0
			}
			count++
		}
		emit(text[from:], head-from)
	}
}
