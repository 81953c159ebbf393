package client

import (
	"net/url"
	"strings"

	"loadgen/internal/lazy"
)

// secret matches the names of query parameters whose values are not to be shown.
var secret = lazy.Regexp(`(?i)^(.*[-_.])?(key|apikey|token|secret|password|passwd|pwd|sig|signature|auth|authorization|code|credential|credentials)$`)

// userInfo matches the beginning of a URL, with a scheme or without, up to its user's end.
var userInfo = lazy.Regexp(`^((?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//)?([^/?#]*)@`)

// masked stands for what is not shown.
const masked = "***"

// Redact returns a URL, or a request target, without its password and without the
// values of query parameters that look like keys: what may be shown and stored.
func Redact(text string) string {
	if at := userInfo().FindStringSubmatch(text); at != nil && !strings.HasPrefix(text, "unix:") {
		if user, _, secret := strings.Cut(at[2], ":"); secret {
			text = at[1] + user + ":" + masked + "@" + text[len(at[0]):]
		}
	}
	path, query, found := strings.Cut(text, "?")
	if !found {
		return text
	}
	query, fragment, hasFragment := strings.Cut(query, "#")
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil || secret().MatchString(plain) {
			parts[i] = name + "=" + masked
		}
	}
	text = path + "?" + strings.Join(parts, "&")
	if hasFragment {
		text += "#" + fragment
	}
	return text
}

// RedactHeader returns a header's value as it may be shown: that of a header that
// may carry a key is masked but for its scheme.
func RedactHeader(name, value string) string {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, "authorization"):
		scheme, key, found := strings.Cut(value, " ")
		switch {
		case found && (key == "None" || key == ""): // what is sent without a key
			return value
		case found:
			return scheme + " " + masked
		}
		return masked
	case secretHeader().MatchString(lower) || secret().MatchString(lower):
		return masked
	}
	return value
}

var secretHeader = lazy.Regexp(`cookie|key|token|secret|auth|password|credential`)

// secretsOf are the passwords and keys that requests carry, in clear: of the URL, its query
// and the header. Short ones are left out, as they may be words of any text.
func (a address) secretsOf(o *Options) (secrets []string) {
	add := func(values ...string) {
		for _, v := range values {
			if len(v) >= 6 {
				secrets = append(secrets, v)
			}
		}
	}
	if o.APIKey != nil {
		add(*o.APIKey)
	}
	if key, ok := a.base.User.Password(); ok {
		add(key, strings.TrimPrefix(a.auth, "Basic "))
	}
	for _, raw := range []string{a.base.RawQuery, afterQuestionMark(o.Endpoint)} {
		for _, part := range strings.Split(raw, "&") {
			name, value, _ := strings.Cut(part, "=")
			if plain, err := url.QueryUnescape(name); err != nil || secret().MatchString(plain) {
				add(value)
				if plain, err := url.QueryUnescape(value); err == nil && plain != value {
					add(plain)
				}
			}
		}
	}
	for _, h := range o.Header {
		if RedactHeader(h[0], h[1]) != h[1] {
			_, key, found := strings.Cut(h[1], " ")
			if !found {
				key = h[1]
			}
			add(key)
		}
	}
	return secrets
}

func afterQuestionMark(text string) string {
	_, query, _ := strings.Cut(text, "?")
	return query
}
