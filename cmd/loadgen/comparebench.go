package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/argparse"
	"loadgen/internal/bench"
	"loadgen/internal/compare"
	"loadgen/internal/outfile"
	"loadgen/internal/recording"
	"loadgen/internal/result"
	"loadgen/pkg/client"
	"loadgen/pkg/report"
)

// compareBench is the benchmark as a comparison uses it.
type compareBench struct {
	s streams
	// files are those that were found to be right, by the settings that name them. nil checks
	// none: a dry run may be made where they are not, and runs check theirs themselves.
	files map[string]bool
}

// planKeys are the flags that a plan sets by keys of its own.
var planKeys = map[string]string{"--base-url": "url", "--host": "url", "--port": "url", "--max-concurrency": "concurrencies", "--warmup": "warmup", "--result-dir": "results", "--result-filename": "results"}

// Settle makes a run's command line and parses it: what the comparison sets, then the
// plan's flags, then the server's, which override them.
func (b compareBench) Settle(l compare.Load) (compare.Settled, error) {
	table := flagTable()
	common, err := planFlags(table, l.Common)
	if err != nil {
		return nil, err
	}
	own, err := planFlags(table, l.Own)
	if err != nil {
		return nil, err
	}
	argv := []string{"--base-url", l.URL, "--max-concurrency", strconv.Itoa(l.Concurrency)}
	for _, d := range [][]string{{"--num-prompts", strconv.Itoa(l.Requests)}, {"--percentile-metrics", "ttft,tpot,itl,e2el"}} {
		if name := strings.TrimPrefix(d[0], "--"); !isGiven(common, name) && !isGiven(own, name) {
			argv = append(argv, d...)
		}
	}
	argv = append(argv, "--save-result", "--save-detailed")
	if !l.TestInput {
		argv = append(argv, "--no-test-input")
	}
	if l.Warmup > 0 {
		argv = append(argv, "--warmup", strconv.Itoa(l.Warmup))
	}
	argv = slices.Concat(argv, common, own)
	if l.Seed != nil {
		argv = append(argv, "--seed", strconv.Itoa(*l.Seed))
	}
	argv = append(argv, "--result-dir", l.Dir, "--result-filename", l.File)
	cfg, err := parse(argv)
	if err != nil {
		return nil, flagError(err)
	}
	cfg.repeated = true
	if err := b.check(cfg); err != nil {
		return nil, err
	}
	return &settledRun{b.s, cfg, argv, filepath.Join(l.Dir, l.File)}, nil
}

// check checks what a run's flags say, before a server is started for it.
func (b compareBench) check(cfg *config) error {
	run := *cfg
	run.assume()
	err := bench.Check(&run.Settings)
	if key := run.fileNames(); err == nil && b.files != nil && !b.files[key] {
		err = cmp.Or(bench.CheckFiles(&run.Settings, b.s.lookup), bench.CheckDataset(context.Background(), &run.Settings))
		b.files[key] = err == nil
	}
	var setting *recording.SettingError
	switch errors.As(err, &setting); {
	case setting == nil || setting.Setting == "":
	case setting.Setting == "dataset_path" && b.files == nil:
		return nil
	default:
		return &compare.FlagError{Flag: strings.TrimPrefix(flagName(setting.Setting), "--"), Err: errors.New(message(err))}
	}
	if err != nil {
		return errors.New(message(err))
	}
	return nil
}

// fileNames are the settings that name files, as one text.
func (c *config) fileNames() string {
	names := []*string{&c.DatasetName, c.DatasetPath, c.Model, c.Tokenizer, c.CustomTokenizer, &c.TokenizerMode, c.APIKeyFile, c.CACert, c.ClientCert, c.ClientKey}
	var key strings.Builder
	for _, name := range names {
		fmt.Fprintf(&key, "%q ", recording.Text(name))
	}
	return key.String()
}

// flagError names the flag that an error of the command line is about.
func flagError(err error) error {
	_, after, found := strings.Cut(err.Error(), "argument --")
	if name, _, _ := strings.Cut(after, ":"); found {
		return &compare.FlagError{Flag: name, Err: err}
	}
	return err
}

// planFlags are flags of a plan as words of a command line. A true is a switch, a false
// its absence.
func planFlags(table []flag, f compare.Flags) (argv []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(f.Values())) {
		words, err := optionWords(table, "--"+name, f.Values()[name])
		if ours := elsewhere["--"+name]; err != nil && planKeys[ours] != "" {
			err = fmt.Errorf("the benchmark has no flag --%s; the plan's key %s sets it", name, planKeys[ours])
		}
		if key := planKeys["--"+name]; err == nil && key != "" {
			err = fmt.Errorf("--%s is set by the comparison: use the plan's key %s", name, key)
		}
		if slices.ContainsFunc(table, func(f flag) bool { return f.Name == "--"+name && (f.aside || f.shared()) }) {
			err = fmt.Errorf("--%s is for single runs, not for a comparison", name)
		}
		if err != nil {
			return nil, &compare.FlagError{Flag: name, Err: err}
		}
		argv = append(argv, words...)
	}
	return argv, nil
}

// optionWords is one flag as words of a command line.
func optionWords(table []flag, option string, value any) (words []string, err error) {
	row := slices.IndexFunc(table, func(t flag) bool { return t.Name == option })
	if row < 0 {
		var names []string
		for _, f := range table {
			names = append(names, f.Name)
		}
		hint := ""
		if near := meantFlag(option, names); near != "" {
			hint = fmt.Sprintf("; did you mean %s?", strings.TrimPrefix(near, "--"))
		}
		return nil, fmt.Errorf("the benchmark has no flag %s%s", option, hint)
	}
	switch v := value.(type) {
	case bool:
		if kind := table[row].Kind; kind != argparse.Switch && kind != argparse.Optional {
			return nil, fmt.Errorf("%s needs a value", option)
		}
		if v {
			words = append(words, option)
		}
	case []any:
		switch kind := table[row].Kind; {
		case table[row].value == "LIST": // one word, with commas
			return append(words, option+"="+commaList(v)), nil
		case !table[row].Repeats && kind != argparse.List && kind != argparse.ListSome:
			return nil, fmt.Errorf("%s takes one value, not a list", option)
		case !table[row].Repeats:
			words = append(words, option)
		}
		for _, one := range v {
			if table[row].Repeats {
				words = append(words, option)
			}
			words = append(words, fmt.Sprint(one))
		}
	case nil:
		return nil, fmt.Errorf("%s has no value", option)
	case map[string]any, map[any]any:
		return nil, fmt.Errorf("%s needs a value, not a table", option)
	case string:
		if on, err := truth(v); table[row].Kind == argparse.Switch {
			if err != nil {
				return nil, fmt.Errorf("%s is true or false, not %q", option, v)
			}
			return optionWords(table, option, on)
		}
		words = append(words, option+"="+v)
	default:
		words = append(words, option+"="+fmt.Sprint(v))
	}
	return words, nil
}

// commaList is a list as a word.
func commaList(values []any) string {
	words := make([]string, len(values))
	for i, one := range values {
		words[i] = fmt.Sprint(one)
	}
	return strings.Join(words, ",")
}

// truth reads a switch of a file or a variable: what Go takes for true or false, and what YAML did.
func truth(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "yes", "on":
		return true, nil
	case "no", "off":
		return false, nil
	}
	return strconv.ParseBool(text)
}

// Mask hides the values of headers, and of keys in body patches.
func (compareBench) Mask(f compare.Flags) compare.Flags {
	values := maps.Clone(f.Values())
	for key, mask := range map[string]func(string) string{"header": maskedHeader, "body-patch": client.RedactJSON, "base-url": client.RedactURLs, "endpoint": client.Redact} {
		switch value := values[key].(type) {
		case nil:
		case []any:
			hidden := make([]any, len(value))
			for i, one := range value {
				hidden[i] = mask(fmt.Sprint(one))
			}
			values[key] = hidden
		default:
			values[key] = mask(fmt.Sprint(value))
		}
	}
	return compare.NewFlags(values)
}

// maskedHeader hides the value of a NAME:VALUE line.
func maskedHeader(line string) string {
	name, _, found := strings.Cut(line, ":")
	if !found {
		return "***"
	}
	return name + ": ***"
}

// settledRun is one run of a comparison.
type settledRun struct {
	s    streams
	cfg  *config
	argv []string
	path string
}

func (r *settledRun) Requests() int { return r.cfg.NumPrompts }

// CommandLine is the run's flags, with secrets masked.
func (r *settledRun) CommandLine() []string {
	out := slices.Clone(r.argv)
	flag := ""
	for i, word := range out {
		value, prefix := word, ""
		if strings.HasPrefix(word, "--") {
			joined := false
			if flag, value, joined = strings.Cut(word, "="); !joined {
				continue
			}
			prefix = flag + "="
		}
		switch flag {
		case "--base-url", "--endpoint":
			out[i] = prefix + client.Redact(value)
		case "--header":
			out[i] = prefix + maskedHeader(value)
		case "--body-patch":
			out[i] = prefix + client.RedactJSON(value)
		}
	}
	return out
}

func (r *settledRun) Identity() []any { return []any{r.cfg.Model, r.cfg.Tokenizer, r.cfg.Header} }

func (r *settledRun) CheckOutput() error {
	release, err := outfile.Prove(r.path)
	release()
	return elsewhereHint(err)
}

// elsewhereHint names the flag that the directory of a subcommand's results comes from.
func elsewhereHint(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; --results DIR writes elsewhere", err)
}

// Stored reads the run's result, and finds in which setting it differs from the run.
func (r *settledRun) Stored() (compare.Stored, error) { return r.storedBut() }

// storedBut is the same but for flags that do not matter.
func (r *settledRun) storedBut(aside ...string) (compare.Stored, error) {
	stored, err := report.ReadStored(r.path)
	if err != nil {
		return compare.Stored{}, err
	}
	out := compare.Stored{Complete: stored.Complete(), ClientLimited: strings.HasPrefix(stored.Verdict(), "client-limited"), Server: stored.ServerPlan()}
	r.cfg.assume() // as the run itself will
	for _, f := range r.cfg.table {
		if f.aside || slices.Contains(aside, f.Name) {
			continue
		}
		switch f.Name {
		case "--model", "--tokenizer", "--header", "--base-url", "--result-dir", "--disable-tqdm":
			continue
		}
		if differs := stored.Differs(destination(f.Name), recording.Plain(f.bind(r.cfg))); differs != "" {
			out.Differs = f.Name + " " + differs
			break
		}
	}
	return out, nil
}

// Run makes the run.
func (r *settledRun) Run(ctx context.Context, text io.Writer, about func() *result.Server) error {
	m := &benchmark{cfg: r.cfg, s: streams{in: r.s.in, out: text, err: r.s.err, lookup: r.s.lookup}, system: thisSystem(), server: about}
	err := m.run(ctx)
	if errors.Is(err, errReported) {
		return compare.ErrAllFailed
	}
	if usage := (usageError{}); errors.As(err, &usage) { // servers have been started: it is a run that failed
		return usage.error
	}
	return err
}
