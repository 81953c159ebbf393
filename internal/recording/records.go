package recording

import (
	"encoding/json"

	"loadgen/internal/breakdown"
	"loadgen/internal/prom"
)

// Records says whether the server's records are to be read, and where: from its endpoint, or,
// where it has none, from the files that it writes to a directory. In JSON it is false, true,
// or the directory.
type Records struct {
	Asked bool
	Dir   string // "" for the endpoint alone
}

func (r Records) plain() any {
	if r.Dir != "" {
		return r.Dir
	}
	return r.Asked
}

// MarshalJSON writes false, true, or the directory.
func (r Records) MarshalJSON() ([]byte, error) { return json.Marshal(r.plain()) }

// UnmarshalJSON reads what MarshalJSON has written.
func (r *Records) UnmarshalJSON(text []byte) error {
	*r = Records{}
	if len(text) > 0 && text[0] == '"' {
		r.Asked = true
		return json.Unmarshal(text, &r.Dir)
	}
	return json.Unmarshal(text, &r.Asked)
}

// Wanted is what the settings say of the server's records: the two that ask for them share a
// directory.
func (s *Settings) Wanted() Records {
	r := s.TimeBreakdown
	if r.Asked = r.Asked || s.ServerMetrics.Asked; r.Dir == "" {
		r.Dir = s.ServerMetrics.Dir
	}
	return r
}

// Server is what a server noted of a run.
type Server struct {
	// Source is where the requests' records are from: the path of a route, or a directory.
	Source   string             `json:"source,omitempty"`
	Requests []breakdown.Record `json:"requests"`
	// Iterations counts the engine's steps, and PeakActive is the most requests in one.
	Iterations int `json:"iterations"`
	PeakActive int `json:"peak_active"`
	// Exposition are its Prometheus metrics, nil where it has none.
	Exposition *Exposition `json:"exposition,omitempty"`
	// Raw is what the route answered, a JSON array; it is not kept on disk.
	Raw []byte `json:"-"`
}

// Exposition is what a server's Prometheus metrics said before and after a run.
type Exposition struct {
	Route  string       `json:"route"`
	Before prom.Reading `json:"before"`
	After  prom.Reading `json:"after"`
}
