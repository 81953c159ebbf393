package wire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"loadgen/internal/certtest"
	"loadgen/internal/stream"
)

// piecewise is a connection that brings bytes in pieces of any length.
type piecewise struct {
	net.Conn
	data []byte
	r    *rand.Rand
}

func (p *piecewise) Read(to []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(to, p.data[:1+p.r.IntN(min(len(p.data), 3000))])
	p.data = p.data[n:]
	return n, nil
}

// TestRecords: whatever the reads beneath, none above crosses the end of a record.
func TestRecords(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var data []byte
	var ends []int
	for _, n := range []int{0, 1, 200, 16384, 0, 5000, 7} {
		data = append(data, 23, 3, 3, byte(n>>8), byte(n))
		data = append(data, make([]byte, n)...)
		ends = append(ends, len(data))
	}
	for range 200 {
		under := &records{Conn: &piecewise{data: data, r: r}}
		var got []byte
		b := make([]byte, 20_000)
		for {
			before := under.passed
			n, err := under.Read(b[:1+r.IntN(len(b))])
			if err != nil {
				break
			}
			got = append(got, b[:n]...)
			if int(under.passed) != len(got) {
				t.Fatalf("%d bytes passed of %d", under.passed, len(got))
			}
			for _, end := range ends {
				if before < uint64(end) && uint64(end) < under.passed {
					t.Fatalf("a read from %d to %d crosses the end of a record at %d", before, under.passed, end)
				}
			}
		}
		if !bytes.Equal(got, data) {
			t.Fatal("other bytes")
		}
	}
}

// TestTLSBehindRecords: TLS reads of records what it reads of a connection.
func TestTLSBehindRecords(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 100 {
			w.Write(bytes.Repeat([]byte{byte(i)}, 1000*i))
			w.(http.Flusher).Flush()
		}
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName = "example.com"
	over := tls.Client(&records{Conn: conn}, config)
	defer over.Close()
	fmt.Fprint(over, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(over), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if want := 1000 * 99 * 100 / 2; err != nil || len(body) != want {
		t.Errorf("%d bytes, want %d: %v", len(body), want, err)
	}
}

// slow comes late to read: it takes its time over the first bytes.
type slow struct {
	*stream.Decoder
	ready chan struct{}
	once  sync.Once
}

func (s *slow) Feed(p []byte, at time.Duration) bool {
	s.once.Do(func() { <-s.ready })
	return s.Decoder.Feed(p, at)
}

// TestPacketsOverLoopback captures real packets: events that wait together in the socket of a
// reader who comes late have each the stamp of their arrival, by each transport and by TLS.
func TestPacketsOverLoopback(t *testing.T) {
	table := NewPackets()
	if err := CapturePackets(table, 0); err != nil {
		t.Skipf("packets cannot be captured here: %v", err)
	}
	defer table.Close()
	authority := certtest.New(t)
	pair := authority.Sign(t, "server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	roots := x509.NewCertPool()
	roots.AddCert(authority.Cert)
	const events, between = 12, 3 * time.Millisecond
	for _, kind := range []string{"reactor", "blocking", "TLS"} {
		clock := NewClock()
		o := Options{Clock: clock, Env: noEnv, Packets: table, TLSConfig: &tls.Config{RootCAs: roots}}
		var tr Transport = NewBlocking(o)
		if kind == "reactor" {
			var err error
			if tr, _, err = New(ReactorTransport, o); err != nil {
				t.Fatal(err)
			}
		}
		d := &slow{ready: make(chan struct{})}
		var wrote []time.Duration // before and after each event
		to := listen(t, func(_ int, conn net.Conn) {
			if kind == "TLS" {
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}})
			}
			if _, err := readHead(conn); err != nil {
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			for i := range events {
				time.Sleep(between)
				wrote = append(wrote, clock.Now())
				fmt.Fprintf(conn, `data: {"choices":[{"index":0,"text":"%d"}]}`+"\n\n", i)
				wrote = append(wrote, clock.Now())
			}
			io.WriteString(conn, "data: [DONE]\n\n")
			close(d.ready)
		})
		to.TLS = kind == "TLS"
		var answer stream.Answer
		d.Decoder = stream.NewDecoder(stream.Options{Streaming: true, Mode: stream.Original}, &answer)
		x := &Exchange{To: to, Head: []byte(get), Sink: d, Fresh: true}
		tr.Do(context.Background(), x)
		tr.Close()
		if answer.Err != nil || len(answer.Events) != events || !x.KernelStamps {
			t.Errorf("%s: %d events, stamped %v: %v", kind, len(answer.Events), x.KernelStamps, answer.Err)
			continue
		}
		counts, _ := table.Counts()
		if counts.Unstamped > 0 {
			t.Errorf("%s: %+v", kind, counts)
		}
		for i, e := range answer.Events {
			if e.Uncertainty > 0 || e.Shared {
				t.Errorf("%s: event %d is in doubt: %+v", kind, i, e)
			}
			if e.At < wrote[2*i] || i > 0 && e.At <= answer.Events[i-1].At {
				t.Errorf("%s: event %d at %v, written from %v to %v", kind, i, e.At, wrote[2*i], wrote[2*i+1])
			}
		}
	}
}
