package chart

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// faces loads Liberation Sans, regular and bold.
var faces = sync.OnceValue(func() [2]font.Face {
	parse := func(ttf []byte, weight xfont.Weight) font.Face {
		f, err := opentype.Parse(ttf)
		if err != nil {
			panic(fmt.Sprintf("chart: the font that is built in: %v", err))
		}
		return font.Face{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight}, Face: f}
	}
	return [2]font.Face{parse(liberationsansregular.TTF, xfont.WeightNormal), parse(liberationsansbold.TTF, xfont.WeightBold)}
})

// typeface is a font size in points, bold or not.
type typeface struct {
	size float64
	bold bool
}

func (t typeface) face() font.Face {
	f := faces()[0]
	if t.bold {
		f = faces()[1]
	}
	f.Font.Size = vg.Length(t.size)
	return f
}

// width is that of a text in points.
func (t typeface) width(s string) float64 {
	f := t.face()
	return float64(f.Width(s))
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

// box is a rectangle in points; y grows downwards from the top of the figure.
type box struct{ x, y, w, h float64 }

func (b box) right() float64  { return b.x + b.w }
func (b box) bottom() float64 { return b.y + b.h }

// pen draws on a canvas in points from the top left corner.
type pen struct{ canvas vg.Canvas }

func newPen(canvas vg.Canvas) *pen {
	p := &pen{canvas}
	p.fill(box{0, 0, figureWidth, figureHeight}, white)
	return p
}

func point(x, y float64) vg.Point {
	return vg.Point{X: vg.Length(hundredth(x)), Y: vg.Length(hundredth(figureHeight - y))}
}

// hundredth rounds, so that the last bits of a sum do not show in files.
func hundredth(x float64) float64 { return math.Round(100*x) / 100 }

// snap moves a coordinate to an edge of pixels.
func snap(x float64) float64 {
	const pixel = 72.0 / dpi
	return math.Round(x/pixel) * pixel
}

func outline(b box) vg.Path {
	var p vg.Path
	p.Move(point(b.x, b.y))
	p.Line(point(b.right(), b.y))
	p.Line(point(b.right(), b.bottom()))
	p.Line(point(b.x, b.bottom()))
	p.Close()
	return p
}

func (p *pen) fill(b box, c color.Color) {
	p.canvas.SetColor(c)
	p.canvas.Fill(outline(b))
}

// stroke is how a line looks: its width and dashes in points.
type stroke struct {
	color  color.Color
	width  float64
	dashes []vg.Length
}

func (p *pen) use(s stroke) {
	p.canvas.SetColor(s.color)
	p.canvas.SetLineWidth(vg.Length(s.width))
	p.canvas.SetLineDash(s.dashes, 0)
}

func (p *pen) frame(b box, s stroke) {
	p.use(s)
	p.canvas.Stroke(outline(b))
}

// line joins points, each an x and a y.
func (p *pen) line(s stroke, points ...[2]float64) {
	p.use(s)
	var path vg.Path
	path.Move(point(points[0][0], points[0][1]))
	for _, at := range points[1:] {
		path.Line(point(at[0], at[1]))
	}
	p.canvas.Stroke(path)
}

// text writes at a baseline; align 0 begins there, 0.5 is centred, 1 ends there.
func (p *pen) text(s string, t typeface, c color.Color, x, y, align float64) {
	if s == "" {
		return
	}
	p.canvas.SetColor(c)
	p.canvas.FillString(t.face(), point(x-align*t.width(s), y), s)
}

// turned writes upwards from a point; x is the middle of the letters.
func (p *pen) turned(s string, t typeface, c color.Color, x, y float64) {
	p.canvas.Push()
	p.canvas.SetColor(c)
	p.canvas.Translate(point(x+0.36*t.size, y))
	p.canvas.Rotate(math.Pi / 2)
	p.canvas.FillString(t.face(), vg.Point{}, s)
	p.canvas.Pop()
}
