package wire

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestProxyForFiles(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		url  string // of an endpoint
		want string // "" for none
	}{
		{map[string]string{"HTTPS_PROXY": "http://p:1"}, "https://hub.test", "http://p:1"},
		{map[string]string{"HTTPS_PROXY": "http://p:1"}, "http://hub.test", ""},
		{map[string]string{"https_proxy": "p:1"}, "https://hub.test", "http://p:1"},
		{map[string]string{"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1", "ALL_PROXY": "http://r:1"}, "https://hub.test", "http://q:1"},
		{map[string]string{"ALL_PROXY": "socks5h://user:pass@p:1", "all_proxy": "http://q:1"}, "https://hub.test", "socks5h://user:pass@p:1"},
		{map[string]string{"all_proxy": "socks5://p"}, "http://hub.test", "socks5://p"},
		{map[string]string{"ALL_PROXY": "http://p:1"}, "https://localhost", ""},
		{map[string]string{"ALL_PROXY": "http://p:1"}, "https://127.8.0.1", ""},
		{map[string]string{"ALL_PROXY": "http://p:1"}, "https://[::1]:8", ""},
		{map[string]string{"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://hub.test", ""},
		{map[string]string{"ALL_PROXY": "http://p:1", "no_proxy": "a, .hub.test"}, "https://cdn.hub.test", ""},
		{map[string]string{"ALL_PROXY": "http://p:1", "NO_PROXY": "*.hub.test"}, "https://cdn.hub.test", ""},
		{map[string]string{"ALL_PROXY": "http://p:1", "NO_PROXY": "hub.test"}, "https://other-hub.test", "http://p:1"},
		{map[string]string{"ALL_PROXY": "http://p:1", "NO_PROXY": "hub.test:444"}, "https://hub.test", "http://p:1"},
		{map[string]string{"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,fd00::/8"}, "http://10.1.2.3", ""},
		{map[string]string{"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,fd00::/8"}, "http://[fd00::1]", ""},
		{map[string]string{"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://11.1.2.3", "http://p:1"},
		{map[string]string{"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, "http://hub.test", "http://p:1"},
	} {
		u, _ := url.Parse(c.url)
		proxy, err := ProxyForFiles(EndpointOf(u), func(name string) string { return c.env[name] })
		got := ""
		if proxy != nil {
			got = proxy.String()
		}
		if err != nil || got != c.want {
			t.Errorf("%s with %v: %q %v, want %q", c.url, c.env, got, err, c.want)
		}
	}
	for _, value := range []string{"http://user:geheim@", "ftp://user:geheim@p", "://geheim"} {
		if _, err := ProxyForFiles(Endpoint{Host: "h:80"}, func(string) string { return value }); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// socksProxy speaks SOCKS5 for one connection, with a user or without, and then answers in place
// of the host: reply 0 grants the tunnel. asked gets what it was asked for.
func socksProxy(conn net.Conn, reply byte, asked chan<- string) {
	read := func(n int) string {
		p := make([]byte, n)
		io.ReadFull(conn, p)
		return string(p)
	}
	said, methods := "", read(int(read(2)[1]))
	if strings.Contains(methods, "\x02") {
		conn.Write([]byte{5, 2})
		said = read(int(read(2)[1]))
		said += ":" + read(int(read(1)[0])) + "@"
		conn.Write([]byte{1, 0})
	} else {
		conn.Write([]byte{5, 0})
	}
	name := read(int(read(5)[4]))
	asked <- fmt.Sprint(said, name, ":", binary.BigEndian.Uint16([]byte(read(2))))
	conn.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
	if reply == 0 {
		readHead(conn)
		io.WriteString(conn, "through.")
	}
}

// TestSOCKS: a tunnel for http as well as https, the name for the proxy to look up.
func TestSOCKS(t *testing.T) {
	for user, want := range map[string]string{"": "far.test:80", "user:pass@": "user:pass@far.test:80"} {
		for _, reply := range []byte{0, 2} {
			asked := make(chan string, 1)
			proxy := listen(t, func(_ int, conn net.Conn) { socksProxy(conn, reply, asked) })
			b := NewBlocking(Options{Clock: NewClock(), Timeout: 10 * time.Second, ByName: true, Proxy: ProxyForFiles, Env: func(name string) string {
				return map[string]string{"ALL_PROXY": "socks5h://" + user + proxy.Host}[name]
			}})
			s := &sink{enough: "."}
			b.Do(context.Background(), &Exchange{To: Endpoint{Host: "far.test:80"}, Head: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Sink: s, Fresh: true})
			if got := <-asked; got != want {
				t.Errorf("asked for %q, want %q", got, want)
			}
			switch {
			case reply == 0 && s.text.String() != "through.":
				t.Errorf("%q %v", s.text.String(), s.err)
			case reply != 0 && (s.class() != Proxy || !strings.Contains(s.err.Message, "not allowed") || strings.Contains(s.err.Message, "pass")):
				t.Errorf("%v", s.err)
			}
		}
	}
}

// TestByName: the dialer gets the name, not an address.
func TestByName(t *testing.T) {
	dialed := ""
	b := NewBlocking(Options{Clock: NewClock(), ByName: true, Env: func(string) string { return "" }, Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		dialed = address
		return nil, io.EOF
	}})
	b.Do(context.Background(), &Exchange{To: Endpoint{Host: "no.such.test:80"}, Sink: &sink{}})
	if dialed != "no.such.test:80" {
		t.Errorf("dialed %q", dialed)
	}
}
