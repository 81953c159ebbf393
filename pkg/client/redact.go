package client

import (
	"net/url"
	"slices"
	"strings"

	"loadgen/internal/lazy"
	"loadgen/internal/pyjson"
)

// secret matches names whose values are not to be shown: of query parameters, and of keys
// in bodies.
var secret = lazy.Regexp(`(?i:^(.*[-_.])?((api|access|auth|secret|private|refresh|id)?(key|token)|secret|password|passwd|passphrase|pwd|sig|signature|auth|authorization|bearer|jwt|code|credential|credentials)$)|[a-z0-9](Key|Token|Secret|Password|Credentials?)$`)

// userInfo matches the beginning of a URL, with a scheme or without, up to its user's end.
var userInfo = lazy.Regexp(`^((?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//)?([^/?#]*)@`)

// masked stands for what is not shown.
const masked = "***"

// Redact returns a URL, or a request target, without its password, its fragment and the
// values of query parameters that look like keys: what may be shown and stored. A user
// without a password is masked, too.
func Redact(text string) string {
	if at := userInfo.Get().FindStringSubmatch(text); at != nil && !strings.HasPrefix(text, "unix:") {
		user, _, found := strings.Cut(at[2], ":")
		switch {
		case found:
			text = at[1] + user + ":" + masked + "@" + text[len(at[0]):]
		case at[1] != "": // without a password it may be a key
			text = at[1] + masked + "@" + text[len(at[0]):]
		}
	}
	if before, _, found := strings.Cut(text, "#"); found && strings.Contains(before, "/") && !strings.HasPrefix(text, "unix:") {
		text = before + "#" + masked
	}
	path, query, found := strings.Cut(text, "?")
	if !found {
		return text
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil || secret.Get().MatchString(plain) {
			parts[i] = name + "=" + masked
		}
	}
	return path + "?" + strings.Join(parts, "&")
}

// RedactHeader returns a header's value as it may be shown. Whatever may carry a key is
// masked, but for its scheme: all headers but a few.
func RedactHeader(name, value string) string {
	lower := strings.ToLower(name)
	switch {
	case slices.Contains(plainHeaders, lower):
		return value
	case strings.HasSuffix(lower, "authorization"):
		scheme, key, found := strings.Cut(value, " ")
		switch {
		case found && (key == "None" || key == ""): // what is sent without a key
			return value
		case found:
			return scheme + " " + masked
		}
	}
	return masked
}

// plainHeaders carry no keys.
var plainHeaders = []string{"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "connection", "content-encoding", "content-length", "content-type",
	"expect", "host", "pragma", "traceparent", "transfer-encoding", "user-agent"}

// RedactJSON returns a JSON object, such as a body or its patch, in which the values of
// keys that look like a secret's are masked. What is no JSON object is masked whole.
func RedactJSON(text string) string {
	object, err := parsePatch(text)
	if err != nil {
		return masked
	}
	found := false
	out := withoutSecrets(object, false, func(string) { found = true })
	if !found {
		return text // as it was written
	}
	return string(pyjson.Append(nil, out))
}

// withoutSecrets returns a JSON value in which the texts and numbers under keys that look
// like a secret's are masked, and calls found with each.
func withoutSecrets(v any, named bool, found func(string)) any {
	switch v := v.(type) {
	case pyjson.Object:
		out := pyjson.Object{}
		for _, m := range v {
			out.Set(m.Key, withoutSecrets(m.Value, secret.Get().MatchString(m.Key), found))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = withoutSecrets(one, named, found)
		}
		return out
	case string:
		if named {
			found(v)
			return masked
		}
	case pyjson.Raw:
		if named {
			found(string(v))
			return masked
		}
	}
	return v
}
