package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"loadgen/internal/outfile"
	"loadgen/internal/pyjson"
)

// DirectoryName is the directory for a report within that of the results.
const DirectoryName = "report"

// WriteDirectory writes the report of results into a directory, and returns the
// names of the files: report.html, report.md, comparison.json, and for each group
// of servers its chart, but for a single run. The summary and the chart as a PNG go to the directory for those,
// where the scripts of benchmark_serving's users have them.
func WriteDirectory(dir, originals string, groups []*Group) (names []string, err error) {
	if err := errors.Join(os.MkdirAll(dir, 0o777), os.MkdirAll(originals, 0o777)); err != nil {
		return nil, err
	}
	var failed []error
	write := func(name string, f func(w io.Writer) error) {
		path := filepath.Join(dir, name)
		if ext := filepath.Ext(name); ext == ".png" || ext == ".txt" {
			path = filepath.Join(originals, name)
		}
		if err := outfile.Write(path, f); err != nil {
			failed = append(failed, err)
			return
		}
		names = append(names, path)
	}
	write("report.html", func(w io.Writer) error { return HTML(w, groups) })
	for i, g := range groups {
		suffix := ""
		if i > 0 {
			suffix = fmt.Sprintf("_%d", i+1)
		}
		write("benchmark_summary"+suffix+".txt", func(w io.Writer) error { g.Summary(w); return nil })
		if len(g.Variants) > 1 || len(g.Loads) > 1 { // else a chart of single bars
			write("benchmark_comparison"+suffix+".png", g.WritePNG)
			write("benchmark_comparison"+suffix+".svg", g.WriteSVG)
		}
	}
	write("report.md", func(w io.Writer) error { return Markdown(w, groups) })
	write(ComparisonName, func(w io.Writer) error { return JSON(w, groups) })
	return names, errors.Join(failed...)
}

// ComparisonName is the file that a report's comparison is written to for programs.
const ComparisonName = "comparison.json"

// JSON writes all comparisons for programs.
func JSON(w io.Writer, groups []*Group) error {
	all := []pyjson.Object{}
	for _, g := range groups {
		all = append(all, g.object())
	}
	_, err := w.Write(append(pyjson.Append(nil, plainNumbers(pyjson.Object{{Key: "comparisons", Value: all}})), '\n'))
	return err
}

// comparisonOf is what the comparison says of one file, for programs; nil where it stands alone.
func comparisonOf(groups []*Group, s *Stored) pyjson.Object {
	for _, g := range groups {
		for load := range g.Runs {
			for variant, runs := range g.Runs[load] {
				for _, r := range runs {
					if r == s && len(g.Variants) > 1 {
						return g.ofFile(load, variant)
					}
				}
			}
		}
	}
	return nil
}

func (g *Group) ofFile(load, variant int) pyjson.Object {
	reasons, rows := []pyjson.Object{}, pyjson.Object{}
	for _, r := range g.judged.Reasons {
		for _, l := range r.Loads {
			if l == load && (r.Variant == variant || r.Variant == 0) {
				reasons = append(reasons, g.reasonJSON(&r))
			}
		}
	}
	for i := range g.judged.Rows {
		if r := &g.judged.Rows[i]; r.Load == load && r.Variant == variant {
			rows.Set(quantityKey(r.Quantity), g.rowJSON(r))
		}
	}
	return pyjson.Object{
		{Key: "side", Value: g.judged.Labels[variant]},
		{Key: "level", Value: g.Loads[load]},
		{Key: "baseline", Value: g.judged.Labels[0]},
		{Key: "reasons", Value: reasons},
		{Key: "figures", Value: rows},
	}
}
