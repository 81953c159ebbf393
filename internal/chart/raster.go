package chart

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// raster is a pen that colours pixels.
type raster struct{ *image.RGBA }

func newRaster() raster {
	return raster{image.NewRGBA(image.Rect(0, 0, figureWidth*dpi/72, figureHeight*dpi/72))}
}

// scale is pixels in a point.
const scale = dpi / 72.0

func pixel(x, y float64) fixed.Point26_6 {
	return fixed.Point26_6{X: fixed.Int26_6(math.Round(64 * x)), Y: fixed.Int26_6(math.Round(64 * y))}
}

// polygon adds an area to an outline, its corners in points.
func polygon(o sfnt.Segments, corners ...[2]float64) sfnt.Segments {
	for i, at := range corners {
		segment := sfnt.Segment{Op: sfnt.SegmentOpLineTo}
		if i == 0 {
			segment.Op = sfnt.SegmentOpMoveTo
		}
		segment.Args[0] = pixel(at[0]*scale, at[1]*scale)
		o = append(o, segment)
	}
	return o
}

// paint colours what an outline encloses.
func (p raster) paint(o sfnt.Segments, c color.RGBA) {
	bounds := o.Bounds()
	area := image.Rect(bounds.Min.X.Floor(), bounds.Min.Y.Floor(), bounds.Max.X.Ceil(), bounds.Max.Y.Ceil())
	if area.Empty() {
		return
	}
	r := vector.NewRasterizer(area.Dx(), area.Dy())
	at := func(f fixed.Point26_6) (x, y float32) {
		return float32(f.X)/64 - float32(area.Min.X), float32(f.Y)/64 - float32(area.Min.Y)
	}
	for _, segment := range o {
		x, y := at(segment.Args[0])
		switch segment.Op {
		case sfnt.SegmentOpMoveTo:
			r.ClosePath()
			r.MoveTo(x, y)
		case sfnt.SegmentOpLineTo:
			r.LineTo(x, y)
		case sfnt.SegmentOpQuadTo:
			x2, y2 := at(segment.Args[1])
			r.QuadTo(x, y, x2, y2)
		case sfnt.SegmentOpCubeTo:
			x2, y2 := at(segment.Args[1])
			x3, y3 := at(segment.Args[2])
			r.CubeTo(x, y, x2, y2, x3, y3)
		}
	}
	r.ClosePath()
	r.DrawOp = draw.Over
	r.Draw(p.RGBA, area, image.NewUniform(c), image.Point{})
}

func corners(b box) [][2]float64 {
	return [][2]float64{{b.x, b.y}, {b.right(), b.y}, {b.right(), b.bottom()}, {b.x, b.bottom()}}
}

func (p raster) fill(b box, c color.RGBA) { p.paint(polygon(nil, corners(b)...), c) }

func (p raster) frame(b box, s stroke) {
	at := corners(b)
	p.line(s, append(at, at[0])...)
}

// line draws each dash as a rectangle. They all turn the same way, so that two that overlap
// at a corner do not undo each other.
func (p raster) line(s stroke, points ...[2]float64) {
	var o sfnt.Segments
	dash, left := 0, math.Inf(1) // of an endless first dash
	if len(s.dashes) > 0 {
		left = s.dashes[0]
	}
	for i := range points[1:] {
		x, y := points[i][0], points[i][1]
		dx, dy := points[i+1][0]-x, points[i+1][1]-y
		length := math.Hypot(dx, dy)
		if length == 0 {
			continue
		}
		dx, dy = dx/length, dy/length
		across, along := -dy*s.width/2, dx*s.width/2
		for from := 0.0; from < length; {
			to := min(from+left, length)
			if dash%2 == 0 {
				x0, y0, x1, y1 := x+from*dx, y+from*dy, x+to*dx, y+to*dy
				o = polygon(o, [2]float64{x0 - across, y0 - along}, [2]float64{x1 - across, y1 - along}, [2]float64{x1 + across, y1 + along}, [2]float64{x0 + across, y0 + along})
			}
			if from+left > length { // it goes on in the next
				left -= length - from
				break
			}
			dash = (dash + 1) % len(s.dashes)
			from, left = to, s.dashes[dash]
		}
	}
	p.paint(o, s.color)
}

func (p raster) text(s string, t typeface, c color.RGBA, x, y, align float64) {
	x = (x - align*t.width(s)) * scale
	y *= scale
	p.write(s, t, c, func(along, down float64) fixed.Point26_6 { return pixel(x+along, y+down) })
}

func (p raster) turned(s string, t typeface, c color.RGBA, x, y float64) {
	x = (x + middle*t.size) * scale
	y *= scale
	p.write(s, t, c, func(along, down float64) fixed.Point26_6 { return pixel(x+down, y-along) })
}

// write paints letters; place says where a point of them is, in pixels, that is so many
// pixels along the baseline and so many below it.
func (p raster) write(s string, t typeface, c color.RGBA, place func(along, down float64) fixed.Point26_6) {
	size := t.size * scale
	f := t.font()
	units := fixed.Int26_6(f.UnitsPerEm())
	var buffer sfnt.Buffer
	t.set(s, func(glyph sfnt.GlyphIndex, from float64) {
		segments, err := f.LoadGlyph(&buffer, glyph, units, nil)
		if err != nil {
			return
		}
		for i := range segments {
			for k, at := range segments[i].Args {
				segments[i].Args[k] = place((from+float64(at.X))*size/float64(units), float64(at.Y)*size/float64(units))
			}
		}
		p.paint(segments, c)
	})
}
