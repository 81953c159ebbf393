package chart

import (
	"fmt"
	"strings"
)

const mostServers = 20

// serverClass is the class of a server, from 0 to 19.
func serverClass(server int) int { return (server%mostServers + mostServers) % mostServers }

// Line colours: the palette, darker or lighter where a thin line would have less
// than three times the contrast of its ground. The first two are the brands'.
var (
	lightLines = [mostServers]string{
		"#3498db", "#76b900", "#c68900", "#cc79a7", "#332288", "#d55e00", "#41a393", "#882255", "#8c8c8c", "#a2951e",
		"#117733", "#aa4499", "#5f9fc6", "#661100", "#8a8a2a", "#222222", "#a19557", "#cc6677", "#1b4f9c", "#9e8ac1",
	}
	darkLines = [mostServers]string{
		"#4aa8e8", "#8bd01a", "#f0b030", "#d98cb8", "#9a8cf5", "#f07a2a", "#5cc4b4", "#e0709f", "#a6a6a6", "#e8d52b",
		"#45b46c", "#cf7dc0", "#88ccee", "#cf7f66", "#b5b548", "#f0f0f0", "#ddcc77", "#e08090", "#6d9bea", "#c3b1ea",
	}
	lineDashes = []string{"8 3", "2 3", "10 3 2 3", "5 3", "12 4", "6 2 2 2 2 2"}
)

// Stylesheet is the CSS of line charts with so many servers, at most 20: colours for
// light and dark pages as custom properties, dashes from the third server on.
func Stylesheet(servers int) string {
	servers = max(1, min(servers, mostServers))
	var b strings.Builder
	properties := func(ink, muted, grid, axis string, lines [mostServers]string) {
		fmt.Fprintf(&b, "--chart-ink:%s;--chart-muted:%s;--chart-grid:%s;--chart-axis:%s", ink, muted, grid, axis)
		for i, c := range lines[:servers] {
			fmt.Fprintf(&b, ";--chart-s%d:%s", i, c)
		}
	}
	b.WriteString(".chart{")
	properties("#222", "#5f6368", "#e8e8e8", "#999", lightLines)
	b.WriteString("}\n@media (prefers-color-scheme:dark){.chart{")
	properties("#e8eaed", "#a9adb3", "#33373d", "#70757c", darkLines)
	b.WriteString("}}\n")
	b.WriteString(chartRules)
	for i := range servers {
		fmt.Fprintf(&b, ".chart .s%d{color:var(--chart-s%d)}\n", i, i)
		if i >= 2 {
			fmt.Fprintf(&b, ".chart .s%d .line{stroke-dasharray:%s}\n", i, lineDashes[(i-2)%len(lineDashes)])
		}
	}
	return b.String()
}

const chartRules = `.chart{display:block;width:100%;height:auto;font-family:"Liberation Sans",Arial,sans-serif;font-size:14.5px}
.chart text{fill:var(--chart-muted)}
.chart .head{fill:var(--chart-ink);font-size:16.5px;font-weight:bold}
.chart .tick{font-size:14px}
@media(min-width:34rem){.chart{font-size:13px}.chart .head{font-size:14.5px}.chart .tick{font-size:12px}}
.chart g .label{fill:var(--chart-ink)}
.chart .grid{fill:none;stroke:var(--chart-grid);stroke-width:1;shape-rendering:crispEdges}
.chart .axis{fill:none;stroke:var(--chart-axis);stroke-width:1;shape-rendering:crispEdges}
.chart .line{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}
.chart g .line.void{stroke-opacity:.45;stroke-dasharray:3 4}
.chart .ci{fill:none;stroke:currentColor;stroke-width:1.2}
.chart .pt{fill:currentColor;stroke:transparent;stroke-width:9}
.chart .pt.void{fill-opacity:.4}
.chart .pt:hover{stroke:currentColor;stroke-width:3}
.chart .hit:hover{fill:currentColor;fill-opacity:.55}
`
