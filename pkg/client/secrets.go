package client

import (
	"bytes"
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/pyjson"
	"loadgen/internal/wire"
)

// secrets are the passwords and keys that requests carry, each in the forms in which a
// server may repeat it, longest first.
type secrets []string

// leastSecret is the length of the shortest secret that is looked for, in bytes: shorter ones
// may be words of any text. leastPiece is that of a secret's beginning before a cut.
const leastSecret, leastPiece = 6, 4

// secretsOf are those of the URL, its query and fragment, the header and the body's patch.
func (a address) secretsOf(o *Options) secrets {
	var found secrets
	if o.APIKey != nil {
		found.add(*o.APIKey)
	}
	if user := a.base.User; user != nil {
		key, hasPassword := user.Password()
		if !hasPassword {
			key = user.Username()
		}
		found.add(key, strings.TrimPrefix(a.auth, "Basic "))
	}
	found.add(a.base.Fragment)
	for _, raw := range []string{a.base.RawQuery, afterQuestionMark(o.Endpoint)} {
		for _, part := range strings.Split(raw, "&") {
			name, value, _ := strings.Cut(part, "=")
			if plain, err := url.QueryUnescape(name); err != nil || secret.Get().MatchString(plain) {
				found.add(value)
				if plain, err := url.QueryUnescape(value); err == nil {
					found.add(plain)
				}
			}
		}
	}
	for _, h := range o.Header {
		if RedactHeader(h[0], h[1]) != h[1] {
			found.addHeader(h[1])
		}
	}
	if patch, err := parsePatch(o.BodyPatch); err == nil {
		withoutSecrets(patch, false, func(key string) { found.add(key) })
	}
	slices.SortStableFunc(found, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return slices.Compact(found)
}

// HideURL returns a message about a URL without that URL's secrets, whichever way a server
// repeats them.
func HideURL(message, raw string) string {
	message = strings.ReplaceAll(message, raw, Redact(raw))
	u, err := url.Parse(raw)
	if err != nil {
		return message
	}
	return address{base: u, auth: wire.BasicAuth(u)}.secretsOf(&Options{}).mask(message)
}

func afterQuestionMark(text string) string {
	_, query, _ := strings.Cut(text, "?")
	return query
}

// add adds secrets as they are, and as JSON, Go and URLs write them.
func (s *secrets) add(values ...string) {
	for _, v := range values {
		inJSON := pyjson.AppendString(nil, v)
		for _, form := range []string{v, string(inJSON[1 : len(inJSON)-1]), strings.Trim(strconv.Quote(v), `"`), url.QueryEscape(v), url.PathEscape(v)} {
			if len(v) >= leastSecret && !slices.Contains(*s, form) {
				*s = append(*s, form)
			}
		}
	}
}

// addHeader adds a header's value: what follows its scheme, and the parts that may be keys
// by themselves, such as those of a Cookie.
func (s *secrets) addHeader(value string) {
	s.add(value)
	if _, key, found := strings.Cut(value, " "); found {
		s.add(key)
	}
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t;,", r) }) {
		if _, v, found := strings.Cut(part, "="); found && len(strings.Trim(v, "=")) > 0 {
			part = v
		}
		if part = strings.Trim(part, `"`); len(part) >= 8 {
			s.add(part)
		}
	}
}

// hide masks what a server repeats of them: in its messages, and in what it says of itself.
// The texts that it generates stay as they are.
func (s secrets) hide(r *Result) {
	if len(s) == 0 {
		return
	}
	for _, text := range []*string{&r.Reason, &r.Location, &r.ContentType, &r.ContentEncoding, &r.Model, &r.ID, &r.FinishReason} {
		*text = s.mask(*text)
	}
	r.Body = s.maskBytes(r.Body)
	if d := r.Details; d != nil {
		d.CtxRequestID, d.Metrics = s.mask(d.CtxRequestID), s.maskBytes(d.Metrics)
		for i := range d.OddCounts {
			d.OddCounts[i].Value = s.mask(d.OddCounts[i].Value)
		}
		for i := range d.Choices {
			d.Choices[i].FinishReason = s.mask(d.Choices[i].FinishReason)
		}
	}
	if r.Err == nil {
		return
	}
	if message := s.mask(r.Err.Message); message != r.Err.Message {
		e := *r.Err
		e.Message = message
		r.Err = &e
	}
}

// maskBytes is mask of bytes.
func (s secrets) maskBytes(text []byte) []byte {
	for _, key := range s {
		text = bytes.ReplaceAll(text, []byte(key), []byte(masked))
	}
	end := string(text[max(0, len(text)-len(s[0])):])
	if n := s.piece(end); n > 0 {
		text = append(text[:len(text)-n:len(text)-n], masked...)
	}
	return text
}

// mask masks all of them in a text, and the beginning of one where the text was cut.
func (s secrets) mask(text string) string {
	for _, key := range s {
		text = strings.ReplaceAll(text, key, masked)
	}
	const cut = "..."
	parts := strings.Split(text, cut)
	for i, part := range parts {
		if n := s.piece(part); n > 0 {
			parts[i] = part[:len(part)-n] + masked
		}
	}
	return strings.Join(parts, cut)
}

// piece is the length of the longest beginning of a secret that a text ends with, 0 for none.
func (s secrets) piece(text string) (longest int) {
	for _, key := range s {
		for n := min(len(key)-1, len(text)); n >= max(leastPiece, longest+1); n-- {
			if strings.HasSuffix(text, key[:n]) {
				longest = n
			}
		}
	}
	return longest
}
