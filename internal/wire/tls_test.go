package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"loadgen/internal/certtest"
)

// A server that does not speak TLS may wait for the end of what it takes for a request.
func TestMuteTLSServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		go io.Copy(io.Discard, there)
		b := NewBlocking(Options{Clock: NewClock(), Env: noEnv, Dial: func(context.Context, string, string) (net.Conn, error) { return here, nil }})
		s, before := &sink{}, time.Now()
		b.Do(context.Background(), &Exchange{To: Endpoint{TLS: true, Host: "127.0.0.1:443"}, Head: []byte(get), Sink: s, Fresh: true})
		if s.class() != TLS || time.Since(before) != handshakeLimit {
			t.Errorf("%v after %v", s.err, time.Since(before))
		}
	})
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "secret") }))
	defer srv.Close()
	u, _ := url.Parse(srv.URL)
	do := func(config *tls.Config, to Endpoint) *sink {
		s := &sink{enough: "secret"}
		b := NewBlocking(Options{Clock: NewClock(), Env: noEnv, TLSConfig: config})
		x := &Exchange{To: to, Head: []byte(get), Sink: s, Fresh: true}
		if b.Do(context.Background(), x); s.err == nil && x.ConnectLate != UnknownLate {
			t.Errorf("late by %v for the handshake, which nothing tells", x.ConnectLate)
		}
		return s
	}
	trusting := srv.Client().Transport.(*http.Transport).TLSClientConfig
	if s := do(trusting, EndpointOf(u)); s.ended || !strings.HasPrefix(s.text.String(), "HTTP/1.1 200") {
		t.Errorf("%q %v", s.text.String(), s.err)
	}
	if s := do(nil, EndpointOf(u)); s.class() != TLS {
		t.Errorf("an unknown authority: %v", s.err)
	}
}

// serveTLS answers over TLS with a certificate.
func serveTLS(t *testing.T, pair tls.Certificate, config *tls.Config) Endpoint {
	t.Helper()
	config.Certificates = []tls.Certificate{pair}
	to := listen(t, func(_ int, conn net.Conn) {
		over := tls.Server(conn, config)
		in := bufio.NewReader(over)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			io.WriteString(over, "ok.")
		}
	})
	to.TLS = true
	return to
}

// TestTLSProblemsHaveCodes tries what goes wrong with TLS, each against a real server.
func TestTLSProblemsHaveCodes(t *testing.T) {
	a, other := certtest.New(t), certtest.New(t)
	local := []net.IP{net.IPv4(127, 0, 0, 1)}
	good := a.Sign(t, "good", &x509.Certificate{IPAddresses: local})
	old := a.Sign(t, "old", &x509.Certificate{IPAddresses: local, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	elsewhere := a.Sign(t, "elsewhere", &x509.Certificate{DNSNames: []string{"elsewhere.test"}})
	me := a.Sign(t, "me", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	clients := x509.NewCertPool()
	clients.AddCert(a.Cert)
	welcome := serveTLS(t, good, &tls.Config{})
	strict := serveTLS(t, good, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
	web := listen(t, func(_ int, conn net.Conn) { io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	web.TLS = true
	shell := listen(t, func(_ int, conn net.Conn) { io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n") })
	shell.TLS = true
	plainToTLS := listen(t, func(_ int, conn net.Conn) {
		conn.Read(make([]byte, 4096)) // as OpenSSL answers what is no record of TLS's
		conn.Write([]byte{21, 3, 1, 0, 2, 2, 70})
	})
	ca := a.Trust()
	for _, c := range []struct {
		name   string
		config *tls.Config
		to     Endpoint
		code   Code
	}{
		{"good", ca, welcome, ""},
		{"a client certificate", a.Trust(me), strict, ""},
		{"unverified", &tls.Config{InsecureSkipVerify: true}, welcome, ""},
		{"nobody signs for it", nil, welcome, TLSUnknownAuthority},
		{"another authority", other.Trust(), welcome, TLSUnknownAuthority},
		{"expired", ca, serveTLS(t, old, &tls.Config{}), TLSExpired},
		{"another host", ca, serveTLS(t, elsewhere, &tls.Config{}), TLSWrongHost},
		{"old versions only", ca, serveTLS(t, good, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}), TLSVersion},
		{"no client certificate", ca, strict, TLSClientCertificate},
		{"no client certificate, TLS 1.2", ca, serveTLS(t, good, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, MaxVersion: tls.VersionTLS12}), TLSClientCertificate},
		{"plain HTTP", ca, web, TLSPlainHTTP},
		{"something else", ca, shell, TLSNone},
		{"http to TLS", ca, plainToTLS, HTTPToTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			transports := []Transport{NewBlocking(Options{Clock: NewClock(), Env: noEnv, TLSConfig: c.config})}
			if all, _, err := New(AutoTransport, Options{Clock: NewClock(), Env: noEnv, TLSConfig: c.config}); err == nil {
				transports = append(transports, all)
			}
			for _, tr := range transports {
				s := &sink{enough: "."}
				tr.Do(context.Background(), &Exchange{To: c.to, Head: []byte(get), Sink: s, Fresh: true})
				tr.Close()
				var problem *TLSError
				switch {
				case c.code == "" && (s.ended || s.text.String() != "ok."):
					t.Errorf("%q %v", s.text.String(), s.err)
				case c.code != "" && (s.class() != TLS || !errors.As(s.err, &problem) || problem.Code != c.code):
					t.Errorf("%v, want %s", s.err, c.code)
				}
			}
		})
	}
}

// TestTLSKeepsAlive: what the server says before a request, or that it has closed, is seen
// through TLS, too.
func TestTLSKeepsAlive(t *testing.T) {
	a := certtest.New(t)
	pair, config := a.Sign(t, "good", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}), a.Trust()
	for name, c := range map[string]struct {
		then    func(conn *tls.Conn)
		reused  bool
		dropped bool
	}{
		"stays":                   {func(*tls.Conn) {}, true, false},
		"closes":                  {func(conn *tls.Conn) { conn.Close() }, false, false},
		"speaks":                  {func(conn *tls.Conn) { io.WriteString(conn, "HTTP/1.1 408 x\r\n\r\n") }, false, false},
		"reads the next and ends": {nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			next := make(chan struct{}, 9)
			to := listen(t, func(n int, raw net.Conn) {
				conn := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{pair}})
				in := bufio.NewReader(conn)
				for i := 0; readAsked(in) == nil; i++ {
					if i == 1 && c.dropped {
						return
					}
					io.WriteString(conn, "ok.")
					if n == 0 && c.then != nil {
						c.then(conn)
					}
					next <- struct{}{}
				}
			})
			to.TLS = true
			b := NewBlocking(Options{Clock: NewClock(), Env: noEnv, TLSConfig: config})
			defer b.Close()
			if x, s := ask(b, to); s.ended || x.Reused {
				t.Fatalf("%q %v", s.text.String(), s.err)
			}
			<-next
			x, s := ask(b, to)
			if x.Reused != c.reused || x.Resent != 0 || s.ended != c.dropped {
				t.Errorf("reused %v, sent again %d times, %q, %v", x.Reused, x.Resent, s.text.String(), s.err)
			}
		})
	}
}
