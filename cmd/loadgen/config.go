package main

import (
	"math"
	"math/big"
	"slices"
	"time"

	"loadgen/internal/argparse"
	"loadgen/internal/pyjson"
	"loadgen/internal/ranks"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// config is the command line of a benchmark.
type config struct {
	recording.Settings

	// repeated is set where several runs have to have the same prompts.
	repeated bool

	part        ranks.Rank // which process of several this is
	start       time.Time  // when all begin; zero where that is not set
	seedAssumed bool       // a seed was drawn

	configFile   *string // where more flags are
	output       string  // what stdout gets: text or json
	logFormat    string  // what stderr gets: text or json
	appendTo     *string // file that gets the result as a line
	saveRequests *string // file that gets a row for each request

	live        bool    // show the live view
	metricsAddr *string // where Prometheus is served

	table  []flag
	values argparse.Values // what was given, by flag
}

// newConfig is the original's defaults.
func newConfig() *config {
	return &config{Settings: recording.Defaults(), table: flagTable(), output: "text", logFormat: "text"}
}

// parse reads and checks a command line. The error is argparse.ErrHelp, or what is wrong.
func parse(argv []string) (*config, error) {
	c, err := readFlags(argv)
	if err != nil {
		return nil, err
	}
	return c, c.checkOwn()
}

// readFlags reads a command line as the original's parser does, before any check of values.
func readFlags(argv []string) (*config, error) {
	values, err := readWords(argv)
	if err != nil {
		return nil, err
	}
	return configOf(values), nil
}

// readWords reads words of a command line.
func readWords(argv []string) (argparse.Values, error) {
	flags := slices.Clone(helpFlags)
	for _, f := range flagTable() {
		flags = append(flags, f.Flag)
	}
	return argparse.Parse(flags, argv)
}

// configOf is the defaults with what was given.
func configOf(values argparse.Values) *config {
	c := newConfig()
	c.values = values
	for _, f := range c.table {
		if v, ok := values[f.Name]; ok {
			assign(f.bind(c), v)
		}
	}
	return c
}

// assign puts a parsed value where the flag's row says.
func assign(to, value any) {
	switch to := to.(type) {
	case *bool:
		*to = value.(bool)
	case *string:
		*to = value.(string)
	case **string:
		s := value.(string)
		*to = &s
	case *int:
		*to = saturate(value.(*big.Int))
	case **int:
		n := saturate(value.(*big.Int))
		*to = &n
	case **big.Int:
		*to = value.(*big.Int)
	case *float64:
		*to = value.(float64)
	case **float64:
		f := value.(float64)
		*to = &f
	case *recording.Records:
		*to = recording.Records{Asked: true, Dir: value.(string)}
	case **[]string:
		s := value.([]string)
		*to = &s
	default:
		panic("a flag is bound to a type that assign does not know")
	}
}

func saturate(n *big.Int) int {
	switch {
	case n.IsInt64():
		return int(n.Int64())
	case n.Sign() < 0:
		return math.MinInt
	}
	return math.MaxInt
}

// given reports whether a flag was on the command line.
func (c *config) given(name string) bool {
	_, ok := c.values[name]
	return ok
}

// namespace is the parsed command line under the original's names, before
// anything was assumed. Secrets in URLs are masked.
func (c *config) namespace() pyjson.Object {
	defaults := newConfig()
	var out pyjson.Object
	for _, f := range defaults.table {
		if f.Exact {
			continue
		}
		value, given := c.values[f.Name]
		if f.Newer && !given { // earlier texts of the original do not have it
			continue
		}
		if !given {
			value = f.bind(defaults)
		}
		if url, ok := value.(string); ok && (f.Name == "--base-url" || f.Name == "--endpoint") {
			value = client.RedactURLs(url)
		}
		out = append(out, pyjson.Member{Key: destination(f.Name), Value: recording.Plain(value)})
	}
	return out
}
