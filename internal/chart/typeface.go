package chart

import (
	"fmt"
	"strings"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// fonts loads Liberation Sans, regular and bold.
var fonts = sync.OnceValue(func() [2]*sfnt.Font {
	parse := func(ttf []byte) *sfnt.Font {
		f, err := sfnt.Parse(ttf)
		if err != nil {
			panic(fmt.Sprintf("chart: the font that is built in: %v", err))
		}
		return f
	}
	return [2]*sfnt.Font{parse(liberationsansregular.TTF), parse(liberationsansbold.TTF)}
})

// typeface is a font size in points, bold or not.
type typeface struct {
	size float64
	bold bool
}

func (t typeface) font() *sfnt.Font {
	if t.bold {
		return fonts()[1]
	}
	return fonts()[0]
}

// set calls place for each letter of a text with its distance from the first, and returns the
// width of the text, all in the font's units, of which em make the size of the typeface.
func (t typeface) set(s string, place func(glyph sfnt.GlyphIndex, from float64)) (width, em float64) {
	f := t.font()
	units := fixed.Int26_6(f.UnitsPerEm())
	var buffer sfnt.Buffer
	var before sfnt.GlyphIndex
	for i, r := range s {
		glyph, _ := f.GlyphIndex(&buffer, r) // 0 is drawn for letters that the font lacks
		if i > 0 {
			if kern, err := f.Kern(&buffer, before, glyph, units, font.HintingNone); err == nil {
				width += float64(kern)
			}
		}
		if place != nil {
			place(glyph, width)
		}
		if advance, err := f.GlyphAdvance(&buffer, glyph, units, font.HintingNone); err == nil {
			width += float64(advance)
		}
		before = glyph
	}
	return width, float64(units)
}

// width is that of a text in points.
func (t typeface) width(s string) float64 {
	width, em := t.set(s, nil)
	return width * t.size / em
}

// widest is the greatest width of the texts.
func (t typeface) widest(texts []string) float64 {
	w := 0.0
	for _, s := range texts {
		w = max(w, t.width(s))
	}
	return w
}

// clip shortens a text, with an ellipsis, to a width in points.
func (t typeface) clip(s string, room float64) string {
	s = clean(s)
	if t.width(s) <= room {
		return s
	}
	runes := []rune(s)
	low, high := 0, len(runes) // so many runes fit, so many do not
	for low+1 < high {
		if mid := (low + high) / 2; t.width(string(runes[:mid])+"…") <= room {
			low = mid
		} else {
			high = mid
		}
	}
	return strings.TrimRight(string(runes[:low]), " ") + "…"
}

// wrap breaks a text at a space into two lines where it is wider than the room.
func (t typeface) wrap(s string, room float64) []string {
	s = clean(s)
	if t.width(s) <= room {
		return []string{s}
	}
	cut := -1
	for i, r := range s {
		if r == ' ' && (cut < 0 || t.width(s[:i]) <= room) {
			cut = i
		}
	}
	if cut < 0 {
		return []string{t.clip(s, room)}
	}
	return []string{t.clip(s[:cut], room), t.clip(s[cut+1:], room)}
}

// clean makes a text one line of characters that XML allows.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r == 0xfffe || r == 0xffff:
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.TrimSpace(s)
}
