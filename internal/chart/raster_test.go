package chart

import (
	"image"
	"testing"
)

// inked is the part of a picture that is not transparent.
func inked(p raster) (area image.Rectangle, pixels float64) {
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			if a := p.RGBAAt(x, y).A; a > 0 {
				area = area.Union(image.Rect(x, y, x+1, y+1))
				pixels += float64(a) / 0xff
			}
		}
	}
	return area, pixels
}

func near(got, want, off float64) bool { return got > want-off && got < want+off }

// TestRasterLines: dashes go on around corners, and where two meet is not blank.
func TestRasterLines(t *testing.T) {
	for name, test := range map[string]struct {
		dashes []float64
		share  float64 // of the length that is drawn
	}{
		"whole": {nil, 1}, "half": {[]float64{3, 3}, 0.5}, "three quarters": {[]float64{6, 1, 3, 2}, 0.75},
		"decimals": {[]float64{0.3, 0.1}, 0.75}, "longer than the line": {[]float64{1000, 1}, 1},
	} {
		p := newRaster()
		p.line(stroke{ink, 6, test.dashes}, [2]float64{60, 60}, [2]float64{180, 60}, [2]float64{180, 180})
		area, pixels := inked(p)
		if want := 240 * 6 * scale * scale * test.share; !near(pixels, want, 0.05*want) {
			t.Errorf("%s: %.0f pixels, not %.0f", name, pixels, want)
		}
		if area.Min != image.Pt(100, 95) || !near(float64(area.Max.X), 305, 1) || !near(float64(area.Max.Y), 300, 11) {
			t.Errorf("%s: %v", name, area)
		}
	}
	p := newRaster()
	p.frame(box{60, 60, 12, 12}, stroke{ink, 6, nil})
	for _, at := range []image.Point{{101, 101}, {119, 101}, {101, 119}, {119, 119}} {
		if p.RGBAAt(at.X, at.Y) != ink {
			t.Errorf("a corner of the frame is %v at %v", p.RGBAAt(at.X, at.Y), at)
		}
	}
}

// TestRasterText: letters stand on their baseline, within the width that they are said to
// have, and turned ones go upwards.
func TestRasterText(t *testing.T) {
	face := typeface{20, true}
	width := face.width("Heights") * scale
	for _, align := range []float64{0, 0.5, 1} {
		p := newRaster()
		p.text("Heights", face, ink, 300, 300, align)
		area, _ := inked(p)
		if left := 500 - align*width; !near(float64(area.Min.X), left, 4) || !near(float64(area.Max.X), left+width, 4) {
			t.Errorf("aligned by %v: %v, which is not %.0f wide from %.0f", align, area, width, left)
		}
		if !near(float64(area.Min.Y), 500-0.73*20*scale, 3) || !near(float64(area.Max.Y), 500+0.21*20*scale, 3) { // g goes below
			t.Errorf("%v is not around the baseline", area)
		}
	}
	p := newRaster()
	p.turned("Heights", face, ink, 300, 300)
	area, _ := inked(p)
	if !near(float64(area.Max.Y), 500, 4) || !near(float64(area.Min.Y), 500-width, 4) || !near(float64(area.Min.X+area.Max.X)/2, 500, 6) {
		t.Errorf("turned: %v", area)
	}
	if plain, kerned := face.width("A")+face.width("V"), face.width("AV"); !(kerned < plain) {
		t.Errorf("AV is %v wide, A and V are %v", kerned, plain)
	}
}
