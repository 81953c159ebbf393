package wire

import "github.com/valyala/fasthttp"

// RequestHead writes a request line and a header, its lines as they are, in their order.
func RequestHead(method, target string, header [][2]string) []byte {
	var h fasthttp.RequestHeader
	h.DisableNormalizing()
	h.SetNoDefaultContentType(true)
	h.DisableSpecialHeader()
	h.SetMethod(method)
	h.SetRequestURI(target)
	for _, l := range header {
		h.Add(l[0], l[1])
	}
	return h.Header()
}
