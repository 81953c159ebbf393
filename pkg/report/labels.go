package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"loadgen/internal/lazy"
	"loadgen/internal/plain"
)

// What servers are called whose results lie in one directory: by what differs among them.

// defaultName is how result files are called that nobody gave a name:
// BACKEND-RATEqps-concurrencyN-MODEL-DATE-TIME.json, with -2 behind it where there was one.
var defaultName = lazy.Regexp(`^[a-z0-9-]+-(?:inf|[0-9.e+-]+)qps(?:-concurrency\d+)?-.*-\d{8}-\d{6}(?:-\d+)?$`)

// keysOf gives each result the name of its server: the directory, or, where results of one
// directory cannot be one server's, what tells them apart.
func keysOf(files []*Stored) []string {
	keys := make([]string, len(files))
	directories := map[string][]int{}
	for i, f := range files {
		dir, _ := f.place()
		keys[i] = dir
		directories[dir] = append(directories[dir], i)
	}
	for dir, at := range directories {
		unnamed := func(i int) bool { _, base := files[i].place(); return defaultName.Get().MatchString(base) }
		named := slices.DeleteFunc(slices.Clone(at), unnamed)
		others := slices.DeleteFunc(slices.Clone(at), func(i int) bool { return !unnamed(i) })
		full := crowded(files, at)
		differs := differencesOf(files, others, full)
		if !full && !anyText(differs) {
			continue
		}
		for k, name := range namesOf(files, named) {
			keys[named[k]] = filepath.Join(dir, name)
		}
		for k, i := range others {
			keys[i] = filepath.Join(dir, cmp.Or(differs[k], filepath.Base(dir)))
		}
		addPaths(files, at, keys)
	}
	return keys
}

// crowded reports whether several results, repeats aside, have the same load.
func crowded(files []*Stored, at []int) bool {
	seen := map[load]bool{}
	for _, i := range at {
		if _, base := files[i].place(); repeatName.Get().MatchString(base) {
			continue
		}
		if l := files[i].load(); seen[l] {
			return true
		} else {
			seen[l] = true
		}
	}
	return false
}

// addPaths gives results that still have the same name and the same load the rest of their
// files' names: of files that nobody named, when they were made.
func addPaths(files []*Stored, at []int, keys []string) {
	groups := map[string][]int{}
	for _, i := range at {
		groups[keys[i]] = append(groups[keys[i]], i)
	}
	for key, of := range groups {
		if !crowded(files, of) {
			continue
		}
		for _, i := range of {
			dir, base := files[i].place()
			switch {
			case !defaultName.Get().MatchString(base):
				keys[i] = filepath.Join(dir, repeatName.Get().ReplaceAllString(base, ""))
			case key == filepath.Join(dir, filepath.Base(dir)):
				keys[i] = filepath.Join(dir, madeAt(base))
			default:
				keys[i] = key + ", " + madeAt(base)
			}
		}
	}
}

var dateOfName = lazy.Regexp(`(\d{8}-\d{6})((?:-\d+)?)$`)

// madeAt is when a file was made, by its name.
func madeAt(base string) string {
	m := dateOfName.Get().FindStringSubmatch(base)
	if m == nil {
		return base
	}
	date, err := time.Parse("20060102-150405", m[1])
	if err != nil {
		return m[1] + m[2]
	}
	return date.Format("2006-01-02 15:04:05") + m[2]
}

// namesOf are the names of results that have one, without their concurrencies where that
// makes several one server's.
func namesOf(files []*Stored, at []int) []string {
	names, short := make([]string, len(at)), make([]string, len(at))
	for k, i := range at {
		_, base := files[i].place()
		names[k], short[k] = repeatName.Get().ReplaceAllString(base, ""), withoutConcurrency(files[i])
	}
	if distinct(short) < distinct(names) {
		return short
	}
	return names
}

// distinct is how many different texts there are.
func distinct(texts []string) int { return len(slices.Compact(slices.Sorted(slices.Values(texts)))) }

// withoutConcurrency is a file's name without its concurrency: vllm_c16 and vllm_c64 are of vllm.
func withoutConcurrency(s *Stored) string {
	_, base := s.place()
	base = repeatName.Get().ReplaceAllString(base, "")
	n := s.load().concurrency
	if n == 0 {
		return base
	}
	at := regexp.MustCompile(`(?i)(^|[-_.])(?:(?:max[-_]?)?(?:c|cc|conc|concurrency)[-_]?)?` + strconv.Itoa(n) + `([-_.]|$)`).FindStringSubmatchIndex(base)
	if at == nil {
		return base
	}
	before, after := base[:at[0]], base[at[4]:]
	if before == "" {
		after = strings.TrimLeft(after, "-_.")
	}
	return cmp.Or(before+after, base)
}

// anyText reports whether any of the texts is not empty.
func anyText(texts []string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return s != "" })
}

// differencesOf are, for each of some results, what differs from one to another, in the order
// of what most likely makes servers different; "" where nothing does. What not all files have,
// and what tells no more of them apart, is left out; without full so is all but the model and
// the backend.
func differencesOf(files []*Stored, at []int, full bool) []string {
	texts := make([]string, len(at))
	add := func(name string, of func(s *Stored) string) {
		more := make([]string, len(at))
		for k, i := range at {
			v := strings.ReplaceAll(plain.Name(of(files[i]), longestLabel), "/", "_")
			if v == "" {
				return
			}
			if name != "" {
				v = name + " " + v
			}
			more[k] = strings.TrimPrefix(texts[k]+", "+v, ", ")
		}
		if distinct(more) > max(1, distinct(texts)) {
			texts = more
		}
	}
	add("", func(s *Stored) string { return s.file.ModelID[strings.LastIndexByte(s.file.ModelID, '/')+1:] })
	add("", func(s *Stored) string { return s.file.Backend })
	if !full {
		return texts
	}
	add("", (*Stored).program)
	add("", (*Stored).address)
	add("", (*Stored).serverVersion)
	for _, key := range settings {
		if key == "backend" || key == "request_rate" || key == "seed" { // named, the load's, and nothing of a server
			continue
		}
		add(words(key), func(s *Stored) string {
			if v := s.setting(key); v != nil {
				return fmt.Sprint(whole(v))
			}
			return ""
		})
	}
	return texts
}

// address is where the server was, "" where the file does not say.
func (s *Stored) address() string {
	if url, ok := s.setting("base_url").(string); ok && url != "" {
		_, rest, found := strings.Cut(url, "://")
		if !found {
			rest = url
		}
		return strings.TrimSuffix(rest, "/")
	}
	host, _ := s.setting("host").(string)
	if port := s.setting("port"); host != "" && port != nil {
		return fmt.Sprintf("%s:%v", host, whole(port))
	}
	return host
}

// serverVersion is what the server said of its version, "" where the file does not say.
func (s *Stored) serverVersion() string {
	if server := s.loadgen().Server; server != nil {
		return server.Version
	}
	return ""
}
