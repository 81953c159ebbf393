package bench

import (
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// Effective are the settings of the run after what was assumed; secrets are masked.
func (b *Bench) Effective() recording.Settings {
	s := *b.s
	url := client.RedactURLs(b.o.BaseURL)
	s.BaseURL, s.Endpoint, s.Model = &url, client.Redact(s.Endpoint), nil
	if b.model != "" {
		s.Model = &b.model
	}
	switch {
	case s.VocabSize != nil && OnlyIDs(&s):
		s.Tokenizer = nil // none is read
	case b.tokenizerName != "":
		s.Tokenizer = &b.tokenizerName
	case b.s.Tokenizer == nil && b.model != "":
		s.Tokenizer = &b.model
	}
	if s.GPUMetrics != nil {
		url := client.Redact(*s.GPUMetrics)
		s.GPUMetrics = &url
	}
	if s.BodyPatch != nil && *s.BodyPatch != "" {
		patch := client.RedactJSON(*s.BodyPatch)
		s.BodyPatch = &patch
	}
	if s.Header != nil {
		lines := make([]string, len(*s.Header))
		for i, h := range recording.Headers(*s.Header) {
			lines[i] = h[0] + ":" + client.RedactHeader(h[0], h[1])
		}
		s.Header = &lines
	}
	return s
}
