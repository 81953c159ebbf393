package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// apiKey is the key that requests carry, nil for none: the file's, else the environment's.
func (b *Bench) apiKey() (*string, error) {
	if b.s.APIKeyFile != nil {
		key, err := readKey(*b.s.APIKeyFile)
		if err != nil {
			return nil, wrong("api_key_file", err.Error())
		}
		return &key, nil
	}
	key, set := b.o.Env("OPENAI_API_KEY")
	switch {
	case !set: // empty is not the same as unset
		return nil, nil
	case strings.ContainsFunc(key, unicode.IsControl):
		return nil, errors.New("OPENAI_API_KEY holds a line break or another control character, which no header can carry; expected the API key alone")
	}
	return &key, nil
}

// CheckFiles returns what is wrong with the files that the settings name, but for the data set's:
// an API key, certificates, and a tokenizer that no hub could have. They are read again when
// they are needed.
func CheckFiles(s *recording.Settings, lookup func(string) (string, bool)) error {
	env := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	if s.APIKeyFile != nil {
		if _, err := readKey(*s.APIKeyFile); err != nil {
			return wrong("api_key_file", err.Error())
		}
	}
	if err := tlsOf(s).Check(); err != nil {
		return err
	}
	name := recording.Text(s.Tokenizer)
	if name == "" || couldBeOnHub(name) {
		return nil
	}
	if _, err := FindTokenizer(s, recording.Text(s.Model), env); err != nil && !(OnlyIDs(s) && isMissing(err)) {
		return err
	}
	return nil
}

// tlsOf are the settings of TLS.
func tlsOf(s *recording.Settings) client.TLS {
	return client.TLS{CAFile: recording.Text(s.CACert), CertFile: recording.Text(s.ClientCert),
		KeyFile: recording.Text(s.ClientKey), Insecure: s.Insecure}
}

// readKey reads a file that holds a key and nothing else. Its errors do not show what is
// in the file.
func readKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	var why *fs.PathError
	if errors.As(err, &why) {
		err = why.Err
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the API key from %s: %w", path, err)
	}
	key := strings.TrimSpace(strings.TrimPrefix(string(text), "\uFEFF"))
	switch {
	case key == "":
		return "", fmt.Errorf("%s is empty; expected the API key", path)
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return "", fmt.Errorf("%s holds more than one word; expected the API key alone", path)
	}
	return key, nil
}

// noteAccess reports what is odd in how the server is reached.
func (b *Bench) noteAccess() {
	if b.s.Insecure && strings.HasPrefix(strings.ToLower(b.o.BaseURL), "https:") {
		b.keep(recording.Note{Code: "insecure", Hint: "insecure",
			Text: "the server's certificate was not checked, so another server may have answered in its place"})
	}
	if path := b.client.IgnoredEndpoint(); path != "" && path != recording.Defaults().Endpoint {
		b.say(recording.Note{Code: "endpoint_ignored", Hint: "endpoint",
			Text: fmt.Sprintf("requests go to %s and not to %s, which is no path of chat completions", b.client.RequestURL(), client.Redact(path))})
	}
}
