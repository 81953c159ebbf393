package stream

// Prefetch touches the memory that the next event needs; what it returns means nothing.
func (d *Decoder) Prefetch() (sum byte) {
	a, m, line := d.a, &d.reader.m, d.reader.shape.line
	sum = byte(d.head.framing) + byte(len(d.buf)) + byte(len(d.sse.pending)) + byte(m.usage.Completion) + byte(len(m.finish)) + byte(a.SeenUsage.Cached)
	sum += byte(d.o.CancelAfter) + byte(d.phase) + byte(a.Status) + byte(len(m.parted)) + byte(len(m.reasoning)) + byte(m.index) + byte(d.size)
	if d.complete != m.isObject {
		sum++
	}
	if n := len(a.Events); n < cap(a.Events) {
		next := &a.Events[:n+1][n]
		sum += byte(next.At) + byte(next.Uncertainty)
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
