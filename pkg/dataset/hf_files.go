package dataset

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"loadgen/internal/yamlcheck"
)

// dataEndings are the files that are read, compressed or not.
var dataEndings = []string{".parquet", ".jsonl", ".json", ".ndjson", ".csv"}

// notData are JSON files that describe a data set.
var notData = []string{"config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json"}

// directoryFiles returns the files of a local directory that hold a split, as
// paths with slashes below it.
func directoryFiles(dir, subset, split string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(entry.Name(), ".") && name != dir {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.IsDir() {
			below, err := filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(below))
			return err
		}
		return nil
	})
	if err != nil {
		return nil, &Error{Kind: Unreadable, Text: "cannot read the data set", Err: err}
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		readme = nil
	}
	return splitFiles(dir, names, readme, subset, split)
}

// splitFiles picks the files of a split from the names of a data set's files,
// as the hub's library does: by the settings that head its README.md, else by
// the words train, validation and test in the names.
func splitFiles(what string, names []string, readme []byte, subset, split string) ([]string, error) {
	data := dataFiles(names)
	if len(data) == 0 {
		return nil, &Error{Kind: Unreadable, File: what, Text: fmt.Sprintf("none of %d files is one that can be read (%s)", len(names), strings.Join(dataEndings, ", "))}
	}
	patterns, err := readmePatterns(what, readme, subset)
	if err != nil {
		return nil, err
	}
	var splits map[string][]string
	if patterns != nil {
		splits = map[string][]string{}
		for name, globs := range patterns {
			for _, file := range data {
				if slices.ContainsFunc(globs, func(g *regexp.Regexp) bool { return g.MatchString(file) }) {
					splits[name] = append(splits[name], file)
				}
			}
		}
	} else {
		if subset != "" && subset != "default" {
			data = slices.DeleteFunc(data, func(file string) bool { return !strings.HasPrefix(file, subset+"/") })
		}
		splits = guessSplits(data)
	}
	if split == "" || len(splits[split]) == 0 {
		have := slices.Sorted(maps.Keys(splits))
		text := "a split has to be named"
		if split != "" {
			text = fmt.Sprintf("there is no split %q", split)
		}
		if len(have) == 0 {
			return nil, &Error{Kind: NeedsSplit, File: what, Text: text + fmt.Sprintf("; the subset %q has no files that can be read", subset)}
		}
		return nil, &Error{Kind: NeedsSplit, File: what, Text: text + "; there are " + strings.Join(have, ", ")}
	}
	return splits[split], nil
}

// dataFiles returns the data files among names, sorted: those of the kind that
// most of them are.
func dataFiles(names []string) []string {
	kinds := map[string][]string{}
	for _, name := range names {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(path.Base(name)), ".gz"), ".zst")
		if ending := path.Ext(base); slices.Contains(dataEndings, ending) && !slices.Contains(notData, base) {
			kinds[ending] = append(kinds[ending], name)
		}
	}
	var best []string
	for _, ending := range dataEndings {
		if len(kinds[ending]) > len(best) {
			best = kinds[ending]
		}
	}
	slices.Sort(best)
	return best
}

// splitWords are the words that name a split in files and directories.
var splitWords = []struct {
	split string
	words string
}{
	{"train", "train|training"},
	{"validation", "validation|valid|dev|val"},
	{"test", "test|testing|eval|evaluation"},
}

// guessSplits sorts files into splits by their names, else by their
// directories; files that say nothing are all train.
func guessSplits(files []string) map[string][]string {
	sharded := regexp.MustCompile(`^data/(\w+)-\d{5}-of-\d{5}[^/]*$`)
	splits := map[string][]string{}
	for _, file := range files {
		if m := sharded.FindStringSubmatch(file); m != nil {
			splits[m[1]] = append(splits[m[1]], file)
		}
	}
	if len(splits) > 0 {
		return splits
	}
	for _, form := range []string{`(^|/|[-._ 0-9])(%s)[-._ 0-9][^/]*$`, `(^|/|[^/]*[-._ 0-9])(%s)([-._ 0-9][^/]*)?/`} {
		for _, w := range splitWords {
			match := regexp.MustCompile(fmt.Sprintf(form, w.words))
			for _, file := range files {
				if match.MatchString(file) {
					splits[w.split] = append(splits[w.split], file)
				}
			}
		}
		if len(splits) > 0 {
			return splits
		}
	}
	if len(files) > 0 {
		splits["train"] = files
	}
	return splits
}

// readmePatterns reads the settings at the head of a README.md: the patterns of
// each split's files for a subset; nil if there are none.
func readmePatterns(what string, readme []byte, subset string) (map[string][]*regexp.Regexp, error) {
	head, ok := strings.CutPrefix(string(readme), "---\n")
	if !ok {
		return nil, nil
	}
	head, _, _ = strings.Cut(head, "\n---")
	var settings struct {
		Configs []struct {
			Name    string    `yaml:"config_name"`
			Files   yaml.Node `yaml:"data_files"`
			Dir     string    `yaml:"data_dir"`
			Default bool      `yaml:"default"`
		} `yaml:"configs"`
	}
	if yamlcheck.Tables([]byte(head)) != nil || yaml.Unmarshal([]byte(head), &settings) != nil || len(settings.Configs) == 0 {
		return nil, nil
	}
	chosen := -1
	var names []string
	for i, c := range settings.Configs {
		names = append(names, c.Name)
		if subset == c.Name || subset == "" && (c.Default || c.Name == "default" || len(settings.Configs) == 1) {
			chosen = i
		}
	}
	if chosen < 0 {
		text := "a subset has to be named"
		if subset != "" {
			text = fmt.Sprintf("there is no subset %q", subset)
		}
		return nil, &Error{Kind: NeedsSplit, File: what, Text: text + "; there are " + strings.Join(names, ", ")}
	}
	c := settings.Configs[chosen]
	out := map[string][]*regexp.Regexp{}
	add := func(split string, node yaml.Node) {
		var globs []string
		if node.Decode(&globs) != nil {
			globs = []string{node.Value}
		}
		for _, g := range globs {
			out[split] = append(out[split], globPattern(path.Join(c.Dir, g)))
		}
	}
	var parts []struct {
		Split string    `yaml:"split"`
		Path  yaml.Node `yaml:"path"`
	}
	switch {
	case c.Files.IsZero() && c.Dir == "":
		return nil, nil
	case c.Files.IsZero():
		out["train"] = []*regexp.Regexp{globPattern(c.Dir + "/**")}
	case c.Files.Decode(&parts) == nil && len(parts) > 0 && parts[0].Split != "":
		for _, p := range parts {
			add(p.Split, p.Path)
		}
	default:
		add("train", c.Files)
	}
	return out, nil
}

// globPattern makes a regular expression of a pattern: ** goes into
// directories, * and ? do not.
func globPattern(glob string) *regexp.Regexp {
	text := regexp.QuoteMeta(glob)
	text = strings.ReplaceAll(text, `\*\*/`, `(.*/)?`)
	text = strings.ReplaceAll(text, `\*\*`, `.*`)
	text = strings.ReplaceAll(text, `\*`, `[^/]*`)
	text = strings.ReplaceAll(text, `\?`, `[^/]`)
	return regexp.MustCompile("^" + text + "$")
}
