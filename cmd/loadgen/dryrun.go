package main

import (
	"bufio"
	"strings"

	"loadgen/internal/pyjson"
)

// printSettings prints the dry run's first line: the arguments as parsed and
// what the run would use.
func (p *plan) printSettings() {
	line := pyjson.Object{
		{Key: "args", Value: p.cfg.namespace()},
		{Key: "effective", Value: p.effective()},
	}
	p.s.out.Write(append(pyjson.Append(nil, line), '\n'))
}

// effective is every setting of the run, after what was assumed; secrets are masked.
func (p *plan) effective() pyjson.Object {
	var out pyjson.Object
	for _, f := range p.cfg.table {
		value := plain(f.bind(p.cfg))
		switch f.Name {
		case "--base-url":
			value = withoutPassword(p.baseURL)
		case "--model":
			value = nil
			if p.model != "" {
				value = p.model
			}
		case "--tokenizer":
			switch {
			case p.tok != nil:
				value = p.tok.Name
			case p.cfg.Tokenizer == nil && p.model != "":
				value = p.model
			}
		case "--header":
			if p.cfg.Header != nil {
				value = maskedLines(splitHeaders(*p.cfg.Header))
			}
		}
		out = append(out, pyjson.Member{Key: destination(f.Name), Value: value})
	}
	return out
}

// withoutPassword hides the password of a URL.
func withoutPassword(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	user, host, found := strings.Cut(rest, "@")
	name, _, secret := strings.Cut(user, ":")
	if !ok || !found || !secret || strings.Contains(user, "/") {
		return text
	}
	return scheme + "://" + name + ":***@" + host
}

// printRequests prints a line for each measured request, in order.
func (p *plan) printRequests() error {
	if err := p.cfg.checkAfterTest(); err != nil {
		return err
	}
	p.schedule()
	out := bufio.NewWriter(p.s.out)
	var line []byte
	for i, r := range p.requests {
		line = pyjson.Append(line[:0], pyjson.Object{
			{Key: "index", Value: i},
			{Key: "due_s", Value: plain(p.arrivals[i])},
			{Key: "method", Value: r.Method},
			{Key: "path", Value: r.Target},
			{Key: "headers", Value: maskedLines(r.Header)},
			{Key: "prompt_len", Value: r.PromptLen},
			{Key: "output_len", Value: r.OutputLen},
			{Key: "body", Value: string(r.Body)},
		})
		out.Write(append(line, '\n'))
	}
	return out.Flush()
}

func maskedLines(header [][2]string) []any {
	lines := make([]any, len(header))
	for i, h := range header {
		lines[i] = []string{h[0], masked(h[0], h[1])}
	}
	return lines
}

// masked hides the values of headers that hold secrets.
func masked(name, value string) string {
	name = strings.ToLower(name)
	switch {
	case name == "authorization", name == "proxy-authorization":
		if scheme, secret, found := strings.Cut(value, " "); found && secret != "None" && secret != "" {
			return scheme + " ***"
		} else if found {
			return value
		}
		return "***"
	case name == "cookie", strings.Contains(name, "key"), strings.Contains(name, "token"), strings.Contains(name, "secret"), strings.Contains(name, "auth"):
		return "***"
	}
	return value
}
