package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	_ "image/gif" // the formats that are read
	_ "image/jpeg"
	_ "image/png"
	"strings"

	_ "golang.org/x/image/webp"
)

// imageURL is what is sent for an image of a data set: its bytes (or an object
// that holds them under "bytes"), which are decoded and sent as JPEG, or the
// text of a URL or path.
func imageURL(at position, v any) (string, error) {
	const want = `{"bytes": an image of PNG, JPEG, WebP or GIF} or "https://HOST/IMAGE"`
	if o, ok := v.(object); ok {
		data, _ := o.get("bytes")
		if path, _ := o.get("path"); data == nil && path != nil {
			data = path
		}
		v = data
	}
	switch v := v.(type) {
	case []byte:
		return recode(at, v, want)
	case string:
		switch {
		case v == "":
			return "", at.malformed(want, "the image is an empty text")
		case isImage(v):
			return recode(at, []byte(v), want)
		case strings.HasPrefix(v, "http://"), strings.HasPrefix(v, "https://"), strings.HasPrefix(v, "file://"), strings.HasPrefix(v, "data:"):
			return v, nil
		}
		return "file://" + v, nil
	}
	return "", at.malformed(want, "found %s where an image should be", kindOf(v))
}

// isImage reports whether text is the bytes of an image: Parquet files do not
// always say which of their columns are text.
func isImage(text string) bool {
	return strings.HasPrefix(text, "\x89PNG") || strings.HasPrefix(text, "\xff\xd8\xff") || strings.HasPrefix(text, "RIFF") || strings.HasPrefix(text, "GIF8")
}

func recode(at position, data []byte, want string) (string, error) {
	settings, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err == nil && settings.Width*settings.Height > 1<<28 {
		err = fmt.Errorf("%d by %d pixels are too many", settings.Width, settings.Height)
	}
	var img image.Image
	if err == nil {
		img, _, err = image.Decode(bytes.NewReader(data))
	}
	if err != nil {
		if format != "" {
			return "", at.malformed(want, "a damaged %s image of %d bytes: %v", strings.ToUpper(format), len(data), err)
		}
		return "", at.malformed(want, "%d bytes that are no image, beginning with %.16q", len(data), data)
	}
	return jpegURL(opaque(img)), nil
}

// opaque puts an image on white.
func opaque(img image.Image) image.Image {
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		return img
	}
	out := image.NewRGBA(img.Bounds())
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Over)
	return out
}
