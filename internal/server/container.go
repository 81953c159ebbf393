//go:build unix

package server

import (
	"path/filepath"
	"slices"
	"strings"

	"loadgen/internal/lazy"
)

// inContainers reports whether a command runs something in a container.
func inContainers(words []string) bool {
	return len(words) > 0 && slices.Contains([]string{"docker", "podman", "nerdctl"}, filepath.Base(words[0]))
}

var unattended = lazy.Regexp(`^(-[dit]+|--(detach|interactive|tty)(=true)?)$`)

// attached is a prefix without the options by which docker and its like return at
// once, or need a terminal: a server behind them would be out of sight, and no
// question to its place answered.
func attached(prefix []string) []string {
	if !inContainers(prefix) {
		return prefix
	}
	return slices.DeleteFunc(slices.Clone(prefix), unattended.Get().MatchString)
}

// subcommand is where the options of docker's exec or run begin; 0 if there is neither.
func subcommand(words []string) int {
	if !inContainers(words) {
		return 0
	}
	return 1 + slices.IndexFunc(words, func(w string) bool { return w == "exec" || w == "run" })
}

// theirs are variables that docker and its like, or the system that starts them, would
// take for their own. They hold no secrets.
var theirs = lazy.Regexp(`^(PATH|HOME|TMPDIR|LD_.*|DOCKER_.*|CONTAINER_.*|CONTAINERD_.*)$`)

// withoutValue are the options of docker exec and docker run that take no value.
var withoutValue = lazy.Regexp(`^(-[ditPq]+|--(detach|interactive|tty|privileged|rm|init|read-only|publish-all|quiet|oom-kill-disable|no-healthcheck|sig-proxy|disable-content-trust|help))$`)

// hideVariables takes the values of variables out of the options of docker exec or
// docker run, where a list of processes would show them: with the variables in docker's
// own environment, their names do.
func hideVariables(words []string) (hidden, env []string) {
	i := subcommand(words)
	if i == 0 {
		return words, nil
	}
	hidden = slices.Clone(words)
	take := func(at, from int) {
		name, _, found := strings.Cut(hidden[at][from:], "=")
		if found && name != "" && !theirs.Get().MatchString(name) {
			env = append(env, hidden[at][from:])
			hidden[at] = hidden[at][:from] + name
		}
	}
	for ; i < len(hidden) && len(hidden[i]) > 1 && hidden[i][0] == '-' && hidden[i] != "--"; i++ {
		switch word := hidden[i]; {
		case (word == "-e" || word == "--env") && i+1 < len(hidden):
			i++
			take(i, 0)
		case strings.HasPrefix(word, "--env="):
			take(i, len("--env="))
		case strings.HasPrefix(word, "-e"):
			take(i, len("-e"))
		case withoutValue.Get().MatchString(word), strings.Contains(word, "="), word[1] != '-' && len(word) > 2:
		default:
			i++ // its value
		}
	}
	return hidden, env
}

// passVariables has a prefix pass variables on by their names, with which they must be
// in its own environment. left are those for which that cannot be.
func passVariables(prefix, env []string) (with, passed, left []string) {
	at := subcommand(prefix)
	if at == 0 {
		return prefix, nil, env
	}
	with = slices.Clone(prefix[:at])
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		if theirs.Get().MatchString(name) {
			left = append(left, entry)
			continue
		}
		with, passed = append(with, "-e", name), append(passed, entry)
	}
	return append(with, prefix[at:]...), passed, left
}

var password = lazy.Regexp(`^([^:/]*://[^/@:]*):[^/@]*@`)

// withoutPassword hides the password of a URL.
func withoutPassword(url string) string { return password.Get().ReplaceAllString(url, "${1}:***@") }

// address is the server's URL for messages.
func (s *Server) address() string {
	plain, _, _ := strings.Cut(withoutPassword(s.o.BaseURL), "?") // keys may follow
	return strings.TrimRight(plain, "/")
}
