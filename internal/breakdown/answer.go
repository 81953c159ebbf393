package breakdown

import (
	"encoding/json"

	"loadgen/pkg/client"
)

// inAnswer reads the metrics object that vLLM sends with an answer. It has the time to the
// first token as the server has it, and of that the queue; the rest is not itemized.
func inAnswer(r *client.Result) ([]link, bool) {
	if r.Details == nil || len(r.Details.Metrics) == 0 {
		return nil, false
	}
	var m struct {
		First *float64 `json:"time_to_first_token_ms"`
		Queue *float64 `json:"queue_time_ms"`
	}
	if json.Unmarshal(r.Details.Metrics, &m) != nil || m.First == nil || *m.First < 0 {
		return nil, false
	}
	const origin = 1 // of a clock that begins when the request arrives; 0 is not an instant
	at := origin + *m.First/1e3
	if m.Queue == nil || *m.Queue < 0 || *m.Queue > *m.First {
		return []link{{at: origin}, {Server, at}}, true
	}
	return []link{{at: origin}, {Queue, origin + *m.Queue/1e3}, {Server, at}}, true
}
