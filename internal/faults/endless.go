package faults

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"time"
)

// emptyMember is a gzip member that holds nothing.
func emptyMember() string {
	var b bytes.Buffer
	gzip.NewWriter(&b).Close()
	return b.String()
}

// tiny sends a text in chunks of one byte, each with an extension, with one write.
func tiny(text, extension string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "1%s\r\n%c\r\n", extension, text[i])
	}
	return b.String()
}

// codedHead begins a chunked answer in a content coding.
func codedHead(x *Exchange, coding string) {
	x.send("HTTP/1.1 200 OK\r\nContent-Type: " + x.contentType() + "\r\nContent-Encoding: " + coding + "\r\nTransfer-Encoding: chunked\r\n\r\n")
}

// endlessFaults never end by themselves, and bring little or nothing with what they send.
var endlessFaults = []Fault{
	both("gzip_empty_members_endless", Fails, func(x *Exchange) error {
		codedHead(x, "gzip")
		return x.repeat(chunked(strings.Repeat(emptyMember(), 1000)), 0)
	}),
	both("gzip_name_endless", Fails, func(x *Exchange) error {
		codedHead(x, "gzip")
		x.chunk("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff")
		return x.repeat(chunked(strings.Repeat("a", 50_000)), 0)
	}),
	both("deflate_empty_blocks_endless", Fails, func(x *Exchange) error {
		codedHead(x, "deflate")
		x.chunk("\x78\x9c")
		return x.repeat(chunked(strings.Repeat("\x00\x00\x00\xff\xff", 10_000)), 0)
	}),
	both("chunk_extensions_endless", Fails, func(x *Exchange) error {
		x.head()
		return x.repeat(tiny(": a\n", ";"+strings.Repeat("x", 60_000)), 0)
	}),
	both("chunk_size_zeros_endless", Fails, func(x *Exchange) error {
		x.head()
		return x.repeat(strings.Repeat("0", 10_000), 0)
	}),
	{"trailers_endless", Either, Fails, func(x *Exchange) error {
		x.head()
		x.chunk(x.body())
		x.send("0\r\n")
		return x.repeat(strings.Repeat("X-A: b\r\n", 1000), 0)
	}},
	both("empty_data_endless", Fails, func(x *Exchange) error {
		x.head()
		return x.repeat(chunked(strings.Repeat("data:\n\n", 5000)), 0)
	}),
	both("blanks_endless", Fails, func(x *Exchange) error { x.head(); return x.repeat(chunked(strings.Repeat(" ", 100_000)), 0) }),
	both("blank_lines_endless", Fails, func(x *Exchange) error { return x.repeat(strings.Repeat("\r\n", 10_000), 0) }),
	both("processing_slow", Fails, func(x *Exchange) error {
		return x.repeat("HTTP/1.1 102 Processing\r\nX-Pad: "+strings.Repeat("p", 100)+"\r\n\r\n", 200*time.Millisecond)
	}),
	both("empty_choices_endless", Fails, func(x *Exchange) error {
		x.head()
		return x.repeat(chunked(strings.Repeat(data(`{"choices":[]}`), 1000)), 0)
	}),
	both("choices_million", Either, func(x *Exchange) error {
		many := `{"choices":[{}` + strings.Repeat(",{}", 1_000_000) + `]}`
		return x.stream(x.events(2)+data(many)+x.event(" tok", "length")+usageEvent(goodUsage)+done, many)
	}),
	both("keys_million", Either, func(x *Exchange) error {
		u := strings.Repeat(`"prompt_tokens":-1,`, 400_000)
		return x.stream(x.events(Tokens-1)+x.event(" tok", "length")+usageEvent("{"+u+`"completion_tokens":8}`)+done, x.wholeWith("{"+u+`"completion_tokens":8}`, "length"))
	}),
	both("finish_of_10_mb", Fails, finish(strings.Repeat("z", 10<<20))),
}
