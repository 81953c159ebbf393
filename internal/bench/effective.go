package bench

import (
	"strings"

	"loadgen/internal/recording"
)

// Effective are the settings of the run after what was assumed; secrets are masked.
func (b *Bench) Effective() recording.Settings {
	s := *b.s
	url := WithoutPassword(b.o.BaseURL)
	s.BaseURL, s.Model = &url, nil
	if b.model != "" {
		s.Model = &b.model
	}
	switch {
	case b.tokenizer != nil:
		s.Tokenizer = &b.tokenizer.Name
	case b.s.Tokenizer == nil && b.model != "":
		s.Tokenizer = &b.model
	}
	if s.Header != nil {
		lines := make([]string, len(*s.Header))
		for i, h := range recording.Headers(*s.Header) {
			lines[i] = h[0] + ":" + Masked(h[0], h[1])
		}
		s.Header = &lines
	}
	return s
}

// WithoutPassword hides the password of a URL.
func WithoutPassword(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	user, host, found := strings.Cut(rest, "@")
	name, _, secret := strings.Cut(user, ":")
	if !ok || !found || !secret || strings.Contains(user, "/") {
		return text
	}
	return scheme + "://" + name + ":***@" + host
}

// Masked is a header's value, hidden where it holds a secret.
func Masked(name, value string) string {
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
