package compare

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"loadgen/internal/lazy"
	"loadgen/internal/outfile"
	"loadgen/pkg/client"
)

// hidden stands for a secret in all that is shown or saved.
const hidden = "***"

// masked is the plan without its secrets: values of environment variables, of headers,
// and what looks like a secret on command lines.
func (p *Plan) masked(b Bench) *Plan {
	out := *p
	out.Flags = b.Mask(p.Flags)
	out.Servers = slices.Clone(p.Servers)
	for i := range out.Servers {
		s := &out.Servers[i]
		s.URL, s.Start, s.Exec, s.Flags = client.Redact(s.URL), MaskWords(s.Start), MaskWords(s.Exec), b.Mask(s.Flags)
		s.Env = maps.Clone(s.Env)
		for key := range s.Env {
			s.Env[key] = hidden
		}
	}
	return &out
}

var (
	passwordInURL = lazy.Regexp(`([A-Za-z][A-Za-z0-9+.-]*://[^/@:\s]*):[^/@\s]+@`)
	keyInURL      = lazy.Regexp(`(https?://)[^/@:\s]+@`) // a user without a password
)

// maskURL hides the password of a URL, or a key in its place, wherever in a text it is.
func maskURL(text string) string {
	text = passwordInURL.Get().ReplaceAllString(text, "${1}:"+hidden+"@")
	return keyInURL.Get().ReplaceAllString(text, "${1}"+hidden+"@")
}

var (
	assignment   = lazy.Regexp(`^([A-Za-z_][A-Za-z0-9_]*)=.`)
	envOption    = lazy.Regexp(`^(-e|--env=)([A-Za-z_][A-Za-z0-9_]*)=.`)
	secretOption = lazy.Regexp(`(?i)^(--?(?:[a-z0-9]+[-_])*(?:api-?key|key|token|secret|password|passwd|credentials?))(=.*)?$`)
	// secretInText is an assignment within a word, as in sh -c 'HF_TOKEN=x serve'.
	secretInText = lazy.Regexp(`(?i)\b([a-z0-9_-]*(?:key|token|secret|password|passwd|credentials?))=('[^']*'|"[^"]*"|[^\s'"]+)`)
	// headerInText is a header, or a member of JSON, within a word.
	headerInText = lazy.Regexp(`(?i)\b([a-z0-9_-]*(?:key|token|secret|password|passwd|credentials?|authorization|cookie)["']?\s*:\s*["']?)[^'"\n,}]+`)
	header       = lazy.Regexp(`^([A-Za-z0-9-]+:\s*).`)
)

// MaskWords hides what may be a secret on a command line: variables that are set for a
// container or by env, values of options whose names say so, headers, passwords in URLs.
func MaskWords(words []string) []string {
	out := make([]string, len(words))
	before, assigning := "", true
	for i, word := range words {
		masked := secretInText.Get().ReplaceAllString(maskURL(word), "${1}="+hidden)
		masked = headerInText.Get().ReplaceAllString(masked, "${1}"+hidden)
		name, option := assignment.Get().FindStringSubmatch(word), envOption.Get().FindStringSubmatch(word)
		switch {
		case name != nil && (assigning || before == "-e" || before == "--env"):
			masked = name[1] + "=" + hidden
		case option != nil:
			masked = option[1] + option[2] + "=" + hidden
		case secretOption.Get().MatchString(before) && !strings.Contains(before, "=") && !strings.HasPrefix(word, "-"):
			masked = hidden
		case before == "-H" || before == "--header":
			if m := header.Get().FindStringSubmatch(word); m != nil {
				masked = m[1] + hidden
			}
		}
		assigning = assigning && (name != nil || word == "env") || word == "env"
		out[i], before = masked, word
	}
	return out
}

// isMasked returns an error if a command has a value that MaskWords hid.
func (s *Server) isMasked() error {
	for key, words := range map[string][]string{"start": s.Start, "exec": s.Exec} {
		for _, word := range words {
			if strings.Contains(word, hidden) {
				return fmt.Errorf("%s: a value in %q is masked: a plan saved with results holds no secrets", key, word)
			}
		}
	}
	return nil
}

// isMasked returns an error if a value of the flags is masked.
func (f Flags) isMasked() error {
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if strings.Contains(fmt.Sprint(f.values[name]), hidden) {
			return fmt.Errorf("flags: a value of %s is masked: a plan saved with results holds no secrets", name)
		}
	}
	return nil
}

// digest identifies a server's configuration: how and where it is started, and what the
// run's settings say of it.
func (s Server) digest(key string, identity []any) string {
	s.Flags, s.Label, s.Dir, s.Ready, s.Stop = Flags{}, "", "", Ready{}, Stop{}
	return Digest(key, s, identity)
}

// Digest identifies what a run was made against. Without the key, nothing can be learnt from it.
func Digest(key string, of ...any) string {
	text, err := yaml.Marshal(of)
	if err != nil {
		return "" // that of no result
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(text)
	return fmt.Sprintf("hmac-sha256:%x", mac.Sum(nil))
}

// SavedName is the name under which the effective plan is saved with its results.
const SavedName = "compare.yaml"

// ReadSaved reads the plan that is saved with results. Its secrets are masked.
func ReadSaved(dir string) (*Plan, error) {
	text, err := os.ReadFile(filepath.Join(dir, SavedName))
	if err != nil {
		return nil, err
	}
	return parse(text)
}

// takeKey makes the resume key that of the results which are there, else a new one.
func (p *Plan) takeKey() {
	if saved, err := ReadSaved(p.Results); err == nil && saved.ResumeKey != "" {
		p.ResumeKey = saved.ResumeKey
	} else {
		p.ResumeKey = rand.Text()
	}
}

// save writes the plan, without its secrets, into the results' directory: whole or not at
// all, and for its owner alone, as it holds the key.
func (p *Plan) save(b Bench) error {
	text, err := yaml.Marshal(p.masked(b))
	if err != nil {
		return err
	}
	return outfile.WritePrivate(filepath.Join(p.Results, SavedName), text)
}
