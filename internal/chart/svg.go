package chart

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"
)

// svg is a pen that writes the elements of a document.
type svg struct{ bytes.Buffer }

// newSVG begins a document, which end ends.
func newSVG() *svg {
	p := &svg{}
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]dpt" height="%[2]dpt" viewBox="0 0 %[1]d %[2]d" font-family="Liberation Sans, Arial, sans-serif">`+"\n", figureWidth, figureHeight)
	return p
}

func (p *svg) end() { p.WriteString("</svg>\n") }

// decimal rounds, so that the last bits of a sum do not show in files.
func decimal(x float64) string { return strconv.FormatFloat(math.Round(100*x)/100+0, 'f', -1, 64) }

func hex(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func (p *svg) rect(b box, attributes string) {
	fmt.Fprintf(p, `<rect x="%s" y="%s" width="%s" height="%s" %s/>`+"\n", decimal(b.x), decimal(b.y), decimal(b.w), decimal(b.h), attributes)
}

func (p *svg) fill(b box, c color.RGBA) { p.rect(b, fmt.Sprintf(`fill="%s"`, hex(c))) }

func (p *svg) frame(b box, s stroke) { p.rect(b, s.attributes()) }

func (s stroke) attributes() string {
	text := fmt.Sprintf(`fill="none" stroke="%s" stroke-width="%s"`, hex(s.color), decimal(s.width))
	if len(s.dashes) == 0 {
		return text
	}
	var dashes []string
	for _, d := range s.dashes {
		dashes = append(dashes, decimal(d))
	}
	return text + fmt.Sprintf(` stroke-dasharray="%s"`, strings.Join(dashes, " "))
}

func (p *svg) line(s stroke, points ...[2]float64) {
	var at []string
	for _, xy := range points {
		at = append(at, decimal(xy[0])+","+decimal(xy[1]))
	}
	fmt.Fprintf(p, `<polyline points="%s" %s/>`+"\n", strings.Join(at, " "), s.attributes())
}

func (p *svg) text(s string, t typeface, c color.RGBA, x, y, align float64) {
	anchor := ""
	switch align {
	case 0.5:
		anchor = ` text-anchor="middle"`
	case 1:
		anchor = ` text-anchor="end"`
	}
	p.write(s, t, c, fmt.Sprintf(`x="%s" y="%s"%s`, decimal(x), decimal(y), anchor))
}

func (p *svg) turned(s string, t typeface, c color.RGBA, x, y float64) {
	p.write(s, t, c, fmt.Sprintf(`transform="translate(%s %s) rotate(-90)"`, decimal(x+middle*t.size), decimal(y)))
}

func (p *svg) write(s string, t typeface, c color.RGBA, attributes string) {
	if s == "" {
		return
	}
	if t.bold {
		attributes += ` font-weight="bold"`
	}
	fmt.Fprintf(p, `<text %s font-size="%s" fill="%s">%s</text>`+"\n", attributes, decimal(t.size), hex(c), escape(s))
}
