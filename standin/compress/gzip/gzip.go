// Package gzip is Go's compress/gzip under the path that fasthttp and parquet-go import.
package gzip

import (
	"compress/gzip"
	"io"
)

// The levels of Go's package.
const (
	NoCompression      = gzip.NoCompression
	BestSpeed          = gzip.BestSpeed
	BestCompression    = gzip.BestCompression
	DefaultCompression = gzip.DefaultCompression
	HuffmanOnly        = gzip.HuffmanOnly
)

// The types of Go's package.
type (
	Header = gzip.Header
	Reader = gzip.Reader
	Writer = gzip.Writer
)

// NewReader is gzip.NewReader.
func NewReader(r io.Reader) (*Reader, error) { return gzip.NewReader(r) }

// NewWriter is gzip.NewWriter.
func NewWriter(w io.Writer) *Writer { return gzip.NewWriter(w) }

// NewWriterLevel is gzip.NewWriterLevel.
func NewWriterLevel(w io.Writer, level int) (*Writer, error) { return gzip.NewWriterLevel(w, level) }
