package chart

import (
	"fmt"
	"strings"
)

const mostServers = 20

// serverClass is the class of a server, from 0 to 19.
func serverClass(server int) int { return (server%mostServers + mostServers) % mostServers }

// darkLines are the palette's colours for dark pages, and lineDashes the dashes from the
// second server on: with the marks they tell lines apart where colours do not.
var (
	darkLines = [mostServers]string{
		"#4aa8e8", "#8bd01a", "#f0b030", "#d98cb8", "#9a8cf5", "#f07a2a", "#5cc4b4", "#e0709f", "#a6a6a6", "#e8d52b",
		"#45b46c", "#cf7dc0", "#88ccee", "#cf7f66", "#b5b548", "#f0f0f0", "#ddcc77", "#e08090", "#6d9bea", "#c3b1ea",
	}
	lineDashes = []string{"8 3", "10 3 2 3", "4 3", "14 4", "6 2 2 2 2 2", "20 4"}
)

// lightLines are the palette's colours for light pages.
func lightLines() (lines [mostServers]string) {
	for i, c := range palette {
		lines[i] = hex(c)
	}
	return lines
}

// Stylesheet is the CSS of line charts with so many servers, at most 20: colours for
// light and dark pages as custom properties, dashes from the second server on.
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
	properties("#222", "#5f6368", "#e8e8e8", "#8a8a8a", lightLines())
	b.WriteString("}\n@media (prefers-color-scheme:dark){.chart{")
	properties("#e8eaed", "#a9adb3", "#33373d", "#70757c", darkLines)
	b.WriteString("}}\n")
	b.WriteString(chartRules)
	for i := range servers {
		fmt.Fprintf(&b, ".chart .s%d{color:var(--chart-s%d)}\n", i, i)
		if i >= 1 {
			fmt.Fprintf(&b, ".chart .s%d .line{stroke-dasharray:%s}\n", i, lineDashes[(i-1)%len(lineDashes)])
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
.chart g .line.void{stroke-width:1.6;stroke-dasharray:.1 4;stroke-linecap:round}
.chart .ci{fill:none;stroke:currentColor;stroke-width:1.2}
.chart .mk,.chart .pt{fill:currentColor}
.chart .pt{stroke:transparent;stroke-width:9}
.chart .mk.void,.chart .pt.void{fill:none;stroke:currentColor;stroke-width:1.3;pointer-events:all}
.chart .pt:hover,.chart .pt.on{stroke:currentColor;stroke-width:4}
.chart .hit:hover,.chart .hit.on{fill:currentColor}
`
