package chart

import "math"

// labelling is how the values are written at the bars.
type labelling struct {
	face   typeface
	turned bool
	write  func(float64) string // nil where there is no room for labels
	room   float64              // above the bars, in points
}

// height is how high a label is.
func (l *labelling) height(text string) float64 {
	if l.turned {
		return l.face.width(text)
	}
	return 0.75 * l.face.size
}

// labelling finds the largest labels that do not touch.
func (b *bars) labelling(bar, group float64) labelling {
	room := bar - 1.5
	if len(b.values) == 1 {
		room = group - 4
	}
	for _, try := range []struct {
		size  float64
		write func(float64) string
	}{{10, b.write}, {9, b.write}, {8, b.write}, {9, b.short}, {8, b.short}, {7.2, b.short}} {
		face := typeface{size: try.size}
		if face.widest(b.texts(try.write)) <= room {
			return labelling{face, false, try.write, try.size + 8}
		}
	}
	if face := (typeface{size: min(9, room)}); face.size >= 6.5 {
		return labelling{face, true, b.write, face.widest(b.texts(b.write)) + 10}
	}
	return labelling{room: 10}
}

// texts are the labels of all values.
func (b *bars) texts(write func(float64) string) []string {
	var out []string
	for bar, row := range b.values {
		for g, v := range row {
			if math.IsNaN(v) {
				out = append(out, b.missing[bar][g])
			} else {
				out = append(out, write(v))
			}
		}
	}
	return out
}
