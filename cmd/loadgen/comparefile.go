package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"loadgen/pkg/report"
)

// comparePlan is a plan file: what is compared, and how.
type comparePlan struct {
	Title         string        `yaml:"title,omitempty"`
	Hardware      string        `yaml:"hardware,omitempty"`
	Configuration string        `yaml:"configuration,omitempty"`
	Results       string        `yaml:"results"`
	Levels        []int         `yaml:"levels,flow"`
	PerLevel      int           `yaml:"prompts_per_concurrency"`
	Repeats       int           `yaml:"repeats"`
	Order         string        `yaml:"order"`
	CoolDown      duration      `yaml:"cool_down"`
	Warmup        int           `yaml:"warmup"`
	OriginSeeds   bool          `yaml:"origin_compatible,omitempty"`
	Gates         []string      `yaml:"gates,omitempty"`
	Flags         benchFlags    `yaml:"flags,omitempty"`
	Sides         []compareSide `yaml:"sides"`

	gates []report.Gate
}

// compareSide is one of the servers.
type compareSide struct {
	Name  string            `yaml:"name"`
	Label string            `yaml:"label,omitempty"`
	Dir   string            `yaml:"dir,omitempty"` // of the results, beneath the plan's
	URL   string            `yaml:"url"`
	Start commandLine       `yaml:"start,omitempty,flow"`
	Exec  commandLine       `yaml:"exec,omitempty,flow"`
	Env   map[string]string `yaml:"env,omitempty"`
	Cwd   string            `yaml:"cwd,omitempty"`
	Ready readyRule         `yaml:"ready,omitempty"`
	Stop  stopRule          `yaml:"stop,omitempty"`

	Version string     `yaml:"version,omitempty"` // a note
	Flags   benchFlags `yaml:"flags,omitempty"`
}

type readyRule struct {
	Path  string   `yaml:"path,omitempty"`
	Limit duration `yaml:"limit,omitempty"`
	Poll  duration `yaml:"poll,omitempty"`
}

type stopRule struct {
	Limit duration `yaml:"limit,omitempty"` // from TERM to KILL
	Free  duration `yaml:"free,omitempty"`  // until the port refuses
}

// The orders of a comparison's runs.
const (
	orderSides       = "sides"       // one side after the other
	orderInterleaved = "interleaved" // level by level, the sides in turn
	orderABBA        = "ABBA"        // the same, every other repeat the other way round
)

// duration is written as 30s or 5m; a bare number is seconds.
type duration time.Duration

func (d *duration) UnmarshalYAML(node *yaml.Node) error {
	text := node.Value
	if regexp.MustCompile(`^[0-9.]+$`).MatchString(text) {
		text += "s"
	}
	v, err := time.ParseDuration(text)
	if node.Kind != yaml.ScalarNode || err != nil || v < 0 {
		return fmt.Errorf("line %d: %q is no time: want 30s, 5m or a number of seconds", node.Line, node.Value)
	}
	*d = duration(v)
	return nil
}

func (d duration) MarshalYAML() (any, error) { return time.Duration(d).String(), nil }

// commandLine is a command: a list, or a text that is split as a shell splits it.
type commandLine []string

func (w *commandLine) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.SequenceNode {
		return node.Decode((*[]string)(w))
	}
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: want a command, as a text or a list of words", node.Line)
	}
	all, err := splitWords(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	*w = all
	return nil
}

// splitWords splits a command line by a shell's rules for blanks, quotes and
// backslashes. Nothing is expanded.
func splitWords(text string) (out []string, err error) {
	var word strings.Builder
	open, quote := false, rune(0)
	escaped := false
	for _, c := range text {
		switch {
		case escaped:
			if quote == '"' && !strings.ContainsRune("\"\\$`", c) {
				word.WriteByte('\\')
			}
			if c != '\n' {
				word.WriteRune(c)
			}
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, open = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && strings.ContainsRune(" \t\n\r", c):
			if open {
				out = append(out, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("the command ends within a quotation")
	}
	if open {
		out = append(out, word.String())
	}
	return out, nil
}

// defaultPlan holds what a plan file need not say.
func defaultPlan() *comparePlan {
	return &comparePlan{
		Results:  "bench_results",
		Levels:   []int{16, 64, 128},
		PerLevel: 5,
		Repeats:  1,
		Order:    orderSides,
		CoolDown: duration(5 * time.Second),
		Warmup:   8,
	}
}

// readPlan reads a plan file.
func readPlan(name string) (*comparePlan, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	p := defaultPlan()
	if err := p.parse(text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

func (p *comparePlan) parse(text []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(p); err != nil && !errors.Is(err, io.EOF) {
		return plainYAML(err)
	}
	var second yaml.Node
	if err := decoder.Decode(&second); err == nil {
		return fmt.Errorf("line %d: a plan is one document, and another begins here", second.Line)
	}
	var whole yaml.Node
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return plainYAML(err)
	}
	if err := fractions(&whole); err != nil {
		return err
	}
	return p.check()
}

// fractions finds numbers with a fraction where none may be: the decoder would cut
// them. Flags of the benchmark look after themselves.
func fractions(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!float" {
		return fmt.Errorf("line %d: %q where a whole number is wanted", node.Line, node.Value)
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && (i%2 == 0 || !slices.Contains(wholeNumbers, node.Content[i-1].Value)) {
			continue
		}
		if err := fractions(child); err != nil {
			return err
		}
	}
	return nil
}

var wholeNumbers = []string{"levels", "prompts_per_concurrency", "repeats", "warmup"}

var (
	unknownKey = regexp.MustCompile(`field (\S+) not found in type \S+`)
	wrongType  = regexp.MustCompile("cannot unmarshal (!!\\w+)(?: (`[^`]*`))? into (\\S+)")
)

// plainYAML says what is wrong with a plan in the words of its writer.
func plainYAML(err error) error {
	words := strings.TrimPrefix(err.Error(), "yaml: ")
	words = strings.ReplaceAll(words, "unmarshal errors:\n  ", "")
	words = unknownKey.ReplaceAllString(words, `there is no key "$1" here`)
	words = wrongType.ReplaceAllStringFunc(words, func(text string) string {
		m := wrongType.FindStringSubmatch(text)
		found := strings.ReplaceAll(m[2], "`", `"`)
		if found == "" {
			found = cmp.Or(map[string]string{"!!seq": "a list", "!!map": "a table"}[m[1]], "this")
		}
		wanted := map[string]string{
			"int":                "a whole number",
			"[]int":              "a list of whole numbers",
			"string":             "a text",
			"[]string":           "a list of texts",
			"map[string]string":  "a table of texts",
			"bool":               "true or false",
			"[]main.compareSide": "a list of sides",
		}[m[3]]
		return fmt.Sprintf("%s where %s is wanted", found, cmp.Or(wanted, "a table"))
	})
	return errors.New(words)
}

// mostRuns is more than anybody waits for.
const mostRuns = 100_000

var sideName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

// check completes the plan and finds what is wrong with it.
func (p *comparePlan) check() error {
	switch {
	case len(p.Sides) < 2:
		return errors.New("sides: a comparison wants two or more")
	case len(p.Levels) == 0 || slices.Min(p.Levels) < 1:
		return errors.New("levels: want concurrencies of 1 or more")
	case p.PerLevel < 1 || p.Repeats < 1:
		return errors.New("prompts_per_concurrency and repeats: want 1 or more")
	case len(p.Sides)*len(p.Levels)*p.Repeats > mostRuns:
		return fmt.Errorf("repeats: %d are %d runs, which is more than %d", p.Repeats, len(p.Sides)*len(p.Levels)*p.Repeats, mostRuns)
	case p.Warmup < 0:
		return errors.New("warmup: want 0 or more")
	case p.OriginSeeds && (p.Flags.seed(0) != 0 || slices.ContainsFunc(p.Sides, func(s compareSide) bool { return s.Flags.seed(0) != 0 })):
		return errors.New("origin_compatible (--origin-compatible) keeps seed 0: take the seed out of the flags")
	case p.Results == "":
		return errors.New("results: want a directory")
	case !slices.Contains([]string{orderSides, orderInterleaved, orderABBA}, p.Order):
		return fmt.Errorf("order: %q is none of sides, interleaved and ABBA", p.Order)
	}
	for i, n := range p.Levels {
		if slices.Contains(p.Levels[:i], n) {
			return fmt.Errorf("levels: %d is there twice", n)
		}
	}
	p.gates = nil
	for _, text := range p.Gates {
		g, err := report.ParseGate(text)
		if err != nil {
			return fmt.Errorf("gates: %w", err)
		}
		p.gates = append(p.gates, g)
	}
	seen := map[string]bool{}
	for i := range p.Sides {
		s := &p.Sides[i]
		if err := s.check(); err != nil {
			return fmt.Errorf("side %d %q: %w", i+1, s.Name, err)
		}
		if seen[s.Name] || seen["/"+s.Dir] {
			return fmt.Errorf("side %d %q: another side has its name or directory", i+1, s.Name)
		}
		seen[s.Name], seen["/"+s.Dir] = true, true
		for _, level := range p.Levels {
			argv, err := p.argv(s, level, 0, 0)
			if err != nil {
				return err
			}
			if _, err = parse(argv); err != nil {
				if placed := s.Flags.at("", err); placed != err {
					return placed
				}
				return p.Flags.at("", fmt.Errorf("side %q: %w", s.Name, err))
			}
		}
	}
	return nil
}

func (s *compareSide) check() error {
	if !sideName.MatchString(s.Name) {
		return errors.New("name: want letters, digits, and ._+- within")
	}
	if s.Dir == "" {
		s.Dir = s.Name
	}
	if s.URL == "" {
		s.URL = "http://127.0.0.1:8000"
	}
	switch u, err := url.Parse(s.URL); {
	case !filepath.IsLocal(s.Dir) || strings.ContainsAny(s.Dir, `/\`):
		return fmt.Errorf("dir: %q is no name of a directory beneath the results'", s.Dir)
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("url: %q is not of the form http://host:port", s.URL)
	case s.Ready.Path != "" && !strings.HasPrefix(s.Ready.Path, "/"):
		return fmt.Errorf("ready: path: %q does not begin with /", s.Ready.Path)
	case len(s.Start) == 0 && len(s.Exec) > 0:
		return errors.New("exec: there is no start command for it to run")
	}
	for key := range s.Env {
		if key == "" || strings.ContainsAny(key, "=\x00") {
			return fmt.Errorf("env: %q is no name of a variable", key)
		}
	}
	return nil
}

// label is what the side is called in reports.
func (s *compareSide) label() string {
	if s.Label != "" {
		return s.Label
	}
	return s.Name
}

// savedPlan is the name under which the effective plan lies beside its results.
const savedPlan = "compare.yaml"

// naming is what the plan says for the report.
func (p *comparePlan) naming() report.Naming {
	n := report.Naming{Labels: map[string]string{}, Title: p.Title, Hardware: p.Hardware, Configuration: p.Configuration}
	for _, s := range p.Sides {
		if s.Label != "" {
			n.Labels[s.Dir] = s.Label
		}
		n.Order = append(n.Order, s.Dir)
	}
	return n
}

// savedNaming completes what the user says of results by the plan beside them.
func savedNaming(dir string, n *report.Naming) {
	p := defaultPlan()
	text, err := os.ReadFile(filepath.Join(dir, savedPlan))
	if err != nil || yaml.Unmarshal(text, p) != nil {
		return
	}
	saved := p.naming()
	for name, label := range saved.Labels {
		if n.Labels[name] == "" {
			n.Labels[name] = label
		}
	}
	n.Order = append(n.Order, saved.Order...)
	for _, pair := range [][2]*string{{&n.Title, &saved.Title}, {&n.Hardware, &saved.Hardware}, {&n.Configuration, &saved.Configuration}} {
		if *pair[0] == "" {
			*pair[0] = *pair[1]
		}
	}
}
