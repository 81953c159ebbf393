package tokenizer

import (
	"strconv"
	"strings"
	"unicode/utf8"

	sugarme "github.com/sugarme/tokenizer/decoder"
)

// decoder turns the texts of tokens into other texts, which are joined at the end.
type decoder func([]string) []string

// decoders reads a decoder of a tokenizer.json.
func decoders(s *step) ([]decoder, error) {
	if s == nil { // Hugging Face puts blanks between the tokens
		return []decoder{func(tokens []string) []string { return []string{strings.Join(tokens, " ")} }}, nil
	}
	one := func(d decoder) ([]decoder, error) { return []decoder{d}, nil }
	switch s.Type {
	case "Sequence":
		var all []decoder
		for _, inner := range s.Decoders {
			some, err := decoders(inner)
			if err != nil {
				return nil, err
			}
			all = append(all, some...)
		}
		return all, nil
	case "ByteLevel":
		return one(fromByteLevel)
	case "ByteFallback":
		return one(fromByteTokens)
	case "Fuse":
		return one(func(tokens []string) []string { return []string{strings.Join(tokens, "")} })
	case "Replace":
		f, err := s.replacer()
		return []decoder{func(tokens []string) []string {
			return each(tokens, func(t string) string { t, _ = f(t, 0); return t })
		}}, err
	case "Strip":
		content := " "
		if s.Content != nil {
			content = *s.Content
		}
		return one(func(tokens []string) []string {
			return each(tokens, func(t string) string { return strip(t, content, s.Start, s.Stop) })
		})
	case "Metaspace":
		return one(s.fromMetaspace)
	case "WordPiece":
		prefix := "##"
		if s.Prefix != nil {
			prefix = *s.Prefix
		}
		return one(sugarme.NewWordPieceDecoder(prefix, s.Cleanup == nil || *s.Cleanup).DecodeChain)
	case "BPEDecoder":
		suffix := "</w>"
		if s.Suffix != nil {
			suffix = *s.Suffix
		}
		return one(sugarme.NewBpeDecoder(suffix).DecodeChain)
	case "CTC":
		pad, blank := "<pad>", "|"
		if s.PadToken != nil {
			pad = *s.PadToken
		}
		if s.WordDelimiter != nil {
			blank = *s.WordDelimiter
		}
		return one(sugarme.NewCTC(pad, blank, s.Cleanup == nil || *s.Cleanup).DecodeChain)
	}
	return nil, unsupported("decoder", s.Type)
}

// each applies f to every token.
func each(tokens []string, f func(string) string) []string {
	for i, t := range tokens {
		tokens[i] = f(t)
	}
	return tokens
}

func fromByteLevel(tokens []string) []string {
	var out strings.Builder
	for _, t := range tokens {
		if b, ok := fromAlphabet(t); ok {
			t = b
		}
		out.WriteString(t)
	}
	return []string{lossy(out.String())}
}

// byteToken is the byte that a token such as <0x0A> stands for, -1 for others.
func byteToken(t string) int {
	if len(t) != 6 || t[:3] != "<0x" || t[5] != '>' {
		return -1
	}
	b, err := strconv.ParseUint(t[3:5], 16, 8)
	if err != nil {
		return -1
	}
	return int(b)
}

// fromByteTokens joins byte tokens; where they are not UTF-8, each is U+FFFD.
func fromByteTokens(tokens []string) []string {
	out := make([]string, 0, len(tokens))
	var held []byte
	flush := func() {
		if utf8.Valid(held) {
			if len(held) > 0 {
				out = append(out, string(held))
			}
		} else {
			for range held {
				out = append(out, "\uFFFD")
			}
		}
		held = held[:0]
	}
	for _, t := range tokens {
		if b := byteToken(t); b >= 0 {
			held = append(held, byte(b))
			continue
		}
		flush()
		out = append(out, t)
	}
	flush()
	return out
}

// strip takes content away, up to start times at the front and stop times at the end.
func strip(t, content string, start, stop int) string {
	for ; start > 0 && content != "" && strings.HasPrefix(t, content); start-- {
		t = t[len(content):]
	}
	for ; stop > 0 && content != "" && strings.HasSuffix(t, content); stop-- {
		t = t[:len(t)-len(content)]
	}
	return t
}

func (s *step) fromMetaspace(tokens []string) []string {
	mark := s.Replacement
	if mark == "" {
		mark = "▁"
	}
	for i, t := range tokens {
		blank := " "
		if i == 0 && s.scheme() != "never" {
			blank = ""
		}
		tokens[i] = strings.ReplaceAll(t, mark, blank)
	}
	return tokens
}
