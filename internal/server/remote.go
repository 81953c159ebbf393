//go:build unix

package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"loadgen/internal/plain"
)

// startScript runs a command as the leader of a session of its own, and leaves
// its pid in a file. Arguments: the file, the directory or "", the command.
// setsid is avoided for what leads a group already: it would have to fork, and
// the prefix would take its end for the command's.
const startScript = `file=$1 dir=$2
shift 2
export ` + markName + `="$file"
if [ -n "$dir" ]; then cd "$dir" || exit 1; fi
group() { read -r stat </proc/$$/stat && set -- ${stat##*")"} && echo "$3"; }
run='set -C; echo $$ >"$1" && shift && exec "$@"'
group=$(group 2>/dev/null)
if [ -n "$group" ] && [ "$group" != $$ ] && command -v setsid >/dev/null; then
	exec setsid sh -c "$run" sh "$file" "$@"
fi
exec sh -c "$run" sh "$file" "$@"`

// remote is a server behind a prefix. It is a place, and the family in it.
type remote struct {
	prefix  []string
	env     []string // for the prefix itself: variables that it passes on by name
	pidFile string
	family  *family // nil until the pid is known
}

func newRemote(prefix []string, name string) *remote {
	safe := strings.Map(func(r rune) rune {
		if r < 128 && (r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, name)
	prefix, env := hideVariables(attached(prefix))
	return &remote{prefix: prefix, env: env, pidFile: fmt.Sprintf("/tmp/loadgen-%.60s-%s.pid", safe, rand.Text()[:12])}
}

// shell is the command that runs a script in the place. The arguments reach the
// script as "$1" and so on, so that none needs quotes.
func (r *remote) shell(script string, args ...string) []string {
	return r.behind(r.prefix, script, args)
}

func (r *remote) behind(prefix []string, script string, args []string) []string {
	command := append([]string{"sh", "-c", script, "sh"}, args...)
	if filepath.Base(r.prefix[0]) == "ssh" { // it joins them, and a shell there splits them again
		for i := range command {
			command[i] = plain.Quote(command[i])
		}
	}
	return slices.Concat(prefix, command)
}

// startCommand is what starts the server, and the variables that the prefix itself needs
// for it.
func (r *remote) startCommand(o *Options) (words, env []string) {
	prefix, passed, left := passVariables(r.prefix, o.Env)
	args := []string{r.pidFile, o.Dir}
	if len(left) > 0 {
		args = append(append(args, "env"), left...)
	}
	return r.behind(prefix, startScript, append(args, o.Command...)), slices.Concat(r.env, passed)
}

// run runs a script in the place and returns what it wrote.
func (r *remote) run(script string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), placeLimit)
	defer cancel()
	words := r.shell(script, args...)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), r.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	if text := strings.TrimSpace(complaint.String()); err != nil && text != "" {
		err = fmt.Errorf("%w: %.300s", err, text)
	}
	return out.String(), err
}

func (r *remote) processes() (all []process, err error) {
	out, err := r.run(`cat /proc/[0-9]*/stat 2>/dev/null; grep -ls "$1" /proc/[0-9]*/environ; true`, mark(r.pidFile))
	if err != nil {
		return nil, err
	}
	at := map[int]int{}
	for line := range strings.Lines(out) {
		if p, ok := parseStat([]byte(line)); ok {
			at[p.pid] = len(all)
			all = append(all, p)
			continue
		}
		pid, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(line, "/proc/"), "/environ\n"))
		if i, found := at[pid]; found {
			all[i].marked = true
		}
	}
	return all, nil
}

func (r *remote) signal(sig syscall.Signal, targets ...int) error {
	args := []string{"-" + strconv.Itoa(int(sig))}
	for _, target := range targets {
		args = append(args, strconv.Itoa(target))
	}
	_, err := r.run(`kill "$@"`, args...)
	return err
}

// find reads the server's pid, unless it is known, and notes its processes.
func (r *remote) find() error {
	if r.family == nil {
		out, err := r.run(`cat "$1"`, r.pidFile)
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(out))
		if err != nil || pid < 2 {
			return errors.New("there is no pid in it")
		}
		r.family = newFamily(r, pid)
	}
	_, err := r.family.look()
	return err
}

// forget removes the pid file.
func (r *remote) forget() {
	_, _ = r.run(`rm -f "$1"`, r.pidFile) // all that can be lost is a small file
}
