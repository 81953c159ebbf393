package report

import (
	"context"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestPageInABrowser looks at the page in Chromium, where there is one: on a desk, on
// a phone, and in the dark. The verdict's red stands near the head of each.
func TestPageInABrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium here")
	}
	dir := t.TempDir()
	if _, err := WriteDirectory(dir, dir, origins(t)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		size  string
		width int
		dark  bool
	}{"desk": {"1280,900", 1280, false}, "phone": {"500,900", 500, false}, "dark": {"1280,900", 1280, true}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		shot := filepath.Join(dir, name+".png")
		args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + filepath.Join(dir, name), "--window-size=" + c.size, "--screenshot=" + shot}
		if c.dark {
			args = append(args, "--blink-settings=preferredColorScheme=0")
		}
		if out, err := exec.CommandContext(ctx, browser, append(args, "file://"+filepath.Join(dir, "report.html"))...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		f, err := os.Open(shot)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		picture, err := png.Decode(f)
		if err != nil || picture.Bounds().Dx() != c.width {
			t.Fatalf("%s: %v %v", name, picture.Bounds(), err)
		}
		if dark := brightness(picture, 2, 2) < 0x40; dark != c.dark {
			t.Errorf("%s: the paper's brightness is %d", name, brightness(picture, 2, 2))
		}
		if n := reds(picture); n < 300 {
			t.Errorf("%s: %d red points: where is the verdict?", name, n)
		}
	}
}

func brightness(p image.Image, x, y int) uint32 {
	r, g, b, _ := p.At(x, y).RGBA()
	return (r + g + b) / 3 >> 8
}

// reds counts the points of the first screen that are distinctly red.
func reds(p image.Image) (n int) {
	for y := range 400 {
		for x := range p.Bounds().Dx() {
			if r, g, b, _ := p.At(x, y).RGBA(); r > g+0x5000 && r > b+0x5000 {
				n++
			}
		}
	}
	return n
}
