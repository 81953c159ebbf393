//go:build unix

package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// prepare checks the options and fills in what they leave out.
func prepare(o Options) (*Server, error) {
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Hostname() == "":
		return nil, fmt.Errorf("not a server URL: %q; expected http://HOST:PORT", withoutPassword(o.BaseURL))
	}
	o.Name = cmp.Or(o.Name, base.Host)
	o.ReadyPath = cmp.Or(o.ReadyPath, defaultReadyAt)
	o.ReadyLimit = cmp.Or(o.ReadyLimit, defaultReady)
	o.Poll = cmp.Or(o.Poll, defaultPoll)
	o.StopLimit = cmp.Or(o.StopLimit, defaultStop)
	o.FreeLimit = cmp.Or(o.FreeLimit, defaultFree)
	o.WaitEvery = cmp.Or(o.WaitEvery, defaultWait)
	if o.Note == nil {
		o.Note = func(string, ...any) {}
	}
	if o.Waiting == nil {
		o.Waiting = func(line string) { o.Note("%s", line) }
	}
	for i, entry := range o.Env {
		if key, _, found := strings.Cut(entry, "="); !found || key == "" {
			return nil, fmt.Errorf("%s: environment entry %d is not of the form KEY=VALUE", o.Name, i+1) // not shown: it may be a secret
		}
	}
	s := &Server{o: o, base: base, mark: rand.Text()}
	s.life, s.end = context.WithCancel(context.Background())
	if o.Command == nil {
		return s, nil
	}
	if err := s.checkCommand(); err != nil {
		return nil, fmt.Errorf("%s cannot be started: %w", o.Name, err)
	}
	return s, nil
}

// checkCommand looks for the programs that are to be run.
func (s *Server) checkCommand() error {
	if len(s.o.Command) == 0 || s.o.Command[0] == "" {
		return errors.New("its command is empty; name a program")
	}
	if len(s.o.Prefix) > 0 {
		_, err := exec.LookPath(s.o.Prefix[0])
		return err
	}
	if s.o.Dir != "" {
		if info, err := os.Stat(s.o.Dir); err != nil {
			return fmt.Errorf("its directory: %w", err)
		} else if !info.IsDir() {
			return fmt.Errorf("its directory %s is not a directory", s.o.Dir)
		}
	}
	_, err := s.program()
	return err
}

// program is the path of the command's program: relative to Dir, as the child
// sees it, or found in the child's PATH.
func (s *Server) program() (string, error) {
	name := s.o.Command[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(cmp.Or(s.o.Dir, "."), name)
		}
		if path, err := filepath.Abs(name); err == nil {
			name = path
		}
		return exec.LookPath(name)
	}
	for _, entry := range s.o.Env {
		list, found := strings.CutPrefix(entry, "PATH=")
		if !found {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(path) {
				return path, nil
			}
		}
		return "", fmt.Errorf("%s is not in the PATH of its environment", name)
	}
	return exec.LookPath(name)
}

// launch starts the process, in a session of its own so that the terminal's
// Ctrl-C does not reach it.
func (s *Server) launch() error {
	cmd, err := s.command()
	if err != nil {
		return fmt.Errorf("%s cannot be started: %w", s.o.Name, err)
	}
	log, err := createLog(s.o.Log)
	if err != nil {
		return fmt.Errorf("%s cannot be started: its log: %w", s.o.Name, err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s cannot be started: %w", s.o.Name, err)
	}
	s.cmd = cmd
	s.local = newFamily(here{mark(s.mark)}, cmd.Process.Pid)
	s.local.look() // before the process can be waited for, so that its pid is its own
	go s.watch()
	s.o.Note("%s is started: pid %d, log %s", s.o.Name, cmd.Process.Pid, cmp.Or(s.o.Log, "discarded"))
	return nil
}

// command is what is to be run here.
func (s *Server) command() (*exec.Cmd, error) {
	if len(s.o.Prefix) > 0 {
		s.remote = newRemote(s.o.Prefix, s.o.Name)
		args, env := s.remote.startCommand(&s.o)
		if len(s.o.Env) > 0 && subcommand(s.o.Prefix) == 0 {
			s.o.Note("%s: the values of its variables are visible in the list of processes while %s runs", s.o.Name, s.o.Prefix[0])
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = slices.Concat(os.Environ(), env, []string{mark(s.mark)})
		return cmd, nil
	}
	path, err := s.program()
	if err != nil {
		return nil, err
	}
	words, env := hideVariables(s.o.Command)
	cmd := exec.Command(path, words[1:]...)
	cmd.Args[0], cmd.Dir = words[0], s.o.Dir
	cmd.Env = slices.Concat(os.Environ(), s.o.Env, env, []string{mark(s.mark)})
	return cmd, nil
}

// watch waits for the process that was started.
func (s *Server) watch() {
	defer s.end()
	s.cmd.Wait() // the state says the same
	if s.remote != nil && s.cmd.ProcessState.Success() && !s.stopping.Load() {
		s.watchBehind()
	}
	if s.stopping.Load() {
		return
	}
	state := s.cmd.ProcessState
	hint := ""
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		hint = ", as the system does when memory runs out: see dmesg"
	} else if state.Success() && len(s.o.Prefix) > 0 {
		hint = ", behind a prefix that ended before"
	}
	s.err = fmt.Errorf("%s ended by itself: %v%s%s", s.o.Name, state, hint, s.tail())
}

// watchBehind watches a server whose prefix has ended, as docker exec -d does once
// the command runs, until the server ends or is stopped.
func (s *Server) watchBehind() {
	r := &remote{prefix: s.remote.prefix, env: s.remote.env, pidFile: s.remote.pidFile} // its own: the other is not safe for two
	for began := time.Now(); r.find() != nil; time.Sleep(firstPoll) {
		if s.stopping.Load() || time.Since(began) > findLimit {
			return
		}
	}
	s.o.Note("%s keeps running although its prefix has ended: its output is not in the log", s.o.Name)
	for looked := time.Now(); !s.stopping.Load(); time.Sleep(firstPoll) {
		if time.Since(looked) < behindEvery {
			continue
		}
		if r.signal(0, r.family.pid) != nil {
			return
		}
		looked = time.Now()
	}
}
