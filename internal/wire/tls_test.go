package wire

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.sign(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes a certificate and writes NAME.pem and NAME.key.
func (a *authority) sign(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(a.file(name+file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// serve answers over TLS with a certificate of a's.
func (a *authority) serve(t *testing.T, name string, config *tls.Config) Endpoint {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(a.file(name+".pem"), a.file(name+".key"))
	if err != nil {
		t.Fatal(err)
	}
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
	a, other := newAuthority(t), newAuthority(t)
	local := []net.IP{net.IPv4(127, 0, 0, 1)}
	a.sign(t, "good", &x509.Certificate{IPAddresses: local})
	a.sign(t, "old", &x509.Certificate{IPAddresses: local, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	a.sign(t, "elsewhere", &x509.Certificate{DNSNames: []string{"elsewhere.test"}})
	a.sign(t, "me", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	good := a.serve(t, "good", &tls.Config{})
	strict := a.serve(t, "good", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
	web := listen(t, func(_ int, conn net.Conn) { io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	web.TLS = true
	shell := listen(t, func(_ int, conn net.Conn) { io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n") })
	shell.TLS = true
	plainToTLS := listen(t, func(_ int, conn net.Conn) {
		conn.Read(make([]byte, 4096)) // as OpenSSL answers what is no record of TLS's
		conn.Write([]byte{21, 3, 1, 0, 2, 2, 70})
	})
	ca := TLSFiles{CA: a.file("ca.pem")}
	for _, c := range []struct {
		name  string
		files TLSFiles
		to    Endpoint
		code  Code
	}{
		{"good", ca, good, ""},
		{"a client certificate", TLSFiles{CA: ca.CA, Cert: a.file("me.pem"), Key: a.file("me.key")}, strict, ""},
		{"unverified", TLSFiles{Insecure: true}, good, ""},
		{"nobody signs for it", TLSFiles{}, good, TLSUnknownAuthority},
		{"another authority", TLSFiles{CA: other.file("ca.pem")}, good, TLSUnknownAuthority},
		{"expired", ca, a.serve(t, "old", &tls.Config{}), TLSExpired},
		{"another host", ca, a.serve(t, "elsewhere", &tls.Config{}), TLSWrongHost},
		{"old versions only", ca, a.serve(t, "good", &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}), TLSVersion},
		{"no client certificate", ca, strict, TLSClientCertificate},
		{"no client certificate, TLS 1.2", ca, a.serve(t, "good", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, MaxVersion: tls.VersionTLS12}), TLSClientCertificate},
		{"plain HTTP", ca, web, TLSPlainHTTP},
		{"something else", ca, shell, TLSNone},
		{"http to TLS", ca, plainToTLS, HTTPToTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, err := c.files.Config()
			if err != nil {
				t.Fatal(err)
			}
			transports := []Transport{NewBlocking(Options{Clock: NewClock(), Env: noEnv, TLSConfig: config})}
			if all, _, err := New(AutoTransport, Options{Clock: NewClock(), Env: noEnv, TLSConfig: config}); err == nil {
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
	a := newAuthority(t)
	a.sign(t, "good", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	config, err := TLSFiles{CA: a.file("ca.pem")}.Config()
	if err != nil {
		t.Fatal(err)
	}
	pair, _ := tls.LoadX509KeyPair(a.file("good.pem"), a.file("good.key"))
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

// TestTLSFiles names the file that is wrong, and what it was for.
func TestTLSFiles(t *testing.T) {
	a := newAuthority(t)
	a.sign(t, "me", &x509.Certificate{})
	a.sign(t, "you", &x509.Certificate{})
	cert, _ := os.ReadFile(a.file("me.pem"))
	key, _ := os.ReadFile(a.file("me.key"))
	os.WriteFile(a.file("both.pem"), append(cert, key...), 0o600)
	os.WriteFile(a.file("empty.pem"), nil, 0o600)
	for _, c := range []struct {
		files TLSFiles
		path  string // of the error, "" for none
		what  string
	}{
		{TLSFiles{Cert: a.file("both.pem")}, "", ""},
		{TLSFiles{Cert: a.file("me.pem"), Key: a.file("me.key")}, "", ""},
		{TLSFiles{CA: a.file("none.pem")}, "none.pem", "CA certificates"},
		{TLSFiles{CA: a.file("me.key")}, "me.key", "CA certificates"},
		{TLSFiles{CA: a.file("empty.pem")}, "empty.pem", "CA certificates"},
		{TLSFiles{CA: a.dir}, "", "CA certificates"},
		{TLSFiles{Key: a.file("me.key")}, "me.key", "client key"},
		{TLSFiles{Cert: a.file("none.pem")}, "none.pem", "client certificate"},
		{TLSFiles{Cert: a.file("me.pem")}, "me.pem", "client certificate"},
		{TLSFiles{Cert: a.file("me.pem"), Key: a.file("none.key")}, "none.key", "client key"},
		{TLSFiles{Cert: a.file("me.pem"), Key: a.file("you.key")}, "you.key", "client key"},
	} {
		config, err := c.files.Config()
		var wrong *FileError
		if bad := c.what != ""; bad != errors.As(err, &wrong) || !bad && (err != nil || len(config.Certificates) != 1 || config.MinVersion != tls.VersionTLS12) {
			t.Errorf("%+v: %v", c.files, err)
		} else if bad && (wrong.What != c.what || c.path != "" && wrong.Path != a.file(c.path) || strings.Contains(err.Error(), " --")) {
			t.Errorf("%+v: %v", c.files, err)
		}
	}
}
