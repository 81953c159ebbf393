package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"loadgen/internal/golden"
)

// The widths that pages are looked at with: of a desk and of a phone.
const (
	desk  = 1400
	phone = 390
)

// pagesToLookAt are reports of each kind: what is not comparable at all, in part, a file
// alone, and several runs of a server at request rates.
func pagesToLookAt(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	dir := golden.Dir(t, "origin_results")
	var all []*Stored
	for _, name := range []string{"pytorch_hf", "trt_engine", "1_vllm", "3_trtllm_pytorch", "4_trtllm_engine"} {
		all = append(all, stored(t, filepath.Join(dir, name))...)
	}
	for name, groups := range map[string][]*Group{
		"origin": Groups(all, Naming{}), // two comparisons
		"graphs": {comparedReal(t, Naming{}, at("eager_vs_graphs/eager/concurrency_%d"), at("eager_vs_graphs/graphs/concurrency_%d"))},
		"alone":  Groups([]*Stored{unpacked(t, "eager_vs_graphs/graphs/concurrency_64")}, Naming{}),
		"parts":  Groups(writtenResults(t, map[string]string{"a/one.json": made(4, ofParts)}), Naming{}),
		"rates":  Groups(writtenResults(t, map[string]string{"a/1.json": atRate(1, ""), "a/2.json": atRate(2, ""), "a/4.json": atRate(4, `, "completed": 30, "errors": ["503", "503"]`)}), Naming{}),
	} {
		var page bytes.Buffer
		if err := HTML(&page, groups); err != nil {
			t.Fatal(err)
		}
		pages[name] = page.String()
	}
	return pages
}

// browse opens pages in Chromium, each in frames of the two widths, and returns what a probe,
// the body of an asynchronous function of (win, doc, width), returns of each: by page and width.
func browse(t *testing.T, pages map[string]string, probe string, dark bool) map[string]json.RawMessage {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium here")
	}
	var frames strings.Builder
	mux := http.NewServeMux()
	for name, page := range pages {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, page)
		})
		for _, width := range []int{desk, phone} {
			fmt.Fprintf(&frames, `<iframe name="%s %d" src="/%s" width="%d" height="900"></iframe>`, name, width, name, width)
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<!doctype html><meta name="color-scheme" content="light dark"><style>iframe { border: 0; display: block }</style>%s<pre id="out"></pre><script>
			const probe = async (win, doc, width) => { %s };
			addEventListener("load", async () => {
				const out = {};
				for (const frame of document.querySelectorAll("iframe")) {
					try { out[frame.name] = await probe(frame.contentWindow, frame.contentDocument, frame.clientWidth); } catch (e) { out[frame.name] = {error: String(e)}; }
				}
				document.getElementById("out").textContent = "BEGIN" + JSON.stringify(out) + "END";
			});</script>`, &frames, probe)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + t.TempDir(), "--window-size=1500,1000", "--virtual-time-budget=60000", "--dump-dom"}
	if dark {
		args = append(args, "--blink-settings=preferredColorScheme=0")
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, browser, append(args, server.URL+"/")...)
	cmd.Stderr = &stderr
	dom, err := cmd.Output()
	if ctx.Err() != nil && t.Context().Err() == nil {
		t.Skip("chromium was not done within two minutes: the machine is too busy")
	}
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	_, text, found := strings.Cut(string(dom), ">BEGIN")
	text, _, ended := strings.Cut(text, "END<")
	if !found || !ended {
		t.Fatalf("the probe did not end: %s", &stderr)
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != 2*len(pages) {
		t.Fatalf("%d results of %d pages", len(out), len(pages))
	}
	return out
}

// TestPageInABrowser uses the pages in Chromium, where there is one, as those do who have a
// desk or a phone, light or dark, a mouse or a keyboard. The pages are as they are written, with
// their policy: what it forbids, such as another style sheet, would be seen here.
func TestPageInABrowser(t *testing.T) {
	const probe = `
		const brightness = c => { const [r, g, b] = c.match(/\d+/g); return (+r + +g + +b) / 3; };
		const figure = doc.querySelector("figure");
		const out = {
			paper: brightness(win.getComputedStyle(doc.body).backgroundColor),
			sideways: doc.documentElement.scrollWidth - width,
			answer: doc.querySelector(".answer").getBoundingClientRect().top,
			tables: 0, seen: 0, wide: 0, unreachable: 0, small: 0, tips: [], heads: [],
		};
		for (const box of doc.querySelectorAll(".scroll")) {
			const head = box.querySelectorAll("thead th")[1], second = head.getBoundingClientRect();
			if (box.getAttribute("aria-label").startsWith("Concurrency ")) out.heads.push(head.textContent);
			if (!second.width) continue; // folded
			out.tables++;
			if (second.right <= width) out.seen++;
			if (box.scrollWidth > box.clientWidth + 1) {
				if (win.getComputedStyle(box.parentElement.querySelector(".more")).display === "block") out.wide++;
				box.focus();
				if (doc.activeElement !== box || !box.hasAttribute("tabindex")) out.unreachable++;
			} else out.wide++;
		}
		for (const text of doc.querySelectorAll("figure text, td, th, p, li")) {
			const scale = text.getCTM ? text.ownerSVGElement.getBoundingClientRect().width / 440 : 1;
			if (text.getBoundingClientRect().width && scale * parseFloat(win.getComputedStyle(text).fontSize) < 10) out.small++;
		}
		if (figure) {
			const tip = () => doc.querySelector(".tip:not(:empty)") && doc.querySelector(".tip:not(:empty)").textContent;
			figure.focus();
			for (const key of ["ArrowRight", "ArrowRight", "ArrowDown", "End", "Escape"]) {
				figure.dispatchEvent(new win.KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
				out.tips.push(tip());
			}
			const c = figure.querySelector(".pt, .hit").getBoundingClientRect();
			figure.querySelector("svg").dispatchEvent(new win.PointerEvent("pointermove", {clientX: c.left + c.width / 2 + 3, clientY: c.top + c.height / 2, bubbles: true}));
			out.tips.push(tip());
			const box = doc.querySelector(".tip:not(:empty)").getBoundingClientRect();
			out.beyond = Math.max(0, box.right - width);
			out.name = figure.getAttribute("aria-label");
		}
		return out;`
	for _, dark := range []bool{false, true} {
		for name, text := range browse(t, pagesToLookAt(t), probe, dark) {
			var got struct {
				Error, Name                            string
				Paper, Sideways, Answer, Beyond        float64
				Tables, Seen, Wide, Unreachable, Small int
				Tips                                   []*string
				Heads                                  []string
			}
			if err := json.Unmarshal(text, &got); err != nil || got.Error != "" {
				t.Errorf("%s: %v %s", name, err, got.Error)
				continue
			}
			if (got.Paper < 0x40) != dark {
				t.Errorf("%s, dark %v: the paper's brightness is %v", name, dark, got.Paper)
			}
			if got.Sideways > 0 || got.Answer > 300 {
				t.Errorf("%s: the page is %v too wide, and the answer %v from the top", name, got.Sideways, got.Answer)
			}
			if got.Tables == 0 || got.Seen != got.Tables || got.Wide != got.Tables || got.Unreachable > 0 || got.Small > 0 {
				t.Errorf("%s: of %d tables %d show what matters, %d say that they scroll where they do, %d cannot be reached; %d texts are too small", name, got.Tables, got.Seen, got.Wide, got.Unreachable, got.Small)
			}
			if lines := strings.HasPrefix(name, "origin") || strings.HasPrefix(name, "graphs"); lines && (len(got.Heads) < 3 || slices.ContainsFunc(got.Heads, func(s string) bool { return !strings.Contains(s, "vs ") })) {
				t.Errorf("%s: right after the metrics are %q", name, got.Heads)
			}
			checkTips(t, name, got.Tips)
			if got.Beyond > 0 || len(got.Tips) > 0 && !strings.HasSuffix(got.Name, ": arrow keys read its points") {
				t.Errorf("%s: a tooltip ends %v beyond the page; the chart is called %q", name, got.Beyond, got.Name)
			}
		}
	}
}

// checkTips: keys read the first point, the next one, one of the other line, the last one and
// none; the mouse reads the first again.
func checkTips(t *testing.T, name string, tips []*string) {
	t.Helper()
	if len(tips) == 0 {
		return // no chart
	}
	text := func(i int) string {
		if tips[i] == nil {
			return ""
		}
		return *tips[i]
	}
	lines := strings.HasPrefix(name, "origin") || strings.HasPrefix(name, "graphs")
	label := func(s string) string { before, _, _ := strings.Cut(s, ": "); return before }
	switch {
	case text(0) == "" || text(1) == "" || text(0) == text(1) || text(4) != "" || text(5) != text(0),
		lines != (label(text(2)) != label(text(1))),
		lines && (!strings.HasSuffix(text(0), ", concurrency 16") && !strings.Contains(text(0), ", concurrency 16, ") || !strings.Contains(text(3), ", concurrency 128")):
		t.Errorf("%s: the tooltips are %q, %q, %q, %q, %q, %q", name, text(0), text(1), text(2), text(3), text(4), text(5))
	}
}

// TestAccessibility has axe-core look at the pages in Chromium. AXE_CORE is the path of its
// axe.min.js; make accessibility fetches it.
func TestAccessibility(t *testing.T) {
	path := os.Getenv("AXE_CORE")
	if path == "" {
		t.Skip("AXE_CORE does not name axe-core's axe.min.js: make accessibility")
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The page's policy would keep axe-core out. It is taken away, and nothing else.
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	pages := pagesToLookAt(t)
	for name, page := range pages {
		if !policy.MatchString(page) {
			t.Fatal(name, "has no policy")
		}
		pages[name] = strings.Replace(policy.ReplaceAllLiteralString(page, ""), "<head>", "<head><script>"+strings.ReplaceAll(string(axe), "</script", `<\/script`)+"</script>", 1)
	}
	const probe = `
		for (const box of doc.querySelectorAll("details")) box.open = true;
		const got = await win.axe.run(doc, {resultTypes: ["violations", "incomplete"]});
		const short = all => all.map(v => v.id + ": " + v.nodes.length + " times, first " + v.nodes[0].target.join(" ") + ": " + v.nodes[0].failureSummary);
		// Texts of charts stand before an image, it says; TestContrast knows their colours. On a
		// phone a table's fixed column is before the others, whose colours the desk has, too.
		const known = width > 1000 ? "svg" : "svg, .scroll";
		const other = got.incomplete.map(v => ({...v, nodes: v.nodes.filter(n => !(v.id === "color-contrast" && doc.querySelector(n.target[0]).closest(known)))}));
		return {passes: got.passes.length, violations: short(got.violations), undecided: short(other.filter(v => v.nodes.length))};`
	for _, dark := range []bool{false, true} {
		for name, text := range browse(t, pages, probe, dark) {
			var got struct {
				Error                 string
				Passes                int
				Violations, Undecided []string
			}
			if err := json.Unmarshal(text, &got); err != nil || got.Error != "" || got.Passes < 10 {
				t.Errorf("%s: %v %s", name, err, text)
			}
			for _, v := range slices.Concat(got.Violations, got.Undecided) {
				t.Errorf("%s, dark %v: %s", name, dark, v)
			}
			t.Logf("%s, dark %v: %d rules passed", name, dark, got.Passes)
		}
	}
}

// atRate is a result file's text of a run at a request rate.
func atRate(rate float64, more string) string {
	return strings.Replace(made(0, more), `"request_rate": "inf", "max_concurrency": 0`, fmt.Sprintf(`"request_rate": %v, "max_concurrency": null`, rate), 1)
}
