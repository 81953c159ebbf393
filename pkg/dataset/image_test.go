package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"loadgen/internal/golden"
	"loadgen/internal/pyrand"
)

// words is a tokenizer for tests: an id a word, the vocabulary that of the model
// the golden data are of.
type words struct{ vocab int }

func (w words) Encode(text string, special bool) []int { return make([]int, len(strings.Fields(text))) }
func (w words) Decode(ids []int, skipSpecial bool) string {
	return strings.TrimSpace(strings.Repeat("w ", len(ids)))
}
func (w words) VocabSize() int { return w.vocab }

// TestGoldenPixels compares the pixels of random images with the original's.
func TestGoldenPixels(t *testing.T) {
	for name, o := range map[string]Options{
		"random_image_seed0":      {InputLen: 20, RandomOutputLen: 9, ImageWidth: 20, ImageHeight: 12, NumPrompts: 6, RangeRatio: 0.5, PrefixLen: 3},
		"random_image_seed5":      {InputLen: 20, RandomOutputLen: 9, ImageWidth: 20, ImageHeight: 12, NumPrompts: 6, RangeRatio: 0.5, PrefixLen: 3, Seed: 5},
		"random_image_width_only": {InputLen: 20, RandomOutputLen: 9, ImageWidth: 513, ImageHeight: 512, NumPrompts: 1},
	} {
		var c struct {
			Images []struct {
				SHA256 string `json:"sha256_of_rgb_bytes"`
			} `json:"images_rgb"`
		}
		golden.Read(t, golden.TestData("golden", "datasets", name+".json"), &c)
		o.Tokenizer = words{128000}
		rng := pyrand.NewTorch(uint64(o.Seed))
		if _, err := o.draw(rng); err != nil {
			t.Fatal(err)
		}
		if len(c.Images) == 0 {
			t.Fatal("no images")
		}
		for i, want := range c.Images {
			var rgb []byte
			img := noise(rng, o.ImageWidth, o.ImageHeight).(*image.NRGBA)
			for k, v := range img.Pix {
				if k%4 != 3 {
					rgb = append(rgb, v)
				}
			}
			if sum := sha256.Sum256(rgb); hex.EncodeToString(sum[:]) != want.SHA256 {
				t.Errorf("%s: image %d differs", name, i)
			}
		}
	}
}

func decodeURL(t *testing.T, url string) image.Image {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(url, "data:image/jpeg;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// webpDot is a WebP image of one pixel.
const webpDot = "UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoBAAEAAgA0JaQAA3AA/vuUAAA="

func TestImageURL(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 16, 16))
	for y := range 16 {
		for x := range 16 {
			img.Set(x, y, color.NRGBA{200, 30, 60, 255})
		}
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 16, 16)) // transparent: white when it is sent
	encode := func(img image.Image, as string) []byte {
		var out bytes.Buffer
		var err error
		if as == "png" {
			err = png.Encode(&out, img)
		} else {
			err = jpeg.Encode(&out, img, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	webp, err := base64.StdEncoding.DecodeString(webpDot)
	if err != nil {
		t.Fatal(err)
	}
	near := func(got color.Color, r, g, b int) bool {
		R, G, B, _ := got.RGBA()
		d := func(a uint32, b int) bool { x := int(a>>8) - b; return -12 < x && x < 12 }
		return d(R, r) && d(G, g) && d(B, b)
	}
	at := position{file: "f", row: 1}
	for name, v := range map[string]any{"png": encode(img, "png"), "jpeg": encode(img, "jpeg"), "in text": string(encode(img, "png")),
		"object": object{{key: "bytes", value: encode(img, "png")}, {key: "path"}}} {
		url, err := imageURL(at, v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := decodeURL(t, url); got.Bounds() != img.Bounds() || !near(got.At(8, 8), 200, 30, 60) {
			t.Errorf("%s: %v, pixel %v", name, got.Bounds(), got.At(8, 8))
		}
	}
	if url, err := imageURL(at, encode(clear, "png")); err != nil || !near(decodeURL(t, url).At(3, 3), 255, 255, 255) {
		t.Errorf("a transparent image is not white (%v)", err)
	}
	if url, err := imageURL(at, webp); err != nil || decodeURL(t, url).Bounds().Dx() != 1 {
		t.Errorf("WebP: %v", err)
	}
	for in, want := range map[string]string{"http://h/a.png": "http://h/a.png", "https://h/a": "https://h/a", "/tmp/a.png": "file:///tmp/a.png", "file:///x": "file:///x", "data:image/png;base64,AA": "data:image/png;base64,AA"} {
		if got, err := imageURL(at, in); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", in, got, err, want)
		}
	}
	damaged := encode(img, "png")
	for want, v := range map[string]any{"no image": []byte("hello"), "damaged PNG": damaged[:len(damaged)/2], "found null": nil, "empty": "", "found the number 5": number("5")} {
		if url, err := imageURL(at, v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q %v", want, url, err)
		}
	}
}
