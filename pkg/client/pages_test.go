package client

import (
	"bytes"
	"testing"
)

// TestPages: what is kept stays as it was, whatever is kept after it, and is not longer than it was.
func TestPages(t *testing.T) {
	var p pages
	var given, kept [][]byte
	for i := range 300 {
		b := bytes.Repeat([]byte{byte(i)}, i*37%(pageSize/2))
		given, kept = append(given, bytes.Clone(b)), append(kept, p.keep(b))
		clear(b)
	}
	for i := range kept {
		_ = append(kept[i], "more"...)
	}
	for i := range kept {
		if !bytes.Equal(kept[i], given[i]) {
			t.Fatalf("%d: %d bytes of %d are not those given", i, len(kept[i]), len(given[i]))
		}
	}
}
