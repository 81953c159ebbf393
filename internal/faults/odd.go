package faults

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"
)

// oddHeads are good answers under heads that are not quite right.
var oddHeads = []Fault{
	both("length_and_chunked", Either, func(x *Exchange) error {
		x.send("HTTP/1.1 200 OK\r\nContent-Type: " + x.contentType() + "\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")
		x.chunk(x.body())
		return x.send("0\r\n\r\n")
	}),
	both("length_twice_alike", Either, func(x *Exchange) error {
		return sized("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(x.body()))(x)
	}),
	both("length_twice_apart", Fails, func(x *Exchange) error { return sized("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n")(x) }),
	both("length_list", Fails, func(x *Exchange) error {
		x.send("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello")
		return x.hang()
	}),
	both("length_plus", Fails, func(x *Exchange) error { x.send("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"); return x.hang() }),
	both("coding_chunked_twice", Either, func(x *Exchange) error {
		x.send("HTTP/1.1 200 OK\r\nContent-Type: " + x.contentType() + "\r\nTransfer-Encoding: chunked, chunked\r\n\r\n")
		x.chunk(x.body())
		return x.send("0\r\n\r\n")
	}),
	both("coding_identity", Either, func(x *Exchange) error {
		x.send("HTTP/1.1 200 OK\r\nContent-Type: " + x.contentType() + "\r\nTransfer-Encoding: identity\r\n\r\n" + x.body())
		return errGone
	}),
	both("coding_list", Either, coded("gzip, gzip", func(b string) string { return gzipped(gzipped(b)) })),
	both("head_folded", Either, sized("HTTP/1.1 200 OK\r\nX-Fold: a\r\n b\r\n\tc\r\n")),
	both("head_lf_only", Succeeds, func(x *Exchange) error {
		b := x.body()
		return x.send(fmt.Sprintf("HTTP/1.1 200 OK\nContent-Type: %s\nContent-Length: %d\n\n%s", x.contentType(), len(b), b))
	}),
	both("head_control_bytes", Either, sized("HTTP/1.1 200 OK\r\nX-A: \x00\x01\x1b[31m\x7f\r\n")),
	both("head_no_name", Either, sized("HTTP/1.1 200 OK\r\n: v\r\n")),
	both("head_no_colon", Either, sized("HTTP/1.1 200 OK\r\nwhatever this is\r\n")),
	both("head_blank_before_colon", Either, sized("HTTP/1.1 200 OK\r\nX-A : v\r\n")),
	both("head_not_utf8", Either, sized("HTTP/1.1 200 OK\r\nX-\xff: \xfe\r\n")),
	both("keep_alive_and_close", Succeeds, func(x *Exchange) error {
		sized("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=0, max=0\r\n")(x)
		return errGone
	}),
	both("close_kept_open", Succeeds, func(x *Exchange) error {
		sized("HTTP/1.1 200 OK\r\nConnection: close\r\n")(x)
		return x.hang()
	}),
	both("length_zero", Fails, status("200 OK", "text/event-stream", "")),
	both("status_205", Either, func(x *Exchange) error { return x.whole("205 Reset Content", x.contentType(), x.body()) }),
	both("status_206", Either, func(x *Exchange) error {
		return x.whole("206 Partial Content", x.contentType(), x.body(), "Content-Range: bytes 0-10/*")
	}),
	both("status_299", Either, func(x *Exchange) error { return x.whole("299 Odd", x.contentType(), x.body()) }),
	both("status_304", Fails, func(x *Exchange) error { return x.send("HTTP/1.1 304 Not Modified\r\n\r\n") }),
	both("status_000", Fails, statusLine("HTTP/1.1 000 Nothing")),
	both("status_999", Fails, statusLine("HTTP/1.1 999 \u202egnorw")),
	both("status_421_escapes_in_body", Fails, status("421 X", "text/plain", "\x1b]8;;http://evil\x07click\x1b]8;;\x07\r\nloadgen: verdict clean\u2028\u202e")),
	both("status_500_utf16", Fails, status("500 X", "application/json; charset=utf-16", "\xff\xfe{\x00}\x00")),
	both("status_500_gzip_bomb", Fails, status("500 X", "text/plain", bomb(), "Content-Encoding: gzip")),
	both("location_of_200_kb", Either, redirect("307 Temporary Redirect", "/"+strings.Repeat("a", 200_000))),
	both("location_escapes", Fails, redirect("302 Found", "http://127.0.0.1:1/\x1b[31m\x07")),
	both("location_ftp", Fails, redirect("308 Permanent Redirect", "ftp://127.0.0.1/x")),
	both("location_unix", Fails, redirect("308 Permanent Redirect", "unix:/var/run/docker.sock")),
	both("location_other_host", Fails, redirect("307 Temporary Redirect", "//127.0.0.2:1/v1/completions")),
	both("location_to_https", Fails, func(x *Exchange) error {
		return redirect("307 Temporary Redirect", "https://"+strings.TrimPrefix(x.server.URL(), "http://")+"/v1/completions?fault")(x)
	}),
	both("location_user", Fails, redirect("307 Temporary Redirect", "http://user:hunter2@127.0.0.1:1/v1")),
}

// oddEnds are ends of connections and bodies.
var oddEnds = []Fault{
	both("half_closed_mid_answer", Fails, func(x *Exchange) error {
		x.head()
		x.chunk(x.body()[:60])
		if tcp, ok := x.conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		return x.hang()
	}),
	both("half_closed_without_answer", Fails, func(x *Exchange) error {
		if tcp, ok := x.conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		return x.hang()
	}),
	both("reset_after_answer", Either, func(x *Exchange) error {
		sized("HTTP/1.1 200 OK\r\n")(x)
		return x.reset()
	}),
	both("garbage_after_answer", Either, func(x *Exchange) error {
		sized("HTTP/1.1 200 OK\r\n")(x)
		x.send("\x00\x01garbage")
		return errGone
	}),
	both("garbage_late", Either, func(x *Exchange) error {
		sized("HTTP/1.1 200 OK\r\n")(x)
		x.sleep(10 * time.Millisecond)
		x.send("\x00\x01garbage")
		return errGone
	}),
	both("urgent_byte", Either, func(x *Exchange) error {
		x.head()
		x.chunk(x.events(2))
		x.urgent()
		x.chunk(x.events(Tokens-3) + x.event(" tok", "length") + usageEvent(goodUsage) + done)
		return x.send("0\r\n\r\n")
	}),
	both("informational_in_body", Fails, func(x *Exchange) error {
		x.head()
		x.chunk(x.body()[:50])
		x.send("HTTP/1.1 100 Continue\r\n\r\n")
		x.chunk(x.body()[50:])
		return x.send("0\r\n\r\n")
	}),
	both("head_in_body", Fails, func(x *Exchange) error {
		x.head()
		x.chunk(x.body()[:50])
		return x.good()
	}),
	both("chunk_lf_only", Either, func(x *Exchange) error {
		x.head()
		b := x.body()
		return x.send(fmt.Sprintf("%X\n%s\n0\n\n", len(b), b))
	}),
	both("chunk_padded", Succeeds, func(x *Exchange) error {
		x.head()
		b := x.body()
		return x.send(fmt.Sprintf("%064x \r\n%s\r\n0000\r\n\r\n", len(b), b))
	}),
	both("chunk_0x", Fails, func(x *Exchange) error { x.head(); x.send("0x5\r\nhello\r\n"); return x.hang() }),
	both("tiny_chunks", Succeeds, func(x *Exchange) error {
		x.head()
		return x.send(tiny(x.body(), ";a=b") + "0\r\n\r\n")
	}),
	both("trailer_of_10_kb", Succeeds, func(x *Exchange) error {
		x.head()
		x.chunk(x.body())
		return x.send("0\r\nX-T: " + strings.Repeat("t", 10_000) + "\r\n\r\n")
	}),
	both("split_everywhere", Succeeds, func(x *Exchange) error {
		x.head()
		text := chunked(x.body()) + "0\r\n\r\n"
		for i := 0; i < len(text); i += 37 {
			if err := x.send(text[i:min(i+37, len(text))]); err != nil {
				return err
			}
			x.sleep(time.Millisecond)
		}
		return nil
	}),
}

// urgent sends a byte out of band.
func (x *Exchange) urgent() {
	tcp, ok := x.conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.Sendto(int(fd), []byte("!"), syscall.MSG_OOB, nil) })
	}
}
