package stream

// Prefetch touches the memory that the next event needs; what it returns means nothing.
func (d *Decoder) Prefetch() (sum byte) {
	a, m, line := d.a, &d.reader.m, d.reader.shape.line
	sum = byte(d.head.framing) + byte(len(d.buf)) + byte(len(d.sse.pending)) + byte(m.usage.Completion) + byte(len(m.finish)) + byte(a.SeenUsage.Cached)
	if n := len(a.Events); n < cap(a.Events) {
		sum += byte(a.Events[:n+1][n].Kind)
	}
	if n := len(a.Text); n < cap(a.Text) {
		sum += a.Text[:n+1][n]
	}
	for i := 0; i < len(line); i += cacheLine {
		sum += line[i]
	}
	return sum
}

// cacheLine is a processor's, in bytes.
const cacheLine = 64
