package chart

import "image/color"

var (
	white  = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink    = grey(0x22) // titles and values
	muted  = grey(0x66) // ticks and notes
	faint  = grey(0xe4) // the grid
	shade  = grey(0xf1) // behind what is not comparable
	edge   = grey(0x8a) // the axis
	danger = color.RGBA{0xb3, 0x26, 0x1e, 0xff}
)

// palette is the servers' colours: two brands, then shades of Okabe and Ito's and
// of Paul Tol's palettes, neighbours far apart in lightness. Each has at least three times
// the contrast of white and of the page's panels.
var palette = [...]color.RGBA{
	rgb(0x2b94d9), rgb(0x629a00), rgb(0xbc8200), rgb(0xc870a1), rgb(0x332288),
	rgb(0xd55e00), rgb(0x3e9c8c), rgb(0x882255), rgb(0x8c8c8c), rgb(0x9c8f1d),
	rgb(0x117733), rgb(0xaa4499), rgb(0x4c94bf), rgb(0x661100), rgb(0x8a8a2a),
	rgb(0x222222), rgb(0x998d53), rgb(0xcc6677), rgb(0x1b4f9c), rgb(0x9883bd),
}

func rgb(v uint32) color.RGBA { return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff} }

func grey(v uint8) color.RGBA { return color.RGBA{v, v, v, 0xff} }

func serverColor(server int) color.RGBA { return palette[server%len(palette)] }

// pale is a colour mixed with two thirds of white.
func pale(c color.RGBA) color.RGBA {
	mix := func(v uint8) uint8 { return uint8((int(v) + 2*0xff) / 3) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}
