// Package tokenizer turns text into token ids and back, exactly as the library
// does whose file it reads:
//
//	tokenizer.json           Hugging Face tokenizers 0.22 as transformers 4.57 sets it up
//	vocab.json, merges.txt   transformers' GPT-2, Qwen2 and RoBERTa
//	tokenizer.model          SentencePiece 0.2 (Unigram, BPE)
//	tiktoken.model           tiktoken, for the families whose split pattern is known
//	tekken.json              mistral-common
//
// The vocabulary of Llama 3 is built in. docs/tokenizers.md has the families and
// speeds. Nothing is downloaded, and nothing but
// the files of the tokenizer is read. What a file asks for and is not supported
// is an error that names it. Every step takes time that is linear in the text,
// up to a logarithm, whatever patterns a file holds.
//
// Of github.com/sugarme/tokenizer v0.3.0 the WordPiece model and the decoders
// WordPiece, BPE and CTC are used: they agree with Hugging Face on all vectors.
// The rest is our own, for these reasons, which TestSugarmesParts holds: its
// loader panics on the patterns of Llama 3 and Qwen; its BPE merges the last of
// equal pairs first and panics on unknown bytes; its Unigram finds no token of
// more than 20 bytes; its BERT normalizer keeps white space that is not ASCII;
// its ByteFallback and Strip panic on odd tokens.
package tokenizer

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// Tokenizer turns text into token ids and back. It is safe for concurrent use.
type Tokenizer struct {
	// Name says where the tokenizer came from.
	Name string

	vocab   int        // size of the model's vocabulary, added tokens not counted
	tokens  vocabulary // bytes where decode is nil
	prepare func()     // builds what only encoding needs; nil if nothing is left to do
	once    sync.Once

	normal []normalizer
	splits []splitter
	model  model
	decode []decoder // nil if a text is its tokens' bytes in a row

	raw, normalized trie // added tokens, found before and after normalisation
	special         map[int32]bool
	empty           map[int32]bool // ids whose text is empty
	before, after   []int          // ids around a text: BOS and EOS
	cleanUp         bool

	pool sync.Pool
}

// model turns a piece of text into tokens.
type model interface {
	encode(dst []int, piece string, s *scratch) []int
}

// VocabSize is the size of the model's vocabulary, added tokens not counted.
func (t *Tokenizer) VocabSize() int { return t.vocab }

// Encode returns the ids of text; special adds those that belong around a text.
// Special tokens that stand in the text are found either way. Bytes that are
// not UTF-8 count as U+FFFD.
func (t *Tokenizer) Encode(text string, special bool) []int {
	t.once.Do(func() {
		if t.prepare != nil {
			t.prepare()
		}
	})
	s, _ := t.pool.Get().(*scratch)
	if s == nil {
		s = &scratch{}
	}
	defer t.pool.Put(s)
	if !utf8.ValidString(text) {
		text = lossy(text)
	}
	ids := make([]int, 0, len(text)/4+2)
	if special {
		ids = append(ids, t.before...)
	}
	first := true
	t.raw.split(text, func(piece string, id int32) {
		start := first
		first = false
		if id >= 0 {
			ids = append(ids, int(id))
			return
		}
		head := 0
		if start {
			_, head = utf8.DecodeRuneInString(piece)
		}
		for _, normalize := range t.normal {
			piece, head = normalize(piece, head)
		}
		t.normalized.split(piece, func(piece string, id int32) {
			if id >= 0 {
				ids = append(ids, int(id))
			} else {
				ids = t.encodePiece(ids, piece, head, s)
			}
			head -= len(piece)
		})
	})
	if special {
		ids = append(ids, t.after...)
	}
	return ids
}

// encodePiece encodes text without added tokens; head is that of splitter.
func (t *Tokenizer) encodePiece(ids []int, piece string, head int, s *scratch) []int {
	var split func(k int, piece string, head int)
	split = func(k int, piece string, head int) {
		switch {
		case piece == "":
		case k == len(t.splits):
			ids = t.model.encode(ids, piece, s)
		default:
			t.splits[k](piece, head, func(piece string, head int) { split(k+1, piece, head) })
		}
	}
	split(0, piece, head)
	return ids
}

// Decode returns the text of ids. Ids that are none are left out, and special
// tokens if skipSpecial is set; bytes that are not UTF-8 become U+FFFD.
func (t *Tokenizer) Decode(ids []int, skipSpecial bool) string {
	kept := func(id int) bool {
		return 0 <= id && id < t.tokens.len() && !(skipSpecial && t.special[int32(id)])
	}
	var out string
	if t.decode == nil {
		n := 0
		for _, id := range ids {
			if kept(id) {
				n += len(t.tokens.of(id))
			}
		}
		text := make([]byte, 0, n)
		for _, id := range ids {
			if kept(id) {
				text = append(text, t.tokens.of(id)...)
			}
		}
		if out = string(text); !utf8.Valid(text) {
			out = lossy(out)
		}
	} else {
		parts := make([]string, 0, len(ids))
		for _, id := range ids {
			if kept(id) && (t.tokens.of(id) != "" || t.empty[int32(id)]) {
				parts = append(parts, t.tokens.of(id))
			}
		}
		for _, decode := range t.decode {
			parts = decode(parts)
		}
		out = strings.Join(parts, "")
	}
	if t.cleanUp {
		out = cleanUp(out)
	}
	return out
}

// cleanUp is transformers' clean_up_tokenization: ten replacements, in turn.
func cleanUp(text string) string {
	for _, r := range [...][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"},
		{" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	return text
}

// lossy replaces bytes that are not UTF-8 as Rust's from_utf8_lossy does: each
// maximal part of a sequence that could have gone on becomes one U+FFFD.
func lossy(s string) string {
	var out strings.Builder
	out.Grow(len(s) + 16)
	start := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
			i += size
			continue
		}
		out.WriteString(s[start:i])
		out.WriteString("\uFFFD")
		i += invalidLength(s[i:])
		start = i
	}
	out.WriteString(s[start:])
	return out.String()
}

// invalidLength is the length of the maximal invalid subpart that s begins with
// (Unicode Standard, 3.9, table 3-8).
func invalidLength(s string) int {
	low, high, need := byte(0x80), byte(0xbf), 0
	switch c := s[0]; {
	case 0xc2 <= c && c <= 0xdf:
		need = 1
	case 0xe0 <= c && c <= 0xef:
		need = 2
		if c == 0xe0 {
			low = 0xa0
		} else if c == 0xed {
			high = 0x9f
		}
	case 0xf0 <= c && c <= 0xf4:
		need = 3
		if c == 0xf0 {
			low = 0x90
		} else if c == 0xf4 {
			high = 0x8f
		}
	}
	n := 1
	for n <= need && n < len(s) && low <= s[n] && s[n] <= high {
		low, high = 0x80, 0xbf
		n++
	}
	return n
}
