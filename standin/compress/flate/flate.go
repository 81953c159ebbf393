// Package flate is Go's compress/flate under the path that fasthttp imports.
package flate

import "compress/flate"

// The levels of Go's package.
const (
	NoCompression      = flate.NoCompression
	BestSpeed          = flate.BestSpeed
	BestCompression    = flate.BestCompression
	DefaultCompression = flate.DefaultCompression
	HuffmanOnly        = flate.HuffmanOnly
)
