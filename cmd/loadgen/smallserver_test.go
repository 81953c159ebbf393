package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// small serves what a request asks for.
func small(t *testing.T) *smallServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newSmallServer(listener, func(method, path string) page {
		return page{status: 200, kind: "text/x", body: []byte(method + " " + path)}
	})
	t.Cleanup(s.close)
	return s
}

// TestSmallServer: what is answered to requests on one connection.
func TestSmallServer(t *testing.T) {
	s := small(t)
	long := strings.Repeat("x", requestSize+1)
	for _, c := range []struct {
		requests string
		want     []string // status, whether the connection ends, and body of each answer
	}{
		{"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\nHEAD /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", []string{"200 false GET /a", "200 false ", "200 true POST /b"}},
		{"GET /a HTTP/1.0\r\n\r\n", []string{"200 true GET /a"}},
		{"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", []string{"200 true POST /"}},
		{"\x16\x03\x01\x02\x00\r\n\r\n", []string{"400 true not a short HTTP request\n"}},
		{"GET / HTTP/1.1\r\nHost: x\r\nX: " + long + "\r\n\r\n", []string{"400 true not a short HTTP request\n"}},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", []string{"400 true not a short HTTP request\n"}},
	} {
		conn, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(conn, c.requests)
		in := bufio.NewReader(conn)
		for _, want := range c.want {
			method := "GET"
			if strings.HasSuffix(want, " ") {
				method = "HEAD"
			}
			answer, err := http.ReadResponse(in, &http.Request{Method: method})
			if err != nil {
				t.Errorf("%.60q: %v", c.requests, err)
				break
			}
			body, _ := io.ReadAll(answer.Body)
			if got := answer.Status[:4] + map[bool]string{true: "true ", false: "false "}[answer.Close] + string(body); got != want || answer.Header.Get("Date") == "" {
				t.Errorf("%.60q: %q, want %q", c.requests, got, want)
			}
		}
		conn.Close()
	}
}

// TestSmallServerIsSmall: clients beyond some number are turned away, and those that left make room.
func TestSmallServerIsSmall(t *testing.T) {
	s := small(t)
	dial := func() (net.Conn, error) {
		conn, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		_, err = conn.Read(make([]byte, 1))
		return conn, err
	}
	var all []net.Conn
	for range mostClients {
		conn, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	if _, err := dial(); err == nil {
		t.Error("one client too many is served")
	}
	all[0].Close()
	for { // the server has to notice
		if _, err := dial(); err == nil {
			break
		}
	}
	s.close()
	if _, err := io.ReadAll(all[1]); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// TestSlowClient: a client that sends nothing, or not all, is given up.
func TestSlowClient(t *testing.T) {
	for _, sent := range []string{"", "GET / HTTP/1.1\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			s := &smallServer{}
			go io.WriteString(client, sent)
			began := time.Now()
			s.serve(server)
			if took := time.Since(began); took != requestTime {
				t.Errorf("%q: given up after %v", sent, took)
			}
			client.Close()
		})
	}
}
