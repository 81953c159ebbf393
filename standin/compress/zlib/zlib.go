// Package zlib is Go's compress/zlib under the path that fasthttp imports.
package zlib

import (
	"compress/zlib"
	"io"
)

// The levels of Go's package.
const (
	NoCompression      = zlib.NoCompression
	BestSpeed          = zlib.BestSpeed
	BestCompression    = zlib.BestCompression
	DefaultCompression = zlib.DefaultCompression
	HuffmanOnly        = zlib.HuffmanOnly
)

// The types of Go's package.
type (
	Resetter = zlib.Resetter
	Writer   = zlib.Writer
)

// NewReader is zlib.NewReader.
func NewReader(r io.Reader) (io.ReadCloser, error) { return zlib.NewReader(r) }

// NewWriter is zlib.NewWriter.
func NewWriter(w io.Writer) *Writer { return zlib.NewWriter(w) }

// NewWriterLevel is zlib.NewWriterLevel.
func NewWriterLevel(w io.Writer, level int) (*Writer, error) { return zlib.NewWriterLevel(w, level) }
