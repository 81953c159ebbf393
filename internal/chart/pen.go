package chart

import (
	"image/color"
	"math"
)

// box is a rectangle in points; y grows downwards from the top of the figure.
type box struct{ x, y, w, h float64 }

func (b box) right() float64  { return b.x + b.w }
func (b box) bottom() float64 { return b.y + b.h }

// stroke is how a line looks: its width and dashes in points.
type stroke struct {
	color  color.RGBA
	width  float64
	dashes []float64
}

// pen draws a figure, in points from its top left corner.
type pen interface {
	fill(b box, c color.RGBA)
	frame(b box, s stroke)
	// line joins points, each an x and a y.
	line(s stroke, points ...[2]float64)
	// text writes at a baseline; align 0 begins at x, 0.5 is centred, 1 ends there.
	text(s string, t typeface, c color.RGBA, x, y, align float64)
	// turned writes upwards from a point; x is the middle of the letters.
	turned(s string, t typeface, c color.RGBA, x, y float64)
}

// middle is how far the baseline of turned letters is from their middle, in sizes of the font.
const middle = 0.36

// snap moves a coordinate to an edge of pixels.
func snap(x float64) float64 { return math.Round(x*scale) / scale }
