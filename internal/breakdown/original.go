package breakdown

import (
	"math"

	"loadgen/pkg/metrics"
)

// OriginalSpan is a span under the name that NVIDIA's tools give it, in seconds.
type OriginalSpan struct {
	Name  string
	Stats metrics.Stats // with Quantiles
	Count int
}

// Original are the spans of time_breakdown and of the performance tests that read them, in
// their order, those of which nothing is known left out. All records count, as there,
// whether they were joined with a request or not.
func Original(records []Record) (out []OriginalSpan) {
	add := func(name string, values []float64) {
		if len(values) > 0 {
			out = append(out, OriginalSpan{name, metrics.StatsOf(values, Quantiles), len(values)})
		}
	}
	spans := make([][]float64, Spans)
	var genQueue []float64
	var chunks, steps passes
	for i := range records {
		r := &records[i]
		all := chain(r)
		for k := 1; k < len(all); k++ {
			if a, b := all[k-1].at, all[k].at; a > 0 && b >= a {
				spans[all[k].span] = append(spans[all[k].span], b-a)
			}
		}
		if g := r.Generation; g != nil {
			if g.Arrival > 0 && g.Scheduled >= g.Arrival {
				genQueue = append(genQueue, g.Scheduled-g.Arrival)
			}
			steps.add(r.Steps, g.Scheduled, g.LastToken)
		} else {
			steps.add(r.Steps, 0, 0)
		}
		chunks.add(r.Chunks, r.Context.Scheduled, r.Context.FirstToken)
	}
	for s := FrontEnd; s <= Flush; s++ {
		add(names[s].original, spans[s])
	}
	for i, values := range chunks.values {
		add("chunk_"+passNames[i], values)
	}
	for i, values := range steps.values {
		add("step_"+passNames[i], values)
	}
	add("gen_preprocessing", spans[GenFrontEnd])
	add("gen_queue", genQueue)
	add("gen_postprocessing", spans[GenFlush])
	if len(spans[Transfer]) > 0 { // else the whole queue is known alone
		for _, s := range []Span{GenQueue, Transfer, GenSchedule} {
			add(names[s].original, spans[s])
		}
	}
	for _, s := range []Span{Router, Relay, RouterBack} {
		add(names[s].original, spans[s])
	}
	return out
}

// passNames are the spans of a pass of the engine, after the prefix of its kind.
var passNames = []string{"preprocessing", "forward", "update", "sample", "postprocessing", "gpu_forward", "gpu_sample"}

// passes collects the spans of passes.
type passes struct{ values [7][]float64 }

// add takes in the passes of one request. Their clock is another than the request's: the
// last pass ends when the request's last token of that kind is there, which ties them.
func (p *passes) add(all []Step, scheduled, ended float64) {
	put := func(i int, from, to float64) {
		if from > 0 && to > 0 {
			p.values[i] = append(p.values[i], to-from)
		}
	}
	for i, s := range all {
		switch last := all[len(all)-1].Token; {
		case i > 0:
			put(0, all[i-1].Token, s.ForwardStart)
		case scheduled > 0 && ended > 0 && last > 0:
			put(0, scheduled+(last-ended), s.ForwardStart)
		}
		put(1, s.ForwardStart, s.ForwardEnd)
		put(2, s.ForwardEnd, s.SampleStart)
		put(3, s.SampleStart, s.SampleEnd)
		put(4, s.SampleEnd, s.Token)
		for k, ms := range []float64{s.GPUForward, s.GPUSample} {
			if ms > 0 {
				p.values[5+k] = append(p.values[5+k], ms/1e3)
			}
		}
	}
}

// Stages are the server's own times of its requests in seconds: waiting to be scheduled, from
// there to the first token, and from there to the last.
func Stages(records []Record) (queue, prefill, decode []float64) {
	span := func(to *[]float64, from, until float64) {
		if from > 0 && until >= from {
			*to = append(*to, until-from)
		}
	}
	for i := range records {
		c, last := records[i].Context, records[i].end()
		span(&queue, c.Arrival, c.Scheduled)
		span(&prefill, c.Scheduled, c.FirstToken)
		first := c.FirstToken
		if g := records[i].Generation; g != nil {
			first = g.ServerFirst
		}
		span(&decode, first, last)
	}
	return queue, prefill, decode
}

// Blocks sums up the blocks of the KV cache that prompts found or missed.
func Blocks(records []Record) (reused, missed int) {
	for i := range records {
		reused, missed = reused+records[i].Reused, missed+records[i].Missed
	}
	return reused, missed
}

// Excessive counts the requests whose server's spans exceed what the client saw by more than
// so many seconds.
func (b *Breakdown) Excessive(bound float64) int {
	n := 0
	for i := range b.Requests {
		if !math.IsNaN(b.Requests[i].Excess) && b.Requests[i].Excess > bound {
			n++
		}
	}
	return n
}
