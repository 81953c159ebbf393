package main

import (
	"math"
	"math/big"
	"strings"
	"time"

	"loadgen/internal/argparse"
	"loadgen/internal/pyjson"
)

// config is the command line of a benchmark.
type config struct {
	Backend, Endpoint, Host                 string
	BaseURL                                 *string
	Port                                    int
	DatasetName                             string
	DatasetPath, DownloadPath               *string
	DownloadTimeout                         int
	MaxConcurrency                          *int
	Model, Tokenizer                        *string
	UseBeamSearch                           bool
	NumPrompts                              int
	Logprobs, TopK                          *big.Int // as they are, for the server to judge
	RequestRate, Burstiness                 float64
	NonStreaming                            bool
	Seed                                    int
	TrustRemoteCode                         bool
	CustomTokenizer                         *string
	DisableTqdm, Profile                    bool
	SaveResult, SaveDetailed                bool
	Metadata                                *[]string
	ResultDir, ResultFilename               *string
	IgnoreEOS                               bool
	PercentileMetrics, MetricPercentiles    string
	Goodput                                 *[]string
	SonnetInputLen, SonnetOutputLen         int
	SonnetPrefixLen                         int
	ShareGPTOutputLen                       *int
	RandomInputLen, RandomOutputLen         int
	RandomRangeRatio                        float64
	RandomPrefixLen                         int
	RandomIDs, TokenizeOnClient             bool
	RandomImageWidth, RandomImageHeight     int
	RandomImageSize, RandomNumImages        int
	HFSubset, HFSplit                       *string
	HFOutputLen                             *int
	TopP, MinP, Temperature                 *float64
	TokenizerMode                           string
	ServedModelName                         *string
	LoRAModules                             *[]string
	NoTestInput                             bool
	DryRun, KeepAlive, StrictJSON           bool
	Header                                  *[]string
	WaitReady, Timeout, IdleTimeout         float64 // seconds
	Failures, Compat, Timestamps, Transport string
	BodyPatch, Sim, Require, SaveTimeline   *string
	TimeBreakdown, SelfTest, Extended       bool
	ContinuousUsage, ServerMetrics          bool
	Warmup                                  int

	table  []flag
	values argparse.Values // what was given, by flag
}

// newConfig is the original's defaults.
func newConfig() *config {
	return &config{
		Backend: "openai", Endpoint: "/v1/completions", Host: "127.0.0.1", Port: 8000, DatasetName: "sharegpt",
		DownloadTimeout: 180, NumPrompts: 1000, RequestRate: math.Inf(1), Burstiness: 1,
		PercentileMetrics: "ttft,tpot,itl", MetricPercentiles: "99",
		SonnetInputLen: 550, SonnetOutputLen: 150, SonnetPrefixLen: 200, RandomInputLen: 1024, RandomOutputLen: 128,
		RandomImageWidth: 512, RandomImageHeight: 512, RandomImageSize: 512, RandomNumImages: 1, TokenizerMode: "auto",
		Timeout: 6 * 3600, Failures: "strict", Compat: "latest", Timestamps: "auto", Transport: "auto",
		table: flagTable(),
	}
}

// parse reads a command line. The error is argparse.ErrHelp, or what is wrong.
func parse(argv []string) (*config, error) {
	c := newConfig()
	if is12(argv) {
		c.table = append(c.table, timeBreakdown)
	}
	flags := []argparse.Flag{{Name: "--help", Short: "-h", Kind: argparse.Help}}
	for _, f := range c.table {
		flags = append(flags, f.Flag)
	}
	values, err := argparse.Parse(flags, argv)
	if err != nil {
		return nil, err
	}
	c.values = values
	for _, f := range c.table {
		if v, ok := values[f.Name]; ok {
			assign(f.bind(c), v)
		}
	}
	return c, c.checkOwn()
}

// is12 tells whether a command line asks for the 1.2 release's ways, whose one
// more flag is unknown otherwise.
func is12(argv []string) bool {
	for i, word := range argv {
		if word == "--compat=1.2" || word == "--compat" && i+1 < len(argv) && argv[i+1] == "1.2" {
			return true
		}
	}
	return false
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

// given tells whether a flag was on the command line.
func (c *config) given(name string) bool {
	_, ok := c.values[name]
	return ok
}

// destination is argparse's name for a flag: --max-concurrency is max_concurrency.
func destination(name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(name, "--"), "-", "_")
}

// namespace is the parsed command line under the original's names, before
// anything was assumed.
func (c *config) namespace() pyjson.Object {
	defaults := newConfig()
	var out pyjson.Object
	for _, f := range defaults.table {
		if f.Exact {
			continue
		}
		value, given := c.values[f.Name]
		if !given {
			value = f.bind(defaults)
		}
		out = append(out, pyjson.Member{Key: destination(f.Name), Value: plain(value)})
	}
	return out
}

// plain turns a flag's value, or a pointer to it, into one for JSON; infinities
// and NaN as strings.
func plain(value any) any {
	switch v := value.(type) {
	case *bool:
		return *v
	case *string:
		return *v
	case *int:
		return *v
	case *float64:
		return plain(*v)
	case **string:
		return deref(*v)
	case **int:
		return deref(*v)
	case **big.Int:
		if *v == nil {
			return nil
		}
		return *v
	case **float64:
		return deref(*v)
	case **[]string:
		return deref(*v)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return pyjson.FormatFloat(v)
		}
	}
	return value
}

func deref[T any](p *T) any {
	if p == nil {
		return nil
	}
	return plain(any(*p))
}

// str is the text of an optional flag, "" when it was not given.
func str(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func (c *config) chat() bool { return c.Backend == "openai-chat" }

// durationOf turns seconds into a duration that cannot overflow.
func durationOf(seconds float64) time.Duration {
	return time.Duration(min(seconds*1e9, float64(math.MaxInt64/4)))
}
