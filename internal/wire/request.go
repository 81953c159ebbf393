package wire

import (
	"sync"

	"github.com/valyala/fasthttp"
)

// heads are *fasthttp.RequestHeader for use again: each takes kilobytes.
var heads sync.Pool

// AppendRequestHead appends a request line and a header, its lines as they are, in their order.
func AppendRequestHead(dst []byte, method, target string, header [][2]string) []byte {
	h, _ := heads.Get().(*fasthttp.RequestHeader)
	if h == nil {
		h = new(fasthttp.RequestHeader)
	}
	defer heads.Put(h)
	h.Reset()
	h.DisableNormalizing()
	h.SetNoDefaultContentType(true)
	h.DisableSpecialHeader()
	h.SetMethod(method)
	h.SetRequestURI(target)
	for _, l := range header {
		h.Add(l[0], l[1])
	}
	return append(dst, h.Header()...)
}
