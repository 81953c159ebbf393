package faults

import (
	"fmt"
	"strings"
	"time"
)

var connectionFaults = []Fault{
	both("reset_after_request", Fails, (*Exchange).reset),
	both("closed_without_answer", Fails, func(*Exchange) error { return errGone }),
	both("reset_in_head", Fails, func(x *Exchange) error { x.send("HTTP/1.1 200 OK\r\nContent-Ty"); return x.reset() }),
	both("closed_in_head", Fails, func(x *Exchange) error { x.send("HTTP/1.1 200 OK\r\nContent-Ty"); return errGone }),
	both("closed_after_head", Fails, func(x *Exchange) error { x.head(); return errGone }),
	both("reset_mid_answer", Fails, func(x *Exchange) error { x.head(); x.chunk(x.body()[:60]); return x.reset() }),
	both("closed_mid_answer", Fails, func(x *Exchange) error { x.head(); x.chunk(x.body()[:60]); return errGone }),
	both("closed_mid_chunk", Fails, func(x *Exchange) error { x.head(); x.send("1000\r\n" + x.body()[:60]); return errGone }),
	{"black_hole", Fails, Fails, (*Exchange).hang},
	both("ends_by_close", Succeeds, func(x *Exchange) error {
		x.send("HTTP/1.1 200 OK\r\nContent-Type: " + x.contentType() + "\r\n\r\n" + x.body())
		return errGone
	}),
	both("http_1_0", Succeeds, func(x *Exchange) error {
		x.send("HTTP/1.0 200 OK\r\nContent-Type: " + x.contentType() + "\r\n\r\n" + x.body())
		return errGone
	}),
}

// sized is a good answer with further header lines or another head.
func sized(format string, args ...any) func(x *Exchange) error {
	return func(x *Exchange) error {
		body := x.body()
		return x.send(fmt.Sprintf(format, args...) + fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", x.contentType(), len(body), body))
	}
}

func statusLine(line string) func(x *Exchange) error {
	return func(x *Exchange) error { return x.send(line + "\r\nContent-Length: 0\r\n\r\n") }
}

var headFaults = []Fault{
	both("head_byte_by_byte", Fails, func(x *Exchange) error {
		x.send("HTTP/1.1 200 OK\r\nX-Slow: ")
		return x.repeat("a", 50*time.Millisecond)
	}),
	both("head_late", Succeeds, func(x *Exchange) error { x.sleep(300 * time.Millisecond); return x.good() }),
	both("head_of_100_kb", Either, sized("HTTP/1.1 200 OK\r\nX-Big: %s\r\n", strings.Repeat("a", 100_000))),
	both("head_endless", Fails, func(x *Exchange) error {
		x.send("HTTP/1.1 200 OK\r\n")
		return x.repeat("X-A: "+strings.Repeat("b", 500)+"\r\n", 0)
	}),
	both("head_of_5000_lines", Either, sized("HTTP/1.1 200 OK\r\n%s", strings.Repeat("X-A: v\r\n", 5000))),
	both("early_hints", Succeeds, func(x *Exchange) error {
		x.send(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 10))
		return x.good()
	}),
	both("continue_endless", Fails, func(x *Exchange) error { return x.repeat("HTTP/1.1 100 Continue\r\n\r\n", 10*time.Millisecond) }),
	both("continue_flood", Fails, func(x *Exchange) error {
		return x.repeat(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), 0)
	}),
	both("switching_protocols", Fails, raw(constant("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"))),
	both("status_no_number", Fails, statusLine("HTTP/1.1 abc OK")),
	both("status_two_digits", Fails, statusLine("HTTP/1.1 20 OK")),
	both("status_five_digits", Fails, statusLine("HTTP/1.1 99999 X")),
	both("status_http_2", Fails, statusLine("HTTP/2 200")),
	both("status_not_utf8", Fails, statusLine("HTTP/1.1 500 \xff\xfe bad")),
	both("status_escapes", Fails, statusLine("HTTP/1.1 500 \x1b[31mRED\x1b]0;title\x07")),
	both("status_without_reason", Succeeds, sized("HTTP/1.1 200\r\n")),
	both("tls_alert", Fails, func(x *Exchange) error { x.send("\x15\x03\x01\x00\x02\x02\x50"); return errGone }),
	both("binary", Fails, raw(constant(strings.Repeat("\x00\x17\xff\x80", 1000)))),
}

var framingFaults = []Fault{
	both("chunk_not_hex", Fails, func(x *Exchange) error { x.head(); return raw(constant("zz\r\nhello\r\n"))(x) }),
	both("chunk_beyond_64_bits", Fails, func(x *Exchange) error { x.head(); return raw(constant("FFFFFFFFFFFFFFFF0\r\nhello\r\n"))(x) }),
	both("chunk_negative", Fails, func(x *Exchange) error { x.head(); return raw(constant("-5\r\nhello\r\n"))(x) }),
	both("chunk_without_end", Fails, func(x *Exchange) error { x.head(); return raw(constant("5\r\nhelloXX5\r\nhello\r\n"))(x) }),
	both("chunk_extensions", Succeeds, func(x *Exchange) error {
		body := x.body()
		x.head()
		return x.send(fmt.Sprintf("%x;name=value;q=\"a;b\"\r\n%s\r\n0;last\r\n\r\n", len(body), body))
	}),
	both("chunk_extension_of_1_mb", Either, func(x *Exchange) error {
		body := x.body()
		x.head()
		return x.send(fmt.Sprintf("%x;%s\r\n%s\r\n0\r\n\r\n", len(body), strings.Repeat("a", 1<<20), body))
	}),
	both("trailers", Succeeds, func(x *Exchange) error {
		x.head()
		x.chunk(x.body())
		return x.send("0\r\nX-Checksum: abc\r\nServer-Timing: x\r\n\r\n")
	}),
	{"last_chunk_never_comes", Succeeds, Either, func(x *Exchange) error { x.head(); x.chunk(x.body()); return x.hang() }},
	both("length_too_small", Either, func(x *Exchange) error { return lengthOff(x, -40) }),
	both("length_too_large", Either, func(x *Exchange) error { return lengthOff(x, 40) }),
	both("length_negative", Fails, raw(constant("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"))),
	both("length_no_number", Fails, raw(constant("HTTP/1.1 200 OK\r\nContent-Length: 12abc\r\n\r\nhello"))),
	both("length_beyond_64_bits", Fails, raw(constant("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello"))),
	// One that comes while the next request is under way is that one's, as far as HTTP goes.
	both("second_answer_unasked", Either, func(x *Exchange) error {
		sized("HTTP/1.1 200 OK\r\n")(x)
		return x.send("HTTP/1.1 500 Nobody asked\r\nContent-Length: 0\r\n\r\n")
	}),
	both("second_answer_late", Either, func(x *Exchange) error {
		sized("HTTP/1.1 200 OK\r\n")(x)
		x.sleep(3 * time.Millisecond)
		return x.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
	}),
}

// lengthOff is a good answer whose Content-Length is off by some bytes.
func lengthOff(x *Exchange, by int) error {
	body := x.body()
	x.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", x.contentType(), len(body)+by, body))
	return errGone
}

const redirectLoop = "redirect_loop"

var redirectFaults = []Fault{
	both(redirectLoop, Fails, func(x *Exchange) error {
		return x.whole("307 Temporary Redirect", "text/plain", "", "Location: "+strings.TrimSuffix(x.target, "?fault")+"?fault")
	}),
	both("redirect_nowhere", Fails, redirect("302 Found", "")),
	both("redirect_to_a_file", Fails, redirect("307 Temporary Redirect", "file:///etc/passwd")),
	both("redirect_malformed", Fails, redirect("307 Temporary Redirect", "http://[::1:99999/%zz")),
	both("redirect_refused", Fails, redirect("308 Permanent Redirect", "http://127.0.0.1:1/v1/completions")),
}

func redirect(status, location string) func(x *Exchange) error {
	return func(x *Exchange) error {
		if location == "" {
			return x.whole(status, "text/plain", "")
		}
		return x.whole(status, "text/plain", "", "Location: "+location)
	}
}
