package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is found in the text itself, before it is split.
type addedToken struct {
	ID         int32
	Content    string
	SingleWord bool `json:"single_word"`
	Lstrip     bool
	Rstrip     bool
	Normalized bool
	Special    bool
}

// trie finds added tokens: the leftmost, and of those the longest.
type trie struct {
	root   *trieNode
	starts [256]bool
}

type trieNode struct {
	next  map[byte]*trieNode
	token *addedToken
}

func (t *trie) add(token *addedToken) {
	if token.Content == "" {
		return
	}
	if t.root == nil {
		t.root = &trieNode{}
	}
	t.starts[token.Content[0]] = true
	n := t.root
	for i := range len(token.Content) {
		if n.next == nil {
			n.next = map[byte]*trieNode{}
		}
		child := n.next[token.Content[i]]
		if child == nil {
			child = &trieNode{}
			n.next[token.Content[i]] = child
		}
		n = child
	}
	if n.token == nil || token.Special && !n.token.Special { // two may be normalized to the same text
		n.token = token
	}
}

// at returns the longest token that begins at s[i].
func (t *trie) at(s string, i int) (found *addedToken) {
	for n := t.root; n != nil; i++ {
		if n.token != nil {
			found = n.token
		}
		if i == len(s) {
			break
		}
		n = n.next[s[i]]
	}
	return found
}

// split calls piece for every added token in s, with its id, and every stretch
// between them, with -1. Blanks that a token takes with it can still be the
// beginning of the next one.
func (t *trie) split(s string, piece func(string, int32)) {
	from := 0
	for i := 0; t.root != nil && i < len(s); {
		if !t.starts[s[i]] {
			i++
			continue
		}
		token := t.at(s, i)
		if token == nil {
			i++
			continue
		}
		start, end := i, i+len(token.Content)
		i = end
		if token.SingleWord && (wordBefore(s[:start]) || wordAfter(s[end:])) {
			continue
		}
		if token.Lstrip {
			for start > from {
				r, n := utf8.DecodeLastRuneInString(s[from:start])
				if !unicode.IsSpace(r) {
					break
				}
				start -= n
			}
		}
		if token.Rstrip {
			for end < len(s) {
				r, n := utf8.DecodeRuneInString(s[end:])
				if !unicode.IsSpace(r) {
					break
				}
				end += n
			}
		}
		if from < start {
			piece(s[from:start], -1)
		}
		piece(s[start:end], token.ID)
		from = end
	}
	if from < len(s) {
		piece(s[from:], -1)
	}
}

func wordBefore(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return isWord(r)
}

func wordAfter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return isWord(r)
}

// isWord is \w of Rust's regex.
func isWord(r rune) bool { return unicode.IsOneOf(rustWord(), r) }

var rustWord = sync.OnceValue(func() []*unicode.RangeTable { return append(words(), unicode.Join_Control) })
