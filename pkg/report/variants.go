package report

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/judge"
	"loadgen/internal/lazy"
	"loadgen/internal/plain"
	"loadgen/internal/sweep"
)

// Variant is the results of one server, or of one variant of it.
type Variant struct {
	Name, Label string
	Runs        []*Stored // by concurrency, then by repeat
}

// Group is servers that have concurrencies in common, and the comparison of them.
type Group struct {
	Variants []Variant
	Loads    []string
	Runs     [][][]*Stored // by concurrency and server: the repeats
	load     string        // what Loads are: concurrency, request rate, or load for both
	judged   *judge.Comparison
	// Hardware and Configuration are what the files do not have: "2x H200", "TP=2".
	Title, Hardware, Configuration string
	words                          map[string]string // of hints
	gates                          []Gate
	measured                       *sweep.Curve // what curve returns
	certain                        *Certain
}

// Naming is what the user adds to the results: labels by a server's name, the baseline,
// and what the files do not have.
type Naming struct {
	Labels                         map[string]string
	Order                          []string // names of servers, the baseline first
	Title, Hardware, Configuration string
	// AcrossClients compares the results of different clients on purpose.
	AcrossClients bool
	// Certain asks for what is certain at any number of repeats; nil does not.
	Certain *Certain
	// Gates are bounds whose outcome the report has.
	Gates []Gate
	// Hints are what can be done about what is not comparable, by the hint's code, in words
	// that may name flags: own_core, batch_limit, raise_batch, per_token, ignore_eos, same_load,
	// failures, other_prompts, across_clients, repeat. Those that are not there have words without flags.
	Hints map[string]string
}

func (n *Naming) judging() judge.Options { return judge.Options{AcrossClients: n.AcrossClients} }

// The labels of the layouts that benchmark_serving's users share.
var knownLabels = map[string]string{
	"pytorch_hf": "PyTorch (HF)", "trt_engine": "TensorRT Engine",
	"1_vllm": "vLLM", "3_trtllm_pytorch": "TensorRT-LLM PyTorch", "4_trtllm_engine": "TensorRT-LLM Engine",
}

var repeatName = lazy.Regexp(`_repeat_\d+$`)

// Groups sorts results into servers, a directory each, and servers with common
// concurrencies into groups. Files of a directory with the same concurrency that are not
// called repeats (NAME_repeat_2.json) are of several servers: by their names, or, where nobody
// gave them one, by what differs among them.
func Groups(files []*Stored, n Naming) []*Group {
	var groups []*Group
	for _, variants := range linked(variantsOf(files, n)) {
		g := newGroup(variants, n)
		g.gates, g.certain = n.Gates, n.Certain
		groups = append(groups, g)
	}
	return groups
}

func variantsOf(files []*Stored, n Naming) []Variant {
	var variants []Variant
	keys := keysOf(files)
	for i, f := range files {
		key := keys[i]
		at := slices.IndexFunc(variants, func(s Variant) bool { return s.Name == key })
		if at < 0 {
			at = len(variants)
			variants = append(variants, Variant{Name: key})
		}
		variants[at].Runs = append(variants[at].Runs, f)
	}
	shorten(variants)
	for i := range variants {
		s := &variants[i]
		slices.SortStableFunc(s.Runs, func(a, b *Stored) int { return a.load().compare(b.load()) })
		s.Label = plain.Name(cmp.Or(n.Labels[s.Name], knownLabels[s.Name], s.Name), longestLabel)
	}
	disambiguate(variants)
	slices.SortStableFunc(variants, func(a, b Variant) int { return cmp.Compare(n.rank(a), n.rank(b)) })
	return variants
}

// longestLabel is how many characters of a label are shown.
const longestLabel = 60

// disambiguate adds their names to labels that several servers have.
func disambiguate(variants []Variant) {
	count := map[string]int{}
	for _, s := range variants {
		count[s.Label]++
	}
	for i := range variants {
		if s := &variants[i]; s.Label == "" || count[s.Label] > 1 {
			s.Label = strings.TrimSpace(s.Label + " (" + plain.Name(s.Name, longestLabel) + ")")
		}
	}
}

// rank is a server's place in the order, the last where it is not named there.
func (n *Naming) rank(s Variant) int {
	if at := slices.Index(n.Order, s.Name); at >= 0 {
		return at
	}
	if at := slices.Index(n.Order, s.Label); at >= 0 {
		return at
	}
	return len(n.Order)
}

// place is a file's directory and its name without .json.
func (s *Stored) place() (dir, base string) {
	path, err := filepath.Abs(s.Name)
	if err != nil {
		path = s.Name
	}
	if s.part > 0 { // a file of several results is like a directory of them
		path = strings.TrimSuffix(path, fmt.Sprintf(":%d", s.part))
		return strings.TrimSuffix(path, filepath.Ext(path)), fmt.Sprintf("result_%d", s.part)
	}
	return filepath.Dir(path), strings.TrimSuffix(filepath.Base(path), ".json")
}

// shorten leaves only the last parts of the servers' paths that make them different.
func shorten(variants []Variant) {
	for parts := 1; parts < 100; parts++ {
		short := make([]string, len(variants))
		seen := map[string]bool{}
		for i, s := range variants {
			all := strings.Split(filepath.ToSlash(s.Name), "/")
			short[i] = strings.Join(all[max(0, len(all)-parts):], "/")
			seen[short[i]] = true
		}
		if len(seen) == len(variants) {
			for i := range variants {
				variants[i].Name = short[i]
			}
			return
		}
	}
}

// load is the load of a run: its concurrency, its rate, or neither.
type load struct {
	concurrency int
	rate        float64 // 0 for all at once
}

var concurrencyName = lazy.Regexp(`concurrency_?(\d+)`)

// load is the file's, or, in layouts that do not keep it, its name's.
func (s *Stored) load() load {
	l := load{concurrency: countOf(s.file.MaxConcurrency), rate: s.rate()}
	if l.concurrency == 0 {
		if m := concurrencyName.Get().FindStringSubmatch(filepath.Base(s.Name)); m != nil {
			l.concurrency, _ = strconv.Atoi(m[1])
		}
	}
	return l
}

// rate is the request rate, 0 where all were due at once: "inf" is no number.
func (s *Stored) rate() float64 {
	if rate := s.file.RequestRate; rate != nil && *rate > 0 && !math.IsInf(float64(*rate), 0) {
		return float64(*rate)
	}
	return 0
}

func (l load) compare(o load) int {
	return cmp.Or(cmp.Compare(l.concurrency, o.concurrency), cmp.Compare(l.rate, o.rate))
}

func (l load) String() string {
	switch {
	case l.rate > 0 && l.concurrency > 0:
		return fmt.Sprintf("%d at %g/s", l.concurrency, l.rate)
	case l.rate > 0:
		return fmt.Sprintf("%g/s", l.rate)
	case l.concurrency > 0:
		return strconv.Itoa(l.concurrency)
	}
	return "unbounded"
}

// loadOf is what loads are.
func loadOf(loads []load) string {
	rates := 0
	for _, l := range loads {
		if l.rate > 0 {
			rates++
		}
	}
	switch {
	case rates == 0:
		return "concurrency"
	case rates == len(loads) && !slices.ContainsFunc(loads, func(l load) bool { return l.concurrency > 0 }):
		return "request rate"
	}
	return "load"
}

// at says where something is so: "" for everywhere, " from concurrency 64 up", " at request
// rate 2/s, 8/s".
func (g *Group) at(loads []int) string {
	name := g.load + " "
	if g.load == "load" {
		name = "" // the names say which
	}
	switch n := len(loads); {
	case n == len(g.Loads):
		return ""
	case n > 1 && loads[0]+n == len(g.Loads):
		return " from " + name + g.Loads[loads[0]] + " up"
	}
	return " at " + name + g.loadNames(loads)
}

func (s *Variant) loads() (out []load) {
	for _, r := range s.Runs {
		if l := r.load(); !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// disjoint reports whether the servers have one concurrency each, and none in common: they
// are compared all the same, and that they differ is said.
func disjoint(variants []Variant) bool {
	for i := range variants {
		if len(variants[i].loads()) != 1 || slices.ContainsFunc(variants[:i], func(o Variant) bool { return shares(&o, &variants[i]) }) {
			return false
		}
	}
	return len(variants) > 1
}

// linked puts servers that share a concurrency together. A group of the origin's layout
// comes first.
func linked(variants []Variant) (groups [][]Variant) {
	if disjoint(variants) {
		return [][]Variant{variants}
	}
	for _, s := range variants {
		group := []Variant{s}
		var rest [][]Variant
		for _, g := range groups {
			if slices.ContainsFunc(g, func(o Variant) bool { return shares(&o, &s) }) {
				group = append(g, group...)
			} else {
				rest = append(rest, g)
			}
		}
		groups = append(rest, group)
	}
	origin := func(g []Variant) int {
		if slices.ContainsFunc(g, func(s Variant) bool { return s.Name == "pytorch_hf" }) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(groups, func(a, b []Variant) int { return origin(a) - origin(b) })
	return groups
}

func shares(a, b *Variant) bool {
	return slices.ContainsFunc(a.loads(), func(l load) bool { return slices.Contains(b.loads(), l) })
}

func newGroup(variants []Variant, n Naming) *Group {
	g := &Group{Variants: variants, Title: n.Title, Hardware: n.Hardware, Configuration: n.Configuration, words: n.Hints}
	var loads []load
	labels := make([]string, len(variants))
	for i := range variants {
		labels[i] = variants[i].Label
		for _, l := range variants[i].loads() {
			if !slices.Contains(loads, l) {
				loads = append(loads, l)
			}
		}
	}
	slices.SortFunc(loads, load.compare)
	g.load = loadOf(loads)
	at := func(l load, s *Variant) (runs []*Stored) {
		for _, r := range s.Runs {
			if r.load() == l {
				runs = append(runs, r)
			}
		}
		return runs
	}
	if disjoint(variants) {
		return g.aligned(labels, n)
	}
	var summaries [][]*judge.Summary
	for _, l := range loads {
		var runs [][]*Stored
		var row []*judge.Summary
		for i := range variants {
			of := at(l, &variants[i])
			runs, row = append(runs, of), append(row, summarize(of))
		}
		g.Loads, g.Runs, summaries = append(g.Loads, l.String()), append(g.Runs, runs), append(summaries, row)
	}
	g.judged = judge.Judge(labels, g.Loads, summaries, n.judging())
	return g
}

// aligned compares servers of one concurrency each, which are not the same.
func (g *Group) aligned(labels []string, n Naming) *Group {
	var names []string
	var runs [][]*Stored
	var row []*judge.Summary
	for i := range g.Variants {
		if name := g.Variants[i].Runs[0].load().String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
		runs, row = append(runs, g.Variants[i].Runs), append(row, summarize(g.Variants[i].Runs))
	}
	g.Loads, g.Runs = []string{strings.Join(names, "/")}, [][][]*Stored{runs}
	g.judged = judge.Judge(labels, g.Loads, [][]*judge.Summary{row}, n.judging())
	return g
}
