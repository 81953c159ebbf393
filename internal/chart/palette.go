package chart

import "image/color"

var (
	white  = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink    = grey(0x22) // titles and values
	muted  = grey(0x66) // ticks and notes
	faint  = grey(0xe4) // the grid
	shade  = grey(0xf1) // behind what is not comparable
	edge   = grey(0x99) // the axis
	danger = color.RGBA{0xb3, 0x26, 0x1e, 0xff}
)

// palette is the servers' colours: two brands, then shades of Okabe and Ito's and
// of Paul Tol's palettes, neighbours far apart in lightness.
var palette = [...]color.RGBA{
	rgb(0x3498db), rgb(0x76b900), rgb(0xe69f00), rgb(0xcc79a7), rgb(0x332288),
	rgb(0xd55e00), rgb(0x44aa99), rgb(0x882255), rgb(0x999999), rgb(0xe8d52b),
	rgb(0x117733), rgb(0xaa4499), rgb(0x88ccee), rgb(0x661100), rgb(0x999933),
	rgb(0x222222), rgb(0xddcc77), rgb(0xcc6677), rgb(0x1b4f9c), rgb(0xb39ddb),
}

func rgb(v uint32) color.RGBA { return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff} }

func grey(v uint8) color.RGBA { return color.RGBA{v, v, v, 0xff} }

func serverColor(server int) color.RGBA { return palette[server%len(palette)] }

// pale is a colour mixed with two thirds of white.
func pale(c color.RGBA) color.RGBA {
	mix := func(v uint8) uint8 { return uint8((int(v) + 2*0xff) / 3) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 0xff}
}
