//go:build unix

package server

import (
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// behind puts a fake prefix, which is a shell script, before a server.
func (x *trial) behind(name, script string, args ...string) {
	x.t.Helper()
	file := filepath.Join(x.t.TempDir(), name)
	syscall.ForkLock.RLock() // a process begun meanwhile would hold it open, and it could not be executed
	err := os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		x.t.Fatal(err)
	}
	x.Prefix = append([]string{file}, args...)
	x.Name = "fake " + x.token
	x.t.Cleanup(func() {
		if left, _ := filepath.Glob("/tmp/loadgen-fake_" + x.token + "*"); len(left) > 0 {
			x.t.Errorf("left behind: %q", left)
		}
	})
}

// The prefixes differ in what they run the command as: docker as the leader of
// another session, sudo as a child in ours; ssh gives a shell one line.
var prefixes = []struct{ name, script string }{
	{"docker", "shift; while [ \"$1\" = -e ]; do shift 2; done; shift; setsid -w \"$@\" &\nwait $!"},
	{"leader", "shift 2; exec \"$@\""},
	{"sudo", "shift 2; \"$@\"; exit $?"},
	{"ssh", "shift 2; exec sh -c \"$*\""},
}

func TestPrefix(t *testing.T) {
	needsProc(t)
	for _, prefix := range prefixes {
		t.Run(prefix.name, func(t *testing.T) {
			odd := []string{"a b", "it's", `"$HOME" \ `, "", "*", "two\nlines", "-n", "`id`;&|<>"}
			x := newTrial(t, append([]string{"-code", "1", "--"}, odd...)...)
			x.behind(prefix.name, prefix.script, "exec", "NAME")
			x.Dir, x.Env = filepath.Join(t.TempDir(), "it's here"), []string{"FAKE_VALUE=it's $HOME"}
			if err := os.Mkdir(x.Dir, 0o755); err != nil {
				t.Fatal(err)
			}
			s := x.start()
			got := x.said()
			if diff := cmp.Diff(said{odd, x.Dir, "it's $HOME", got.Pid, got.Pid}, got); diff != "" {
				t.Error(diff)
			}
			x.stop(s)
			x.stop(s)
			if x.noted("killing") || x.noted("pid file") || s.err != nil {
				t.Error("wrong notes", s.err)
			}
			if log, err := os.ReadFile(x.Log); err != nil || string(log) != "Started server process\n" {
				t.Errorf("%v %q", err, log)
			}
		})
	}
}

func TestPrefixWorkersAreKilled(t *testing.T) {
	needsProc(t)
	for _, kind := range []string{"same", "group", "session", "daemon"} {
		t.Run(kind, func(t *testing.T) {
			x := newTrial(t, "-worker", kind, "-hang")
			x.behind("docker", prefixes[0].script, "exec", "NAME")
			x.StopLimit = 500 * time.Millisecond
			s := x.start()
			x.stop(s)
			if !x.noted("500ms after SIGTERM: killing") {
				t.Error("the kill is not reported")
			}
		})
	}
}

func TestPrefixFails(t *testing.T) {
	needsProc(t)
	x := newTrial(t)
	x.behind("docker", "echo No such container: $2 >&2; exit 1", "exec", "NAME")
	x.fails("while it loads", "exit status 1", "No such container: NAME")
	x.behind("docker", prefixes[0].script, "exec", "NAME")
	x.Command = []string{"no-such-program"}
	x.fails("exit status 127", "no-such-program")
	if x.noted("pid file") {
		t.Error("a pid file is missed")
	}
}

// A prefix that starts the command in the background and returns.
func TestPrefixInTheBackground(t *testing.T) {
	needsProc(t)
	for _, mode := range []string{"stopped", "killed"} {
		t.Run(mode, func(t *testing.T) {
			x := newTrial(t, "-load", "300ms", "-worker", "session")
			x.behind("background", `shift 2; case "$3" in
file*) setsid "$@" >/dev/null 2>&1 & ;;
*) exec "$@" ;;
esac`, "exec", "NAME")
			x.StopLimit = 500 * time.Millisecond
			s := x.start()
			if mode == "killed" {
				get(t.Context(), s.base, "/die")
				if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "behind a prefix that ended before") {
					t.Error(err)
				}
			}
			x.stop(s)
			if !x.noted("keeps running although its prefix has ended") {
				t.Error("it is not reported")
			}
		})
	}
}

func TestPrefixInTheBackgroundWithoutAServer(t *testing.T) {
	needsProc(t)
	x := newTrial(t)
	x.behind("background", `exit 0`, "exec", "NAME")
	x.StopLimit = 300 * time.Millisecond
	x.fails("exit status 0")
}

// docker exec -d would answer nothing that its place is asked, and -t needs a terminal.
func TestAttached(t *testing.T) {
	for before, want := range map[string]string{
		"docker exec -d NAME":                          "docker exec NAME",
		"/usr/bin/docker exec -it -u root NAME":        "/usr/bin/docker exec -u root NAME",
		"podman exec --detach --tty=true -e A=-d NAME": "podman exec -e A=-d NAME",
		"ssh -t host":             "ssh -t host",
		"kubectl exec -it pod --": "kubectl exec -it pod --",
		"docker --host tcp://h exec --detach-keys x NAME": "docker --host tcp://h exec --detach-keys x NAME",
	} {
		if got := strings.Join(attached(strings.Fields(before)), " "); got != want {
			t.Errorf("%s becomes %s, want %s", before, got, want)
		}
	}
}

// The pid file is gone before it was read, as with a container that was replaced.
func TestPrefixWithoutPidFile(t *testing.T) {
	needsProc(t)
	x := newTrial(t)
	x.behind("leader", prefixes[1].script, "exec", "NAME")
	x.StopLimit = 300 * time.Millisecond
	s := x.start()
	os.Remove(s.remote.pidFile)
	s.remote.family = nil
	x.stop(s)
	if !x.noted("cannot be read") {
		t.Error("it is not reported")
	}
}

// A published port of a container accepts, and closes at once what nothing listens for.
func TestDockersPublishedPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	answers := make(chan string, 1)
	answers <- ""
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			answer := <-answers
			io.WriteString(conn, answer)
			conn.Close()
			answers <- answer
		}
	}()
	base, _ := url.Parse("http://" + l.Addr().String())
	for _, c := range []struct {
		answer string
		prefix []string
		free   bool
	}{{"", []string{"docker"}, true}, {"", nil, false}, {"SSH-2.0\r\n", []string{"docker"}, false}} {
		<-answers
		answers <- c.answer
		s := &Server{o: Options{Prefix: c.prefix}, base: base}
		if free, err := s.refuses(t.Context()); free != c.free || err != nil {
			t.Errorf("%+v: %v %v", c, free, err)
		}
	}
}

// What connects while a listener is being closed is reset, once.
func TestAResetWhileConnectingIsTriedAgain(t *testing.T) {
	t.Parallel()
	reset := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNRESET)}
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, c := range []struct {
		errs  []error // of one try after the other
		tries int
	}{{[]error{refused}, 1}, {[]error{reset, refused}, 2}, {[]error{reset, nil}, 2}, {slices.Repeat([]error{reset}, resetTries+1), resetTries}} {
		tries := 0
		_, err := untilSettled(func() (net.Conn, error) {
			tries++
			return nil, c.errs[tries-1]
		})
		if tries != c.tries || err != c.errs[tries-1] {
			t.Errorf("%v: %d tries end with %v", c.errs, tries, err)
		}
	}
}
