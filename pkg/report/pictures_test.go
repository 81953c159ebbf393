package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var drawPictures = flag.Bool("pictures", false, "draw the pictures of docs/ anew; needs chromium")

// picturesList has a line for each picture of docs/: its name, its digest, and that of what it
// was drawn from.
const picturesList = "../../docs/pictures.txt"

// picture is a picture of docs/: what it is drawn from, and how.
type picture struct {
	name   string
	source []byte
	draw   func(t *testing.T, path string)
}

// pictures are drawn of stored runs: one vLLM server on two H200, in eager mode and with CUDA
// graphs (testdata/real).
func pictures(t *testing.T) []picture {
	g := comparedReal(t, Naming{
		Labels:        map[string]string{"a": "eager mode", "b": "CUDA graphs"},
		Title:         "vLLM: CUDA graphs vs eager mode",
		Hardware:      "2x H200 GPUs",
		Configuration: "TP=2, FP16",
	}, at("eager_vs_graphs/eager/concurrency_%d"), at("eager_vs_graphs/graphs/concurrency_%d"))
	var svg, page, alone bytes.Buffer
	if err := g.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&page, []*Group{g}); err != nil {
		t.Fatal(err)
	}
	run := *unpacked(t, "eager_vs_graphs/graphs/concurrency_64")
	run.Name = "graphs/concurrency_64.json"
	if err := HTML(&alone, Groups([]*Stored{&run}, Naming{})); err != nil {
		t.Fatal(err)
	}
	shot := func(page []byte, wrapper string, width, height int, dark bool) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { screenshot(t, page, wrapper, path, width, height, dark) }
	}
	return []picture{
		{"compare.png", svg.Bytes(), func(t *testing.T, path string) {
			var png bytes.Buffer
			if err := g.WritePNG(&png); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, png.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}},
		{"compare-page.png", page.Bytes(), shot(page.Bytes(), "", 1200, 1500, false)},
		{"compare-phone.png", page.Bytes(), shot(page.Bytes(), threePhones, 3*phone+64, 844, true)},
		{"one-run.png", alone.Bytes(), shot(alone.Bytes(), "", 1200, 1500, false)},
	}
}

// threePhones shows a page at three places: its top, its charts, a table.
const threePhones = `<!doctype html><meta name="color-scheme" content="dark"><style>body { margin: 0; background: #777; display: flex; gap: 32px } iframe { border: 0 }</style>
<iframe width="390" height="844" src="/page"></iframe><iframe width="390" height="844" src="/page"></iframe><iframe width="390" height="844" src="/page"></iframe>
<script>addEventListener("load", () => [null, "figure:nth-child(4)", "details"].forEach((where, i) => {
	const frame = document.querySelectorAll("iframe")[i];
	if (where) frame.contentWindow.scrollTo(0, frame.contentDocument.querySelector(where).getBoundingClientRect().top - 8);
}));</script>`

// screenshot takes a picture of a page, alone or within another.
func screenshot(t *testing.T, page []byte, wrapper, path string, width, height int, dark bool) {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("pictures of pages need chromium, which is not installed")
	}
	mux := http.NewServeMux()
	for at, text := range map[string]string{"/page": string(page), "/wrapper": wrapper} {
		mux.HandleFunc(at, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, text)
		})
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + t.TempDir(), "--virtual-time-budget=5000", fmt.Sprintf("--window-size=%d,%d", width, height), "--screenshot=" + path}
	if dark {
		args = append(args, "--blink-settings=preferredColorScheme=0")
	}
	url := server.URL + "/page"
	if wrapper != "" {
		url = server.URL + "/wrapper"
	}
	if out, err := exec.CommandContext(ctx, browser, append(args, url)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestPicturesAreCurrent: the pictures of docs/ are those that make demo-pictures drew, of what
// it would draw them from now.
func TestPicturesAreCurrent(t *testing.T) {
	var list strings.Builder
	for _, p := range pictures(t) {
		path := filepath.Join("../../docs", p.name)
		if *drawPictures {
			p.draw(t, path)
		}
		drawn, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&list, "%s %x %x\n", p.name, sha256.Sum256(drawn), sha256.Sum256(p.source))
	}
	if *drawPictures {
		if err := os.WriteFile(picturesList, []byte(list.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(picturesList)
	if err != nil {
		t.Fatal(err)
	}
	if list.String() != string(want) {
		t.Errorf("docs has pictures that are not current: make demo-pictures draws them anew.\nThey are, with their digests and those of their sources:\n%swhere %s has\n%s", &list, picturesList, want)
	}
}
