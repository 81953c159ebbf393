package dataset

import (
	"bytes"
	"context"
	"encoding/base64"
	"image"
	"image/jpeg"
	"runtime"
	"sync"

	"loadgen/internal/pyrand"
)

// The pixels of an image where no size is given.
const defaultPixels = 512

// randomImage makes prompts of random ids, each with images of random pixels
// (the original's RandomImageDataset). Prompts sent as ids have no images, as
// the original's have none.
func randomImage(ctx context.Context, o *Options) (*Set, error) {
	if !o.Chat {
		return nil, &Error{Kind: NeedsChat, Text: "Multi-modal content is only supported on 'openai-chat' backend."}
	}
	width, height := o.ImageWidth, o.ImageHeight
	if width == defaultPixels && height == defaultPixels && o.ImageSize != defaultPixels {
		width, height = o.ImageSize, o.ImageSize
	}
	const most = 1 << 14
	if width < 1 || height < 1 || width > most || height > most {
		return nil, optionError("an image of %d by %d pixels is out of range (1 to %d either way)", width, height, most)
	}
	if o.NumImages > 1<<16 {
		return nil, optionError("%d images a request are too many (at most %d)", o.NumImages, 1<<16)
	}
	rng := pyrand.NewTorch(uint64(o.Seed))
	d, err := o.draw(rng)
	if err != nil {
		return nil, err
	}
	set := o.newSet()
	set.Requests = make([]Request, o.NumPrompts)
	err = each(ctx, o.NumPrompts, func(i int) error {
		set.Requests[i] = o.ofIDs(d.ids(i))
		set.Requests[i].PromptLen, set.Requests[i].OutputLen = o.PrefixLen+d.inputLens[i], d.outputLens[i]
		return nil
	})
	if err != nil || o.IDs {
		return set, err
	}
	return set, drawImages(ctx, set.Requests, max(o.NumImages, 0), func() image.Image { return noise(rng, width, height) })
}

// noise draws an image, one number a byte.
func noise(rng *pyrand.Torch, width, height int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = 255
		if i%4 != 3 {
			img.Pix[i] = byte(rng.Int(0, 256))
		}
	}
	return img
}

// drawImages gives each request n images. Pixels are drawn in order and encoded
// on all cores; few images wait in between.
func drawImages(ctx context.Context, requests []Request, n int, draw func() image.Image) error {
	type job struct {
		to  *string
		img image.Image
	}
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				*j.to = jpegURL(j.img)
			}
		})
	}
	var err error
	for i := range requests {
		if err = context.Cause(ctx); err != nil {
			break
		}
		requests[i].Images = make([]string, n)
		for k := range n {
			jobs <- job{&requests[i].Images[k], draw()}
		}
	}
	close(jobs)
	workers.Wait()
	return err
}

// jpegURL is an image as a data: URL, of the quality that Pillow writes.
func jpegURL(img image.Image) string {
	var out bytes.Buffer
	jpeg.Encode(&out, img, &jpeg.Options{Quality: 75}) // a buffer takes it all, and the size was checked
	return "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(out.Bytes())
}
