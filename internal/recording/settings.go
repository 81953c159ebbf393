package recording

import (
	"math"
	"math/big"
	"path/filepath"
	"time"
)

// Settings are everything that a command line says of a benchmark, under the original's
// names and then loadgen's own. Times are in seconds; a nil pointer is a setting that was
// not given and has no default.
type Settings struct {
	Backend           string    `json:"backend"`
	BaseURL           *string   `json:"base_url"`
	Host              string    `json:"host"`
	Port              int       `json:"port"`
	Endpoint          string    `json:"endpoint"`
	DatasetName       string    `json:"dataset_name"`
	DatasetPath       *string   `json:"dataset_path"`
	DownloadPath      *string   `json:"download_path"`
	DownloadTimeout   int       `json:"download_timeout"`
	MaxConcurrency    *int      `json:"max_concurrency"`
	Model             *string   `json:"model"`
	Tokenizer         *string   `json:"tokenizer"`
	UseBeamSearch     bool      `json:"use_beam_search"`
	NumPrompts        int       `json:"num_prompts"`
	Logprobs          *big.Int  `json:"logprobs"`
	RequestRate       float64   `json:"request_rate"`
	Burstiness        float64   `json:"burstiness"`
	NonStreaming      bool      `json:"non_streaming"`
	Seed              int       `json:"seed"`
	TrustRemoteCode   bool      `json:"trust_remote_code"`
	CustomTokenizer   *string   `json:"custom_tokenizer"`
	DisableTqdm       bool      `json:"disable_tqdm"`
	Profile           bool      `json:"profile"`
	SaveResult        bool      `json:"save_result"`
	SaveDetailed      bool      `json:"save_detailed"`
	Metadata          *[]string `json:"metadata"`
	ResultDir         *string   `json:"result_dir"`
	ResultFilename    *string   `json:"result_filename"`
	IgnoreEOS         bool      `json:"ignore_eos"`
	PercentileMetrics string    `json:"percentile_metrics"`
	MetricPercentiles string    `json:"metric_percentiles"`
	Goodput           *[]string `json:"goodput"`
	SonnetInputLen    int       `json:"sonnet_input_len"`
	SonnetOutputLen   int       `json:"sonnet_output_len"`
	SonnetPrefixLen   int       `json:"sonnet_prefix_len"`
	ShareGPTOutputLen *int      `json:"sharegpt_output_len"`
	RandomInputLen    int       `json:"random_input_len"`
	RandomOutputLen   int       `json:"random_output_len"`
	RandomRangeRatio  float64   `json:"random_range_ratio"`
	RandomPrefixLen   int       `json:"random_prefix_len"`
	RandomIDs         bool      `json:"random_ids"`
	TokenizeOnClient  bool      `json:"tokenize_on_client"`
	RandomImageWidth  int       `json:"random_image_width"`
	RandomImageHeight int       `json:"random_image_height"`
	RandomImageSize   int       `json:"random_image_size"`
	RandomNumImages   int       `json:"random_num_images"`
	HFSubset          *string   `json:"hf_subset"`
	HFSplit           *string   `json:"hf_split"`
	HFOutputLen       *int      `json:"hf_output_len"`
	TopP              *float64  `json:"top_p"`
	TopK              *big.Int  `json:"top_k"`
	MinP              *float64  `json:"min_p"`
	Temperature       *float64  `json:"temperature"`
	TokenizerMode     string    `json:"tokenizer_mode"`
	ServedModelName   *string   `json:"served_model_name"`
	LoRAModules       *[]string `json:"lora_modules"`
	NoTestInput       bool      `json:"no_test_input"`
	DryRun            bool      `json:"dry_run"`
	Header            *[]string `json:"header"`
	WaitReady         float64   `json:"wait_ready"`
	KeepAlive         bool      `json:"keep_alive"`
	Timeout           float64   `json:"timeout"`
	IdleTimeout       float64   `json:"idle_timeout"`
	MaxFailures       *string   `json:"max_failures"`
	Failures          string    `json:"failures"`
	Compat            string    `json:"compat"`
	StrictJSON        bool      `json:"strict_json"`
	BodyPatch         *string   `json:"body_patch"`
	Timestamps        string    `json:"timestamps"`
	Transport         string    `json:"transport"`
	Reactors          string    `json:"reactors"` // auto, or a number
	Extended          bool      `json:"extended"`
	Warmup            int       `json:"warmup"`
	ContinuousUsage   bool      `json:"continuous_usage"`
	SaveTimeline      *string   `json:"save_timeline"`
	Overwrite         bool      `json:"overwrite"`
	ServerMetrics     Records   `json:"server_metrics"`
	SelfTest          bool      `json:"selftest"`
	Require           *string   `json:"require"`
	Sim               *string   `json:"sim"`
	CACert            *string   `json:"ca_cert"`
	ClientCert        *string   `json:"client_cert"`
	ClientKey         *string   `json:"client_key"`
	Insecure          bool      `json:"insecure"`
	APIKeyFile        *string   `json:"api_key_file"`
	VocabSize         *int      `json:"vocab_size"`
	UseChatTemplate   bool      `json:"use_chat_template"`
	CustomOutputLen   *int      `json:"trtllm_custom_output_len"`
	VerifyPrompts     bool      `json:"verify_prompts"`
	CacheSalt         bool      `json:"cache_salt"`
	RandomIDStep      int       `json:"random_id_step"`
	RepeatedPrefixes  int       `json:"prefix_repetition_num_prefixes"`
	RepeatedPrefixLen int       `json:"prefix_repetition_prefix_len"`
	RepeatedSuffixLen int       `json:"prefix_repetition_suffix_len"`
	RepeatedOutputLen int       `json:"prefix_repetition_output_len"`
	RepeatedZipf      float64   `json:"prefix_repetition_zipf"`
	MaxTurns          int       `json:"max_turns"`
	ThinkTime         float64   `json:"think_time"`
	Speedup           float64   `json:"speedup"`
	TraceBlockSize    int       `json:"trace_block_size"`
	TimeBreakdown     Records   `json:"save_request_time_breakdown"`
	Traceparent       bool      `json:"traceparent"`
	GPUMetrics        *string   `json:"gpu_metrics"` // "" for nvidia-smi, or an exporter's URL
	Duration          float64   `json:"duration"`    // 0 for a number of requests alone
	Drain             *float64  `json:"drain"`       // nil for as long as it takes
	DistinctPrompts   *int      `json:"distinct_prompts"`
	RampUp            float64   `json:"ramp_up"`
	RampUpStrategy    *string   `json:"ramp_up_strategy"`
	RampUpStart       *float64  `json:"ramp_up_start_rps"`
	RampUpEnd         *float64  `json:"ramp_up_end_rps"`
	Stagger           float64   `json:"stagger"` // seconds
	Stages            *string   `json:"stages"`
	Cancel            *string   `json:"cancel"`
	CancelAfter       *string   `json:"cancel_after"`
	Balance           string    `json:"balance"`
	ProbeRate         float64   `json:"probe_request_rate"`
	ProbeInputLen     int       `json:"probe_input_len"`
	ProbeOutputLen    int       `json:"probe_output_len"`
	Rank              *string   `json:"rank"` // I/N; nil to read the environment where there is a common start
	StartAt           *string   `json:"start_at"`
	Barrier           *string   `json:"barrier"`
	BarrierTimeout    float64   `json:"barrier_timeout"`
}

// Defaults are the original's settings, and loadgen's for its own.
func Defaults() Settings {
	return Settings{
		Backend: "openai", Endpoint: "/v1/completions", Host: "127.0.0.1", Port: 8000, DatasetName: "sharegpt",
		DownloadTimeout: 180, NumPrompts: 1000, RequestRate: math.Inf(1), Burstiness: 1,
		PercentileMetrics: "ttft,tpot,itl", MetricPercentiles: "99",
		SonnetInputLen: 550, SonnetOutputLen: 150, SonnetPrefixLen: 200, RandomInputLen: 1024, RandomOutputLen: 128, RandomIDStep: 1,
		RandomImageWidth: 512, RandomImageHeight: 512, RandomImageSize: 512, RandomNumImages: 1, TokenizerMode: "auto",
		Timeout: 6 * 3600, Failures: "strict", Compat: "latest", Timestamps: "auto", Transport: "auto", Reactors: "auto",
		RepeatedPrefixes: 10, RepeatedPrefixLen: 256, RepeatedSuffixLen: 256, RepeatedOutputLen: 128, Speedup: 1, Balance: "round-robin", ProbeInputLen: 16, ProbeOutputLen: 8,
		BarrierTimeout: 600,
	}
}

// Chat reports whether the chat API is spoken.
func (s *Settings) Chat() bool { return s.Backend == "openai-chat" }

// Compat12 reports whether the result has the layout of the 1.2 release.
func (s *Settings) Compat12() bool { return s.Compat == "1.2" }

// Concurrency is the bound on requests under way, 0 for none.
func (s *Settings) Concurrency() int {
	if s.MaxConcurrency != nil && *s.MaxConcurrency > 0 {
		return *s.MaxConcurrency
	}
	return 0
}

// MostAtOnce is how many requests can be under way at once, 0 where that is not bounded.
func (s *Settings) MostAtOnce() int {
	switch {
	case s.Stages != nil:
		return 0
	case s.Timed() && s.NumPrompts <= 0 || 0 < s.Concurrency() && s.Concurrency() < s.NumPrompts:
		return s.Concurrency()
	}
	return s.NumPrompts
}

// Timed reports whether the run ends by time. NumPrompts, if it is above 0, is a bound then.
func (s *Settings) Timed() bool { return s.Duration > 0 || s.Stages != nil }

// Rate is the request rate per second, 0 where all requests are due at once.
func (s *Settings) Rate() float64 {
	if math.IsInf(s.RequestRate, 1) {
		return 0
	}
	return s.RequestRate
}

// ProbePeriod is the time between two probes, 0 where none are sent.
func (s *Settings) ProbePeriod() time.Duration {
	if !(s.ProbeRate > 0) {
		return 0
	}
	return time.Duration(float64(time.Second) / s.ProbeRate)
}

// ResultPath is where the result goes; name is what it is called unless the settings say.
func (s *Settings) ResultPath(name string) string {
	if given := Text(s.ResultFilename); given != "" {
		name = given
	}
	if dir := Text(s.ResultDir); dir != "" && !filepath.IsAbs(name) {
		return filepath.Join(dir, name)
	}
	return name
}

// Text is an optional setting's text, "" where it was not given.
func Text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// Seconds turns a number of seconds into a duration that cannot overflow.
func Seconds(s float64) time.Duration {
	return time.Duration(min(s*1e9, float64(math.MaxInt64/4)))
}
