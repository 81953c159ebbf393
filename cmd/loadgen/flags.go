package main

import (
	"os"
	"strings"

	"loadgen/internal/argparse"
	"loadgen/internal/tokenizer"
	"loadgen/pkg/dataset"
)

// flag is one row of the flag table, which feeds parsing, help and the
// namespace that --dry-run prints.
type flag struct {
	argparse.Flag
	// bind returns where the value goes: *bool, *string, *int, *float64, *[]string,
	// or a pointer to a pointer for flags that have no default.
	bind  func(c *config) any
	group string
	value string // the placeholder in the help
	usage string
	// aside flags say nothing of the run itself, but where its settings come from and what
	// is made of it.
	aside bool
	// sets are the data sets that the flag says something of; none for those that say something
	// of any.
	sets []string
}

// flagTable holds the original's flags in the order of its namespace, then ours.
func flagTable() []flag {
	word := func(name, group, value, usage string, bind func(c *config) any, choices ...string) flag {
		return flag{argparse.Flag{Name: name, Kind: argparse.String, Choices: choices}, bind, group, value, usage, false, nil}
	}
	integer := func(name, group, usage string, bind func(c *config) any) flag {
		return flag{argparse.Flag{Name: name, Kind: argparse.Int}, bind, group, "N", usage, false, nil}
	}
	float := func(name, group, value, usage string, bind func(c *config) any) flag {
		return flag{argparse.Flag{Name: name, Kind: argparse.Float}, bind, group, value, usage, false, nil}
	}
	seconds := func(name, group, value, usage string, bind func(c *config) any) flag {
		return flag{argparse.Flag{Name: name, Kind: argparse.Seconds}, bind, group, value, usage, false, nil}
	}
	on := func(name, group, usage string, bind func(c *config) any) flag {
		return flag{argparse.Flag{Name: name}, bind, group, "", usage, false, nil}
	}
	list := func(name, group, value, usage string, kind argparse.Kind, bind func(c *config) any) flag {
		return flag{argparse.Flag{Name: name, Kind: kind}, bind, group, value, usage, false, nil}
	}
	place := func(name, usage string, bind func(c *config) any) flag {
		return flag{argparse.Flag{Name: name, Kind: argparse.Optional, Takes: isDirectory}, bind, results, "[DIR]", usage, false, nil}
	}
	own := func(f flag) flag {
		f.Exact = true
		return f
	}
	aside := func(f flag) flag {
		f.Exact, f.aside = true, true
		return f
	}
	newer := func(f flag) flag {
		f.Newer = true
		return f
	}
	forSets := func(sets string, f flag) flag {
		f.sets = strings.Split(sets, ", ")
		f.usage = sets + ": " + f.usage
		return f
	}
	accumulates := func(f flag) flag {
		f.Repeats = true
		return f
	}
	return []flag{
		word("--backend", target, "NAME", "API to speak: completions (openai) or chat completions (openai-chat)", func(c *config) any { return &c.Backend }, "openai", "openai-chat"),
		accumulates(word("--base-url", target, "URL", "server's URL, in place of --host and --port: http://HOST:PORT, https://HOST or unix:PATH; USER:PASSWORD@ in it is sent as Basic authorization. Given more than once, or with commas between, requests are spread over the servers (--balance)", func(c *config) any { return &c.BaseURL })),
		word("--host", target, "HOST", "server's host", func(c *config) any { return &c.Host }),
		integer("--port", target, "server's port", func(c *config) any { return &c.Port }),
		word("--endpoint", target, "PATH", "path that requests go to; chat uses /v1/chat/completions unless this ends in chat/completions", func(c *config) any { return &c.Endpoint }),
		word("--dataset-name", dataSet, "NAME", "where prompts come from (docs/datasets.md): "+strings.Join(dataset.Names(), ", ")+". Without this and --dataset-path: random ids, 512 tokens in, 128 out, 5 requests for each concurrent one", func(c *config) any { return &c.DatasetName }, dataset.Names()...),
		word("--dataset-path", dataSet, "PATH", "file of the data set, - or a pipe too; for random without --random-ids a ShareGPT file; for hf the id of a data set on the hub or a directory of that name", func(c *config) any { return &c.DatasetPath }),
		word("--download-path", dataSet, "DIR", "directory that the ShareGPT file is downloaded into, unless it is there, for sharegpt and random without --dataset-path", func(c *config) any { return &c.DownloadPath }),
		flag{argparse.Flag{Name: "--download-timeout", Kind: argparse.WholeSeconds}, func(c *config) any { return &c.DownloadTimeout }, dataSet, "S", "give up the download of a data set's file after S seconds (or 90s, 5m)", false, nil},
		integer("--max-concurrency", traffic, "at most N requests under way, in first-in-first-out order; unbounded without it", func(c *config) any { return &c.MaxConcurrency }),
		word("--model", target, "NAME", "model's name; without it, the first that the server lists at /v1/models", func(c *config) any { return &c.Model }),
		word("--tokenizer", dataSet, "NAME", "tokenizer: a directory, a tokenizer.json, a model in the local Hugging Face cache, or llama3 (built in); the model's without it", func(c *config) any { return &c.Tokenizer }),
		on("--use-beam-search", ignored, "beam search", func(c *config) any { return &c.UseBeamSearch }),
		integer("--num-prompts", dataSet, "number of requests", func(c *config) any { return &c.NumPrompts }),
		integer("--logprobs", sampling, "log probabilities to ask for (completions only)", func(c *config) any { return &c.Logprobs }),
		float("--request-rate", traffic, "R", "requests per second; inf sends all at once", func(c *config) any { return &c.RequestRate }),
		float("--burstiness", traffic, "B", "shape of the gamma distribution of the intervals: 1 is a Poisson process, less is burstier, inf is constant spacing", func(c *config) any { return &c.Burstiness }),
		on("--non-streaming", sampling, "ask for whole answers; there is no TTFT and no ITL then", func(c *config) any { return &c.NonStreaming }),
		integer("--seed", dataSet, "seed of all random numbers, 0 to 4294967295", func(c *config) any { return &c.Seed }),
		on("--trust-remote-code", ignored, "no code is loaded", func(c *config) any { return &c.TrustRemoteCode }),
		word("--custom-tokenizer", dataSet, "NAME", "kind of the model's tokenizer: "+strings.Join(tokenizer.Aliases(), ", ")+"; no Python is loaded (docs/tokenizers.md)", func(c *config) any { return &c.CustomTokenizer }),
		on("--disable-tqdm", runControl, "show no progress", func(c *config) any { return &c.DisableTqdm }),
		on("--profile", runControl, "start the server's profiler before the run and stop it after it", func(c *config) any { return &c.Profile }),
		on("--save-result", results, "write the result file and, next to it, the HDR log", func(c *config) any { return &c.SaveResult }),
		on("--save-detailed", results, "keep every request's lengths, latencies, text and error in the result file", func(c *config) any { return &c.SaveDetailed }),
		list("--metadata", results, "K=V ...", "items to put into the result file", argparse.List, func(c *config) any { return &c.Metadata }),
		word("--result-dir", results, "DIR", "directory of the result file; it is made if need be", func(c *config) any { return &c.ResultDir }),
		word("--result-filename", results, "NAME", "name of the result file, or - for standard output; without it {backend}-{rate}qps[-concurrency{N}]-{model}-{date}.json", func(c *config) any { return &c.ResultFilename }),
		on("--ignore-eos", sampling, "generate to the full length", func(c *config) any { return &c.IgnoreEOS }),
		word("--percentile-metrics", results, "LIST", "metrics to report, of ttft,tpot,itl,e2el", func(c *config) any { return &c.PercentileMetrics }),
		word("--metric-percentiles", results, "LIST", "percentiles to report, each 0 to 100", func(c *config) any { return &c.MetricPercentiles }),
		list("--goodput", results, "K:MS ...", "objectives in milliseconds (or with a unit, e2el:5s) that a good request meets; K is ttft, tpot or e2el", argparse.ListSome, func(c *config) any { return &c.Goodput }),
		forSets("sonnet", integer("--sonnet-input-len", dataSet, "tokens in", func(c *config) any { return &c.SonnetInputLen })),
		forSets("sonnet", integer("--sonnet-output-len", dataSet, "tokens out", func(c *config) any { return &c.SonnetOutputLen })),
		forSets("sonnet", integer("--sonnet-prefix-len", dataSet, "tokens shared", func(c *config) any { return &c.SonnetPrefixLen })),
		forSets("sharegpt", integer("--sharegpt-output-len", dataSet, "tokens out, in place of the reply's length", func(c *config) any { return &c.ShareGPTOutputLen })),
		forSets("random, random_image, synthetic_text", integer("--random-input-len", dataSet, "tokens in", func(c *config) any { return &c.RandomInputLen })),
		forSets("random, random_image, synthetic_text, jsonl, conversations", integer("--random-output-len", dataSet, "tokens out; of jsonl and conversations where the file does not say", func(c *config) any { return &c.RandomOutputLen })),
		forSets("random, random_image, prefix_repetition, synthetic_text", float("--random-range-ratio", dataSet, "R", "lengths spread evenly over (1-R) to (1+R) times the nominal ones; below 1", func(c *config) any { return &c.RandomRangeRatio })),
		forSets("random, random_image, synthetic_text", integer("--random-prefix-len", dataSet, "tokens that all prompts begin with", func(c *config) any { return &c.RandomPrefixLen })),
		forSets("random", on("--random-ids", dataSet, "prompts of consecutive token ids, which need no file", func(c *config) any { return &c.RandomIDs })),
		own(integer("--random-id-step", dataSet, "random ids: how far apart the ids of a prompt are; 1 as the original's. Above 1 no two prompts begin alike, nor do those of runs with different steps", func(c *config) any { return &c.RandomIDStep })),
		forSets("random, random_image, prefix_repetition, trace, synthetic_text", on("--tokenize-on-client", dataSet, "send token ids in place of text", func(c *config) any { return &c.TokenizeOnClient })),
		forSets("random_image", integer("--random-image-width", dataSet, "pixels", func(c *config) any { return &c.RandomImageWidth })),
		forSets("random_image", integer("--random-image-height", dataSet, "pixels", func(c *config) any { return &c.RandomImageHeight })),
		forSets("random_image", integer("--random-image-size", dataSet, "pixels, both ways", func(c *config) any { return &c.RandomImageSize })),
		forSets("random_image", integer("--random-num-images", dataSet, "images per request", func(c *config) any { return &c.RandomNumImages })),
		forSets("hf", word("--hf-subset", dataSet, "NAME", "subset", func(c *config) any { return &c.HFSubset })),
		forSets("hf", word("--hf-split", dataSet, "NAME", "split", func(c *config) any { return &c.HFSplit })),
		forSets("hf", integer("--hf-output-len", dataSet, "tokens out, in place of the data set's", func(c *config) any { return &c.HFOutputLen })),
		forSets("trtllm_custom, jsonl, conversations, trace", newer(integer("--trtllm-custom-output-len", dataSet, "tokens out, in place of the file's", func(c *config) any { return &c.CustomOutputLen }))),
		float("--top-p", sampling, "P", "top_p of every request", func(c *config) any { return &c.TopP }),
		integer("--top-k", sampling, "top_k of every request", func(c *config) any { return &c.TopK }),
		float("--min-p", sampling, "P", "min_p of every request", func(c *config) any { return &c.MinP }),
		float("--temperature", sampling, "T", "temperature; 0 without it", func(c *config) any { return &c.Temperature }),
		word("--tokenizer-mode", dataSet, "MODE", "which of a model's tokenizer files to read: the best (auto), tokenizer.model or vocab.json (slow), tekken.json (mistral), or as --custom-tokenizer says (custom)", func(c *config) any { return &c.TokenizerMode }, "auto", "slow", "mistral", "custom"),
		word("--served-model-name", target, "NAME", "model's name in the requests; --model without it", func(c *config) any { return &c.ServedModelName }),
		list("--lora-modules", sampling, "NAME ...", "LoRA adapters, of which each request names one at random", argparse.ListSome, func(c *config) any { return &c.LoRAModules }),
		on("--no-test-input", runControl, "skip the test request before the run", func(c *config) any { return &c.NoTestInput }),

		own(integer("--vocab-size", dataSet, "token ids drawn at random are below N; where only ids are sent (--random-ids --tokenize-on-client) no tokenizer is read", func(c *config) any { return &c.VocabSize })),
		forSets("prefix_repetition", own(integer("--prefix-repetition-num-prefixes", dataSet, "shared prefixes", func(c *config) any { return &c.RepeatedPrefixes }))),
		forSets("prefix_repetition", own(integer("--prefix-repetition-prefix-len", dataSet, "tokens of a prefix", func(c *config) any { return &c.RepeatedPrefixLen }))),
		forSets("prefix_repetition", own(integer("--prefix-repetition-suffix-len", dataSet, "tokens of each prompt after its prefix", func(c *config) any { return &c.RepeatedSuffixLen }))),
		forSets("prefix_repetition", own(integer("--prefix-repetition-output-len", dataSet, "tokens out", func(c *config) any { return &c.RepeatedOutputLen }))),
		forSets("prefix_repetition", own(float("--prefix-repetition-zipf", dataSet, "S", "the k-th prefix has a share proportional to 1/k^S; 0 gives each the same", func(c *config) any { return &c.RepeatedZipf }))),
		own(on("--verify-prompts", dataSet, "have the server count the prompts (/v1/tokenize, /_internal/tokenize, /tokenize, or requests for one token) and correct random ones until it counts what was asked for", func(c *config) any { return &c.VerifyPrompts })),
		own(on("--cache-salt", dataSet, "begin prompts with a salt of this run, so that no prefix cache has them from an earlier one", func(c *config) any { return &c.CacheSalt })),
		forSets("conversations", own(integer("--max-turns", dataSet, "at most N turns of each; 0 sends all", func(c *config) any { return &c.MaxTurns }))),
		forSets("conversations", own(seconds("--think-time", dataSet, "S", "seconds from a reply to the next turn, where the file does not say", func(c *config) any { return &c.ThinkTime }))),
		forSets("trace", own(float("--speedup", traffic, "X", "divide its arrival times by X", func(c *config) any { return &c.Speedup }))),
		forSets("trace", own(integer("--trace-block-size", dataSet, "tokens of one block hash; 0 finds the size that fits", func(c *config) any { return &c.TraceBlockSize }))),
		own(on("--use-chat-template", dataSet, "completions: render each prompt with the model's chat template, found next to its tokenizer; its tokens are part of --random-input-len", func(c *config) any { return &c.UseChatTemplate })),
		own(on("--dry-run", runControl, "print the settings and every request as JSON lines and send nothing", func(c *config) any { return &c.DryRun })),
		own(accumulates(list("--header", sampling, "K:V ...", "further header lines; can be given more than once", argparse.ListSome, func(c *config) any { return &c.Header }))),
		own(on("--traceparent", sampling, "send a traceparent header (W3C Trace Context), which makes each request a span of one trace, for servers that export OpenTelemetry", func(c *config) any { return &c.Traceparent })),
		own(seconds("--wait-ready", runControl, "S", "wait at most S seconds (or 500ms, 5m) for the server's /health to answer 200", func(c *config) any { return &c.WaitReady })),
		own(on("--keep-alive", traffic, "reuse connections; without it each request opens its own", func(c *config) any { return &c.KeepAlive })),
		own(seconds("--timeout", runControl, "S", "give up a request after S seconds (or 90s, 5m); 0 never does", func(c *config) any { return &c.Timeout })),
		own(seconds("--idle-timeout", runControl, "S", "give up a request that has brought nothing for S seconds; 0 never does", func(c *config) any { return &c.IdleTimeout })),
		own(word("--max-failures", runControl, "N|P%", "stop the run early, with exit code 1, when N requests in a row or more than P% of all have failed; what was measured is saved", func(c *config) any { return &c.MaxFailures })),
		own(word("--failures", results, "RULE", "what counts as a failure: strict (cut, unfinished and erroneous streams do), or the original's rule", func(c *config) any { return &c.Failures }, "strict", "original")),
		own(word("--compat", results, "RELEASE", "layout of the result: latest, or that of the 1.2 release", func(c *config) any { return &c.Compat }, "latest", "1.2")),
		own(on("--strict-json", results, "leave loadgen's own object out of the result file", func(c *config) any { return &c.StrictJSON })),
		own(word("--body-patch", sampling, "JSON", "JSON merge patch (RFC 7386) for every body: {\"ignore_eos\": null} leaves a field out", func(c *config) any { return &c.BodyPatch })),
		own(word("--timestamps", runControl, "SOURCE", "arrival stamps: the kernel's of sockets (kernel), or of packets, which needs CAP_NET_RAW (packet), the program's (user), or the kernel's where there are any (auto)", func(c *config) any { return &c.Timestamps }, "auto", "kernel", "packet", "user")),
		own(word("--transport", runControl, "KIND", "how plain connections are carried: by epoll threads (reactor), a goroutine each (blocking), or the former where there is one (auto)", func(c *config) any { return &c.Transport }, "auto", "reactor", "blocking")),
		own(word("--reactors", runControl, "N", "how many epoll threads share plain connections: a number, or auto: one, and more as the load grows, at most one for two processors (docs/scale.md)", func(c *config) any { return &c.Reactors })),
		own(on("--extended", results, "print the metrics beyond the original's after its table: per token, from the due time, first wave, steady state, intervals", func(c *config) any { return &c.Extended })),
		own(integer("--warmup", runControl, "send N requests with prompts of their own before the run, unmeasured", func(c *config) any { return &c.Warmup })),
		own(on("--continuous-usage", sampling, "ask the server for its token count with every event, which times tokens where chunks hold several", func(c *config) any { return &c.ContinuousUsage })),
		own(word("--save-timeline", results, "FILE", "write the raw timelines while the run lasts; loadgen report FILE makes the whole result of them", func(c *config) any { return &c.SaveTimeline })),
		own(on("--overwrite", results, "let --save-timeline replace a file that is there", func(c *config) any { return &c.Overwrite })),
		own(place("--server-metrics", "read the server's own queue and prefill times from /perf_metrics and /metrics, which empties them, or from perf_metrics-*.jsonl in DIR; and its Prometheus metrics before and after the run", func(c *config) any { return &c.ServerMetrics })),
		own(flag{argparse.Flag{Name: "--gpu-metrics", Kind: argparse.Optional}, func(c *config) any { return &c.GPUMetrics }, results, "[URL]", "sample the GPUs' power and memory during the run, for joules per token: with nvidia-smi on this machine, or from the DCGM exporter at URL", false, nil}),
		own(place("--save-request-time-breakdown", "save where the TTFT of each request went, and a diagram of it: from the server's /perf_metrics, or from the files that it writes to DIR (perf_metrics_output_dir)", func(c *config) any { return &c.TimeBreakdown })),
		own(on("--selftest", results, "after the run, compare what loadgen reports under this load with what a simulated server knows, and keep the table in the result", func(c *config) any { return &c.SelfTest })),
		own(word("--require", results, "VERDICT", "end with exit code 3 unless the run's verdict on loadgen itself is clean", func(c *config) any { return &c.Require }, "clean")),
		own(word("--sim", target, "PROFILE", "run against a simulated server of that profile, started for the run: ideal, origin-pytorch, origin-trt", func(c *config) any { return &c.Sim })),
		own(word("--ca-cert", target, "FILE", "certificates (PEM) to trust besides the system's; SSL_CERT_FILE replaces the system's", func(c *config) any { return &c.CACert })),
		own(word("--client-cert", target, "FILE", "certificate (PEM) to show to a server that asks for one", func(c *config) any { return &c.ClientCert })),
		own(word("--client-key", target, "FILE", "private key (PEM) of --client-cert, where it is not in the same file", func(c *config) any { return &c.ClientKey })),
		own(on("--insecure", target, "trust any certificate, even an impostor's", func(c *config) any { return &c.Insecure })),
		own(word("--api-key-file", target, "FILE", "file that holds the API key, in place of OPENAI_API_KEY", func(c *config) any { return &c.APIKeyFile })),
		own(seconds("--duration", traffic, "S", "send requests for S seconds (or 90s, 5m): as many as there is time for, or at most --num-prompts. Those under way at the end are finished (docs/load.md)", func(c *config) any { return &c.Duration })),
		own(seconds("--drain", traffic, "S", "with --duration or --stages: give up what is under way S seconds after the end; without it, it is waited for", func(c *config) any { return &c.Drain })),
		own(integer("--distinct-prompts", dataSet, "with --duration or --stages: prepare N prompts, and begin again with the first after the last; without it --num-prompts, or as many as are due, at most 4096 (256 with images) or 16 for each concurrent request", func(c *config) any { return &c.DistinctPrompts })),
		own(seconds("--ramp-up", traffic, "S", "reach the request rate, or the concurrency, in S seconds", func(c *config) any { return &c.RampUp })),
		own(word("--ramp-up-strategy", traffic, "KIND", "how the load grows: by the same amount each second (linear) or by the same factor. Without --ramp-up until the end of the run", func(c *config) any { return &c.RampUpStrategy }, "linear", "exponential")),
		own(float("--ramp-up-start-rps", traffic, "R", "requests per second that the ramp begins with; 0 without it", func(c *config) any { return &c.RampUpStart })),
		own(float("--ramp-up-end-rps", traffic, "R", "requests per second that the ramp ends with; --request-rate without it", func(c *config) any { return &c.RampUpEnd })),
		own(seconds("--stagger", traffic, "S", "open the slots of --max-concurrency one after the other over S seconds, about as long as a request takes, so that requests of one length do not stay in step. Unlike those of --ramp-up, these seconds are not reported apart", func(c *config) any { return &c.Stagger })),
		own(word("--stages", traffic, "FILE", "several loads in one run, each judged on its own: a YAML list of stages with a rate or a concurrency and a duration (docs/load.md)", func(c *config) any { return &c.Stages })),
		own(word("--cancel", traffic, "P%", "cancel P% of the requests, chosen by the seed, as users who disconnect do; --cancel-after says when. They are counted apart from failures", func(c *config) any { return &c.Cancel })),
		own(word("--cancel-after", traffic, "N|TIME", "cancel after N output tokens, or after a time from the start: 16, 500ms, 2s", func(c *config) any { return &c.CancelAfter })),
		own(float("--probe-request-rate", traffic, "R", "next to the load, send R probes per second: small requests, all of them the same, at a constant spacing, which are reported apart", func(c *config) any { return &c.ProbeRate })),
		own(integer("--probe-input-len", traffic, "tokens in of a probe", func(c *config) any { return &c.ProbeInputLen })),
		own(integer("--probe-output-len", traffic, "tokens out of a probe", func(c *config) any { return &c.ProbeOutputLen })),
		own(word("--balance", traffic, "RULE", "with several servers: one after the other, or the one with the fewest requests under way", func(c *config) any { return &c.Balance }, "round-robin", "least-in-flight")),
		own(word("--rank", runControl, "I/N", "be process I, from 0, of N that make the run together: send every N-th request, with an N-th of the slots. Without it, where --barrier or --start-at is given, the launcher's variables say so (SLURM_PROCID, OMPI_COMM_WORLD_RANK, PMI_RANK, or JOB_COMPLETION_INDEX with LOADGEN_SIZE)", func(c *config) any { return &c.Rank })),
		own(word("--barrier", runControl, "DIR", "start together with the other processes, which meet in DIR: a directory that all of them see, one for each run; docs/scale.md", func(c *config) any { return &c.Barrier })),
		own(seconds("--barrier-timeout", runControl, "S", "wait at most S seconds for the other processes each time that they meet", func(c *config) any { return &c.BarrierTimeout })),
		own(word("--start-at", runControl, "TIME", "start at TIME by this host's clock, or rank 0's with --barrier: seconds since 1970, or 2026-11-30T12:00:00Z", func(c *config) any { return &c.StartAt })),
		aside(word("--config", runControl, "FILE", "YAML file with flags, a key for each, without its dashes. The command line overrides variables of the environment (LOADGEN_MAX_CONCURRENCY=64), which override the file", func(c *config) any { return &c.configFile })),
		aside(word("--output", results, "FORMAT", "what standard output gets: the original's text, or the result as one JSON object, with the text on standard error", func(c *config) any { return &c.output }, "text", "json")),
		aside(word("--log-format", runControl, "FORMAT", "what standard error gets: text, or a JSON object a line, with stable codes of errors, findings and notes", func(c *config) any { return &c.logFormat }, "text", "json")),
		aside(word("--save-requests", results, "FILE", "write a table with a row for each request to FILE, CSV or Parquet by its name: .csv or .parquet", func(c *config) any { return &c.saveRequests })),
		aside(on("--live", runControl, "show the run on the whole terminal in place of the progress line: rates, percentiles of the last 10 s and of the run, failures, the verdict so far (docs/live.md). The key l changes between the two", func(c *config) any { return &c.live })),
		aside(word("--metrics-addr", runControl, "ADDR", "serve the run's metrics to Prometheus while it lasts, at http://ADDR/metrics. ADDR is HOST:PORT, or a port on 127.0.0.1", func(c *config) any { return &c.metricsAddr })),
		aside(word("--append", results, "FILE", "add the result, without the requests' own, to FILE as one line of JSON", func(c *config) any { return &c.appendTo })),
	}
}

// isDirectory reports whether a word is one, which a flag may take though it begins with a dash.
func isDirectory(word string) bool {
	info, err := os.Stat(word)
	return err == nil && info.IsDir()
}
