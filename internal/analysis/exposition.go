package analysis

import (
	"fmt"
	"math"

	"loadgen/internal/judge"
	"loadgen/internal/prom"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/metrics"
)

// exposition sets what the server's Prometheus metrics counted during the run against what
// the client has, and finds where the two contradict each other.
func (a *Analysis) exposition(rec *recording.Recording) {
	if rec.Server == nil || rec.Server.Exposition == nil {
		return
	}
	e := rec.Server.Exposition
	changes := e.After.Since(e.Before)
	if len(changes) == 0 {
		return
	}
	a.Exposition = &result.Exposition{Server: e.After.Server, Route: e.Route}
	for _, c := range changes {
		a.Exposition.Metrics = append(a.Exposition.Metrics, a.quantity(rec, c))
	}
	a.contradictions(changes, !rec.Settings.NoTestInput)
}

// quantity is a row: the server's value, and the client's where it has one.
func (a *Analysis) quantity(rec *recording.Recording, c prom.Change) result.ServerQuantity {
	row := result.ServerQuantity{Quantity: c.Quantity.Key(), Name: c.Name, Unit: "tokens", Server: c.Count, Count: c.Count}
	var client float64
	const ahead = "connecting, sending, the network, and what waits in front of the server's clock are in the client's alone"
	latency := func(m metrics.Metric) float64 {
		if a.Summary.Latency[m].Mean <= 0 || rec.Settings.NonStreaming && m != metrics.E2EL {
			return math.NaN()
		}
		return 1e3 * a.Summary.Latency[m].Mean
	}
	if c.Quantity.Timed() {
		row.Unit, row.Server = "ms", 1e3*c.Mean
	}
	switch c.Quantity {
	case prom.Requests:
		row.Unit, client = "requests", float64(a.Summary.Completed)
	case prom.Prompt:
		client = float64(a.Counts.Server.Prompt)
	case prom.Generation:
		client = float64(a.Summary.OutputTokens)
	case prom.Cached:
		client = float64(a.Counts.Server.Cached)
		row.Text = "some servers count whole blocks that were looked up, not what they saved"
	case prom.TTFT:
		client, row.Text = latency(metrics.TTFT), ahead
	case prom.E2EL:
		client, row.Text = latency(metrics.E2EL), ahead
	case prom.TPOT:
		client, row.Text = latency(metrics.TPOT), "the means of both differ where outputs differ in length; chunks that came late or together are in the client's alone"
		if c.PerToken() {
			client, row.Text = latency(metrics.ITL), "the server's is between tokens, the client's between chunks"
		}
	default:
		client = math.NaN()
		row.Text = "part of the client's TTFT"
	}
	if c.Quantity == prom.Prompt && a.Counts.Server.Requests < a.Summary.Completed {
		client = math.NaN() // the answers did not all say
	}
	if c.Quantity.Timed() && c.Count == 0 {
		client = math.NaN()
	}
	if !math.IsNaN(client) {
		row.Client, row.Difference = &client, new(client-row.Server)
	}
	return row
}

// contradictions are findings: what cannot be so if both sides measured the same requests. The
// server may have counted the test request only after the run had begun.
func (a *Analysis) contradictions(changes []prom.Change, tested bool) {
	found := func(code, text string, figures ...pyjson.Member) {
		a.Findings = append(a.Findings, judge.Finding{Code: code, Text: text, Figures: figures})
	}
	completed, sent, late := a.Summary.Completed, a.Sent, 0
	if tested {
		late = 1
	}
	c, ok := prom.Find(changes, prom.Requests)
	switch {
	case ok && sent < int(c.Count) && int(c.Count) <= sent+late:
		return // the rest has the test request in it
	case ok && (int(c.Count) < completed || int(c.Count) > sent):
		why := "others used it during the run, so the load was not this run's alone, and its times and tokens are not those of this run"
		if int(c.Count) < completed {
			why = "its metrics are those of one of several servers, or lag behind"
		}
		found("server_counts_requests", fmt.Sprintf("the server counts %.0f requests during the run, and %d of %d sent succeeded: %s", c.Count, completed, sent, why),
			pyjson.Member{Key: "server", Value: c.Count}, pyjson.Member{Key: "completed", Value: completed}, pyjson.Member{Key: "sent", Value: sent})
		return // of other requests, the rest says nothing
	}
	if completed == sent {
		a.tokensContradict(changes, found)
	}
	c, ok = prom.Find(changes, prom.TTFT)
	mean := a.Summary.Latency[metrics.TTFT].Mean
	if bound := a.Budget.Bounds[metrics.TTFT].Most() + excessAllowed; ok && int(c.Count) == completed && mean > 0 && c.Mean > mean+bound {
		found("server_ttft_exceeds", fmt.Sprintf("the server's own mean TTFT is %.4g ms, longer than the client's %.4g ms, which includes it: the server's clock begins before the request is there, or it counts another first token", 1e3*c.Mean, 1e3*mean),
			pyjson.Member{Key: "server", Value: c.Mean}, pyjson.Member{Key: "client", Value: mean}, pyjson.Member{Key: "bound", Value: bound})
	}
}

// tokensApart is by which share two counts of the same tokens may differ.
const tokensApart = 0.005

// tokensContradict compares the tokens of a run without failures.
func (a *Analysis) tokensContradict(changes []prom.Change, found func(code, text string, figures ...pyjson.Member)) {
	for _, one := range []struct {
		quantity prom.Quantity
		client   int
		counted  bool
		what     string
	}{
		{prom.Prompt, a.Counts.Server.Prompt, a.Counts.Server.Requests == a.Summary.Completed, "prompt tokens"},
		{prom.Generation, a.Summary.OutputTokens, true, "generated tokens"},
	} {
		c, ok := prom.Find(changes, one.quantity)
		if !ok || !one.counted || math.Abs(c.Count-float64(one.client)) <= max(1, tokensApart*float64(one.client)) {
			continue
		}
		found("server_counts_tokens", fmt.Sprintf("the server's metrics count %.0f %s during the run, and its answers add up to %d: throughput in tokens differs by as much", c.Count, one.what, one.client),
			pyjson.Member{Key: "quantity", Value: one.quantity.Key()}, pyjson.Member{Key: "server", Value: c.Count}, pyjson.Member{Key: "client", Value: one.client})
	}
}
