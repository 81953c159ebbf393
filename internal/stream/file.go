package stream

// File takes an answer that is a file: the lines of its head, and its body in pieces. Neither
// function may keep what it is given, and either ends the answer by returning false.
type File struct {
	// Bodiless answers a HEAD request: whatever the head says, no body follows.
	Bodiless bool
	Head     func(a *Answer, lines []byte) (more bool)
	Body     func(p []byte) (more bool)
}

// begin hands on the head of an answer.
func (f *File) begin(h *head, a *Answer, lines []byte) (more bool) {
	if f.Bodiless {
		h.framing, h.length, h.encoding = byLength, 0, ""
	}
	return f.Head(a, lines)
}

// HeaderValue returns the first value that the lines of a head have for a name, "" for none.
func HeaderValue(lines []byte, name string) string {
	if all := values(lines, name); len(all) > 0 {
		return all[0]
	}
	return ""
}
