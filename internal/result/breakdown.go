package result

// TimeBreakdown is where TTFT went, by request.
type TimeBreakdown struct {
	// Source is where the server's times are from: a route, a directory, or "answers".
	Source string `json:"source"`
	// Records is the number of records that the server gave.
	Records int `json:"records" unit:"requests"`
	// Requests is the number of successes, of which the rest is.
	Requests int `json:"requests" unit:"requests"`
	// InAnswer is the number of requests whose answer carried the server's times.
	InAnswer int `json:"in_answer" unit:"requests"`
	// ByID is the number of requests that were matched to a record by id.
	ByID int `json:"joined_by_id" unit:"requests"`
	// ByOrder is the number of requests that were matched by order of arrival and by time.
	ByOrder int `json:"joined_by_order" unit:"requests"`
	// Unjoined is the number of requests without a record: only client_send is known of them.
	Unjoined int `json:"not_joined" unit:"requests"`
	// Excess is by how much the spans of a request exceed its TTFT at most: 0 unless the
	// server's times contradict the client's.
	Excess float64 `json:"max_excess_ms" unit:"ms"`
	// TTFTBound is the measurement error of TTFT, and so of network, which is what remains.
	TTFTBound float64 `json:"ttft_error_ms" unit:"ms" from:"client's measurements"`
	// P99Request is the index of the request whose TTFT is the 99th percentile.
	P99Request int `json:"p99_request"`
	// P99TTFT is its TTFT.
	P99TTFT float64 `json:"p99_ttft_ms" unit:"ms"`
	// Spans are the parts of TTFT in the order in which they pass.
	Spans []TimeSpan `json:"spans"`
	// Original are the spans that time_breakdown prints, over all records.
	Original []OriginalSpan `json:"original"`
	// Index are the requests' places in the plan.
	Index []int `json:"request_index"`
	// TTFT are their TTFTs.
	TTFT []float64 `json:"request_ttft_ms" unit:"ms"`
}

// TimeSpan is a part of TTFT.
type TimeSpan struct {
	// Key is its name: client_send, network, server, unknown, or time_breakdown's.
	Key string `json:"span"`
	// Label is its name for people.
	Label string `json:"label"`
	// Requests is the number of requests for which it is known.
	Requests int `json:"requests" unit:"requests"`
	// Mean is the arithmetic mean over them.
	Mean float64 `json:"mean_ms" unit:"ms"`
	// Median is the 50th percentile.
	Median float64 `json:"median_ms" unit:"ms"`
	// P75 is the 75th percentile.
	P75 float64 `json:"p75_ms" unit:"ms"`
	// P99 is the 99th percentile.
	P99 float64 `json:"p99_ms" unit:"ms"`
	// OfP99 is that of p99_request, null where it is not known.
	OfP99 *float64 `json:"of_p99_request_ms" unit:"ms"`
	// Each are those of all requests, null where it is not known.
	Each []*float64 `json:"each_ms" unit:"ms"`
}

// OriginalSpan is a span under the name that NVIDIA's tools give it.
type OriginalSpan struct {
	// Name is its name.
	Name string `json:"span"`
	// Records is the number of records, chunks or steps for which it is known.
	Records int `json:"records"`
	// Mean is the arithmetic mean.
	Mean float64 `json:"mean_ms" unit:"ms"`
	// Median is the 50th percentile.
	Median float64 `json:"median_ms" unit:"ms"`
	// P75 is the 75th percentile.
	P75 float64 `json:"p75_ms" unit:"ms"`
	// P99 is the 99th percentile.
	P99 float64 `json:"p99_ms" unit:"ms"`
}
