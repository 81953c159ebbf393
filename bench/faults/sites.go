package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"loadgen/internal/faults"
)

// site is a server, or the lack of one, that treats all requests alike.
type site struct {
	name    string
	outcome faults.Outcome // of every request
	class   string         // of every failure; "" for any
	// start returns the URL, and what ends the site. The binary is the loadgen to try.
	start func(ctx context.Context, binary string) (url string, stop func(), err error)
}

// sites are tried as the faults are.
var sites = []site{
	{"connection refused", faults.Fails, "refused", refused},
	{"listen queue full", faults.Fails, "idle_timeout", fullQueue},
	{"name that does not resolve", faults.Fails, "dns", func(context.Context, string) (string, func(), error) {
		return "http://no..such..host:8000", func() {}, nil
	}},
	{"IPv6 only", faults.Succeeds, "", onLoopback("[::1]:0", "[::1]")},
	{"IPv6 only, by a name of both", faults.Succeeds, "", onLoopback("[::1]:0", "localhost")},
	{"IPv4 only, by a name of both", faults.Succeeds, "", onLoopback("127.0.0.1:0", "localhost")},
	{"TLS that is silent", faults.Fails, "idle_timeout", silent("https")},
	{"TLS expected, plain HTTP there", faults.Fails, "tls", func(ctx context.Context, binary string) (string, func(), error) {
		url, stop, err := onLoopback("127.0.0.1:0", "127.0.0.1")(ctx, binary)
		return strings.Replace(url, "http:", "https:", 1), stop, err
	}},
	{"plain HTTP expected, TLS there", faults.Fails, "", func(context.Context, string) (string, func(), error) {
		url, stop := secure()
		return strings.Replace(url, "https:", "http:", 1), stop, nil
	}},
	{"certificate of nobody", faults.Fails, "tls", func(context.Context, string) (string, func(), error) {
		url, stop := secure()
		return url, stop, nil
	}},
	{"handshake reset", faults.Fails, "", resets("https")},
	{"reset on accept", faults.Fails, "", resets("http")},
	{"accepts and is silent", faults.Fails, "idle_timeout", silent("http")},
	{"restarted under load", faults.Either, "", restarted},
	{"frozen for 0.4 s (SIGSTOP)", faults.Succeeds, "", frozen(400 * time.Millisecond)},
	{"frozen for good (SIGSTOP)", faults.Either, "idle_timeout", frozen(time.Hour)},
	{"killed under load (SIGKILL)", faults.Either, "", killed},
}

func refused(context.Context, string) (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	return "http://" + l.Addr().String(), func() {}, l.Close()
}

// fullQueue is a socket that listens and accepts nothing, with its queue full.
func fullQueue(context.Context, string) (string, func(), error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return "", nil, err
	}
	stop := func() { syscall.Close(fd) }
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", stop, err
	}
	if err := syscall.Listen(fd, 0); err != nil {
		return "", stop, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return "", stop, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	var held []net.Conn
	for range 4 {
		c, err := net.DialTimeout("tcp", address, 50*time.Millisecond)
		if err != nil {
			break
		}
		held = append(held, c)
	}
	return "http://" + address, func() {
		for _, c := range held {
			c.Close()
		}
		stop()
	}, nil
}

// onLoopback is a good server at an address, under a host's name.
func onLoopback(address, host string) func(context.Context, string) (string, func(), error) {
	return func(context.Context, string) (string, func(), error) {
		s, err := faults.StartAt(address, faults.Fault{}, requests+1)
		if err != nil {
			return "", nil, err
		}
		_, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL(), "http://"))
		return "http://" + host + ":" + port, func() { s.Close() }, err
	}
}

// accepting calls serve with every connection to a port.
func accepting(scheme string, serve func(c net.Conn)) (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(c) })
		}
	})
	return scheme + "://" + l.Addr().String(), func() { l.Close(); all.Wait() }, nil
}

func silent(scheme string) func(context.Context, string) (string, func(), error) {
	return func(context.Context, string) (string, func(), error) {
		return accepting(scheme, func(c net.Conn) { io.Copy(io.Discard, c); c.Close() })
	}
}

func resets(scheme string) func(context.Context, string) (string, func(), error) {
	return func(context.Context, string) (string, func(), error) {
		return accepting(scheme, func(c net.Conn) {
			_ = c.(*net.TCPConn).SetLinger(0)
			c.Close()
		})
	}
}

// secure is a server whose certificate nobody has signed.
func secure() (url string, stop func()) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	return s.URL, s.Close
}

// restarted is a good server that goes away after 60 ms with all its connections, and is back
// 60 ms later.
func restarted(context.Context, string) (string, func(), error) {
	first, err := faults.StartAt("127.0.0.1:0", faults.Fault{}, requests+1)
	if err != nil {
		return "", nil, err
	}
	var second *faults.Server
	var all sync.WaitGroup
	all.Go(func() {
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if posts, _ := first.Count(); posts > 0 {
				break
			}
		}
		time.Sleep(60 * time.Millisecond)
		first.Close()
		time.Sleep(60 * time.Millisecond)
		second, err = faults.StartAt(strings.TrimPrefix(first.URL(), "http://"), faults.Fault{}, requests+1)
	})
	return first.URL(), func() {
		all.Wait()
		if second != nil {
			second.Close()
		}
	}, nil
}

// simulator starts the program's own simulator.
func simulator(ctx context.Context, binary string) (cmd *exec.Cmd, url string, err error) {
	cmd = exec.CommandContext(ctx, binary, "sim", "--port", "0", "--quiet")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err == nil && !found {
		err = fmt.Errorf("the simulator says %q", line)
	}
	return cmd, url, err
}

// later does something to a simulator 150 ms after its start.
func later(ctx context.Context, binary string, do func(cmd *exec.Cmd, quit <-chan struct{})) (string, func(), error) {
	cmd, url, err := simulator(ctx, binary)
	if err != nil {
		return "", nil, err
	}
	quit := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		if waitFor(150*time.Millisecond, quit) {
			do(cmd, quit)
		}
	})
	return url, func() {
		close(quit)
		all.Wait()
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, nil
}

// waitFor waits, and reports whether it was for all of that time.
func waitFor(d time.Duration, quit <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-quit:
		return false
	}
}

func frozen(d time.Duration) func(context.Context, string) (string, func(), error) {
	return func(ctx context.Context, binary string) (string, func(), error) {
		return later(ctx, binary, func(cmd *exec.Cmd, quit <-chan struct{}) {
			_ = cmd.Process.Signal(syscall.SIGSTOP)
			if waitFor(d, quit) {
				_ = cmd.Process.Signal(syscall.SIGCONT)
			}
		})
	}
}

func killed(ctx context.Context, binary string) (string, func(), error) {
	return later(ctx, binary, func(cmd *exec.Cmd, _ <-chan struct{}) { _ = cmd.Process.Kill() })
}
