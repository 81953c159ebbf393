package analysis

import (
	"encoding/json"

	"loadgen/internal/recording"
)

// asked is what a run's body patch makes of the lengths that its requests ask for.
type asked struct {
	patched bool
	tokens  int // the limit on output tokens then, 0 for none
	bestOf  int // choices that are generated for each answer, 0 where the patch does not say
}

func askedOf(s *recording.Settings) (a asked) {
	var patch map[string]any
	if json.Unmarshal([]byte(recording.Text(s.BodyPatch)), &patch) != nil {
		return a
	}
	keys := []string{"max_tokens"}
	if s.Chat() {
		keys = []string{"max_completion_tokens", "max_tokens"} // the former counts where both are
	}
	for _, key := range keys {
		value, ok := patch[key]
		if !ok {
			break
		}
		a.patched = true
		if n, ok := value.(float64); ok && n > 0 && n < 1<<31 {
			a.tokens = int(n)
			break
		}
	}
	if n, ok := patch["best_of"].(float64); ok && 0 < n && n < 1<<20 {
		a.bestOf = int(n)
	}
	return a
}

// of is how many tokens a request asks for that was planned with some.
func (a asked) of(planned int) int {
	if a.patched {
		return a.tokens
	}
	return planned
}
